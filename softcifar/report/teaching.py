"""What a shallow network learns from each student: the numbers of distillation."""

from softcifar import metrics
from softcifar.report.predictions import Prediction
from softcifar.report.scores import Results

SHALLOW = "shallow"  # the set under which the long table holds these numbers


def teaching(results: Results, prediction: Prediction) -> list[tuple[str, str, str, float]]:
    """Rows (metric, set, score, value) of the shallow network that this run of a student taught; none where it taught none.

    Accuracy, NLL and ECE on the test labels; the share of test images to which it gives the same class as its teacher, and
    KL(teacher || shallow network) in nats.
    """
    if prediction.kind != "run" or prediction.student not in results.shallow:
        return []
    run = results.students[prediction.student].seeds.index(prediction.seed)
    probs = metrics.predictive(results.shallow[prediction.student][run])
    labels = results.splits["test"]["labels"]
    values = {
        "accuracy": metrics.accuracy(probs, labels),
        "nll": metrics.negative_log_likelihood(probs, labels),
        "ece": metrics.expected_calibration_error(probs, labels, bins=results.bins),
        "same_prediction": metrics.same_prediction(probs, prediction.probs),
        "kl_from_teacher": metrics.kl_divergence(prediction.probs, probs),
    }
    return [(metric, SHALLOW, "", value) for metric, value in values.items()]
