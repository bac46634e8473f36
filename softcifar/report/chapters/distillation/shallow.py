"""What a shallow network learns from each student by distillation."""

from softcifar import metrics
from softcifar.report.core.columns import ACCURACY as OWN
from softcifar.report.core.columns import Column, proportion
from softcifar.report.core.long_table import Row
from softcifar.report.core.predictions import Prediction, single
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.tables import MARK_NOTE, Table, means_table

SHALLOW = "shallow"  # the set under which the long table holds these numbers
ACCURACY = proportion("shallow_accuracy", "Accuracy %", "of the shallow network on the test labels", "accuracy", SHALLOW)
COLUMNS = [
    proportion("own_accuracy", "Teacher's accuracy %", OWN.meaning, "accuracy"),
    ACCURACY,
    Column("shallow_nll", "NLL", "of the shallow network on the test labels, nats", "nll", SHALLOW),
    Column("shallow_ece", "ECE", "expected calibration error of the shallow network", "ece", SHALLOW),
    proportion("same_prediction", "Same class %",
               "share of test images to which the shallow network gives the same class as its teacher",
               "same_prediction", SHALLOW),
    Column("kl_from_teacher", "KL", "KL divergence from the teacher's prediction, nats", "kl_from_teacher", SHALLOW),
]  # fmt: skip


def rows(results: Results, prediction: Prediction) -> list[Row]:
    """Numbers of the shallow network that was distilled from this run of a student; none where there is no such network.

    Accuracy, NLL and ECE on the test labels; the share of test images to which it gives the same class as its teacher, and
    KL(teacher || shallow network) in nats.
    """
    of = single(results, prediction)
    if of is None or prediction.student not in results.shallow:
        return []
    run = of[1]
    probs = metrics.predictive(results.shallow[prediction.student][run])
    labels = results.part("test", prediction.split)["labels"]
    values = {
        "accuracy": metrics.accuracy(probs, labels),
        "nll": metrics.negative_log_likelihood(probs, labels),
        "ece": metrics.expected_calibration_error(probs, labels, bins=results.bins),
        "same_prediction": metrics.same_prediction(probs, prediction.probs),
        "kl_from_teacher": metrics.kl_divergence(prediction.probs, probs),
    }
    return [(metric, SHALLOW, "", value) for metric, value in values.items()]


def table(study: Study) -> Table:
    """The shallow networks' numbers beside their teachers' accuracy; the single runs of students that were teachers."""
    numbers = study.numbers
    teachers = numbers[numbers["student"].isin(list(study.results.shallow)) & (numbers["kind"] == "run")]
    return means_table(teachers, study.design, "teaching", "Distillation", COLUMNS, note=MARK_NOTE)


def recipe(study: Study) -> dict[str, object]:
    """What the chapter's text says of the experiment."""
    options = study.results.params["distillation"]
    return {"network": options["network"]["name"], "temperature": options["temperature"], "alpha": options["alpha"]}
