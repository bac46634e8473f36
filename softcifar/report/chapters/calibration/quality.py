"""Accuracy, proper scores and calibration errors, before and after temperature scaling."""

from softcifar import metrics
from softcifar.metrics.calibration_sides import overconfident_part, underconfident_part
from softcifar.report.core.columns import Column
from softcifar.report.core.long_table import Row
from softcifar.report.core.predictions import Prediction
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.tables import MARK_NOTE, Table, means_table

# metric -> title, meaning, function of probabilities (N, K), labels (N,) and the number of bins
QUALITY = {
    "nll": ("NLL", "negative log-likelihood of the test labels, nats",
            lambda probs, labels, bins: metrics.negative_log_likelihood(probs, labels)),
    "brier": ("Brier", "squared distance of the probabilities to the one-hot label, 0 to 2",
              lambda probs, labels, bins: metrics.brier_score(probs, labels)),
    "ece": ("ECE", "expected calibration error of the top label, equal-width bins",
            lambda probs, labels, bins: metrics.expected_calibration_error(probs, labels, bins=bins)),
    "adaptive_ece": ("adaptive ECE", "calibration error with equally many images per bin",
                     lambda probs, labels, bins: metrics.adaptive_calibration_error(probs, labels, bins=bins)),
    "classwise_ece": ("class-wise ECE", "calibration error of every class's probability, mean over classes",
                      lambda probs, labels, bins: metrics.classwise_calibration_error(probs, labels, bins=bins)),
    "ece_by_true_class": ("ECE by true class", "top-label ECE of the images of one true class, mean over classes: what Maher & "
                          "Kull call class-wise ECE; the best prediction does not score 0",
                          lambda probs, labels, bins: metrics.by_true_class_calibration_error(probs, labels, bins=bins)),
    "mce": ("MCE", "largest calibration error of any bin",
            lambda probs, labels, bins: metrics.maximum_calibration_error(probs, labels, bins=bins)),
    "overconfidence": ("overconfidence", "overconfidence error: confidence times what it exceeds accuracy by, mean over bins",
                       lambda probs, labels, bins: metrics.overconfidence_error(probs, labels, bins=bins)),
    "ece_over": ("ECE, too sure", "the part of the ECE of bins that are surer than right",
                 lambda probs, labels, bins: overconfident_part(probs, labels, bins=bins)),
    "ece_under": ("ECE, too modest", "the part of the ECE of bins that are right more often than they say",
                  lambda probs, labels, bins: underconfident_part(probs, labels, bins=bins)),
}  # fmt: skip


def rows(results: Results, prediction: Prediction) -> list[Row]:
    """Every metric on the test labels; after temperature scaling its name ends in "_scaled"."""
    labels, bins = results.part("test", prediction.split)["labels"], results.bins
    values = {"temperature": prediction.temperature, "accuracy": metrics.accuracy(prediction.probs, labels)}
    values["true_class_ece"] = metrics.true_class_calibration_error(prediction.probs, labels)
    for probs, suffix in ((prediction.probs, ""), (prediction.scaled, "_scaled")):
        values |= {f"{metric}{suffix}": function(probs, labels, bins) for metric, (_, _, function) in QUALITY.items()}
    return [(metric, "test", "", value) for metric, value in values.items()]


def column(metric: str, *, scaled: bool = False) -> Column:
    title, meaning, _ = QUALITY[metric]
    if scaled:
        return Column(f"{metric}_scaled", f"{title} scaled", f"{meaning}, after temperature scaling", f"{metric}_scaled")
    return Column(metric, title, meaning, metric)


def table(study: Study) -> Table:
    """Temperature, then every metric before and after scaling."""
    temperature = Column("temperature", "T", "temperature fitted on validation", "temperature", higher=None, digits=2)
    columns = [temperature, *(column(metric, scaled=scaled) for metric in QUALITY for scaled in (False, True))]
    title = "Calibration before and after temperature scaling"
    return means_table(study.numbers, study.design, "calibration", title, columns, note=MARK_NOTE, folded=True)
