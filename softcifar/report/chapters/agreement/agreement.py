"""Predictions against people's and the exact label distributions, where the test images have them."""

from softcifar import metrics
from softcifar.metrics.disagreement import entropy_calibration_error, entropy_excess, rank_agreement
from softcifar.report.core.columns import WHOSE, Column, proportion
from softcifar.report.core.long_table import Row
from softcifar.report.core.predictions import Prediction
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.tables import MARK_NOTE, Table, means_table

# metric -> title, meaning, function of probabilities and targets, both (N, K)
AGREEMENT = {
    "cross_entropy": ("cross-entropy", "cross-entropy of the prediction to the distribution, nats",
                      lambda probs, targets: metrics.human_cross_entropy(probs, targets)),
    "kl_divergence": ("KL", "KL divergence of the prediction from the distribution, nats",
                      lambda probs, targets: metrics.kl_divergence(targets, probs)),
    "total_variation": ("total variation", "half the L1 distance between prediction and distribution (DistCE)",
                        lambda probs, targets: metrics.total_variation(probs, targets)),
    "brier_to_distribution": ("Brier", "squared distance between prediction and distribution",
                              lambda probs, targets: metrics.brier_to_distribution(probs, targets)),
    "second_guess_accuracy": ("2nd guess %", "share of disputed images whose second likeliest class is predicted second",
                              lambda probs, targets: metrics.second_guess_accuracy(probs, targets)),
    "rank_agreement": ("first 2 %", "share of disputed images whose two likeliest classes are predicted first, in order",
                       lambda probs, targets: rank_agreement(probs, targets)),
    "entropy_error": ("entropy error", "mean distance of the predicted entropy from the distribution's, nats (EntCE)",
                      lambda probs, targets: entropy_calibration_error(probs, targets)),
    "entropy_excess": ("entropy excess", "mean predicted entropy less the distribution's, nats: above 0 too undecided",
                       lambda probs, targets: entropy_excess(probs, targets)),
    "entropy_correlation": ("entropy corr.", "correlation of predicted entropy with the distribution's entropy",
                            lambda probs, targets: metrics.entropy_correlation(probs, targets)),
}  # fmt: skip
SHARES, SIGNED = ("second_guess_accuracy", "rank_agreement"), ("entropy_excess",)


def rows(results: Results, prediction: Prediction) -> list[Row]:
    """Every metric of the unscaled prediction against each known distribution."""
    return [
        (metric, source, "", function(prediction.probs, targets))
        for source, targets in results.targets("test", prediction.split).items()
        for metric, (_, _, function) in AGREEMENT.items()
    ]


def column(metric: str, source: str) -> Column:
    title, meaning, _ = AGREEMENT[metric]
    key, title, meaning = f"{source}_{metric}", f"{source.capitalize()} {title}", f"{meaning}, against {WHOSE[source]}"
    if metric in SHARES:
        return proportion(key, title, meaning, metric, source)
    return Column(key, title, meaning, metric, source, higher=None if metric in SIGNED else metric == "entropy_correlation")


def table(study: Study) -> Table:
    """Every metric, against people and against the exact distribution, where known."""
    columns = [column(metric, source) for source in study.results.targets("test") for metric in AGREEMENT]
    title = "Agreement with label distributions"
    return means_table(study.numbers, study.design, "agreement", title, columns, note=MARK_NOTE, folded=True)
