"""Does a score show ambiguity (people disagree about the image) or novelty (nothing like it was in the training set)?"""

import numpy as np

from softcifar import metrics
from softcifar.report.chapters.novelty.detection import by_set
from softcifar.report.core.long_table import Row
from softcifar.report.core.predictions import Prediction
from softcifar.report.core.results import Results

SHARE = 0.2  # of the test images that count as ambiguous, at most


def judged_by(results: Results) -> str:
    """Whose label distribution tells which test images are ambiguous: "exact" where it is known, else "human"; "" for none."""
    known = results.targets("test")
    return next((source for source in ("exact", "human") if source in known), "")


def ambiguous(results: Results, split: int = 0) -> np.ndarray:
    """Positions of a split's ambiguous test images, int64 (M,): those with the highest entropy of the label distribution.

    At most a fifth, of the distribution that `judged_by` names; images on which all agree are never ambiguous. Empty where none
    is known.
    """
    source = judged_by(results)
    if not source:
        return np.zeros(0, dtype=np.int64)
    entropy = metrics.entropy(results.targets("test", split)[source])
    order = np.argsort(-entropy, kind="stable")[: round(SHARE * len(entropy))]
    return np.sort(order[entropy[order] > 0])


def rows(results: Results, prediction: Prediction) -> list[Row]:
    """Per score: its rank correlation with the entropy of each known label distribution, and how well it separates the
    ambiguous test images from the sets of novel ones (metric "auroc_ambiguous"; then the means over near and far sets).
    """
    chosen = ambiguous(results, prediction.split)
    if not len(chosen):
        return []
    listed: list[Row] = []
    for score, values in prediction.novelty.items():
        for source, targets in results.targets("test", prediction.split).items():
            correlation = metrics.rank_correlation(values["test"], metrics.entropy(targets))
            listed.append(("ambiguity_correlation", source, score, correlation))
        of = {name: metrics.auroc(values["test"][chosen], values[name]) for name in results.ood}
        listed += by_set(results, "auroc_ambiguous", score, of)
    return listed
