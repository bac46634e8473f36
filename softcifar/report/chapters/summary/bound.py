"""What no classifier can expect to beat, where the exact label distribution of every test image is known."""

import numpy as np

from softcifar import metrics
from softcifar.report.core.columns import plain
from softcifar.report.core.results import Results


def bound(results: Results) -> str:
    """A sentence with the Bayes classifier's accuracy and NLL, means over the splits; "" where the truth is not known."""
    if "exact" not in results.targets("test"):
        return ""
    scores = []
    for split in range(len(results.splits)):
        exact, labels = results.targets("test", split)["exact"], results.part("test", split)["labels"]
        drawn = metrics.accuracy(exact, labels), metrics.negative_log_likelihood(exact, labels)
        scores.append([*drawn, exact.max(axis=1).mean(), metrics.entropy(exact).mean()])
    accuracy, nll, expected_accuracy, expected_nll = np.mean(scores, axis=0)
    return (
        "The Bayes classifier, which predicts the exact label distribution of every test image, has accuracy "
        f"{plain(100 * accuracy, 1)} % and NLL {plain(nll)} on these labels; on average over labels drawn anew it would have "
        f"{plain(100 * expected_accuracy, 1)} % and {plain(expected_nll)}, which no classifier can expect to beat."
    )
