"""Every student's predictions, computed once from its logits: per run and for the deep ensemble of its runs."""

from dataclasses import dataclass

import numpy as np

from softcifar import metrics
from softcifar.calibrators.temperature import fit_temperature
from softcifar.report.core.results import Results, StudentScores
from softcifar.scores import LOGIT_SCORES


@dataclass(frozen=True)
class Prediction:
    """What one network, or one deep ensemble, says about the test images and how novel it finds every set.

    kind: "run" | "ensemble"; seed: that of the run, None for the ensemble; temperature: fitted on validation;
    probs, scaled: (N, K) test probabilities before and after temperature scaling; novelty: {score: {"test" or the OOD
    set's name: (N,)}}, higher = more novel.
    """

    student: str
    kind: str
    seed: int | None
    temperature: float
    probs: np.ndarray
    scaled: np.ndarray
    novelty: dict[str, dict[str, np.ndarray]]


def all_predictions(results: Results) -> dict[str, list[Prediction]]:
    """{student: [one Prediction per run, then the ensemble's where there are two runs or more]}."""
    labels = results.splits["validation"]["labels"]
    return {name: _student(student, labels) for name, student in results.students.items()}


def single(results: Results, prediction: Prediction) -> tuple[StudentScores, int] | None:
    """The student of a single run's prediction and the run's place; None for an ensemble."""
    if prediction.kind != "run":
        return None
    student = results.students[prediction.student]
    return student, student.seeds.index(prediction.seed)


def runs(predictions: list[Prediction]) -> list[Prediction]:
    """The single networks among a student's predictions."""
    return [prediction for prediction in predictions if prediction.kind == "run"]


def _student(student: StudentScores, validation_labels: np.ndarray) -> list[Prediction]:
    predictions = []
    for run, seed in enumerate(student.seeds):
        logits = {key: array[run] for key, array in student.logits.items()}
        network = _prediction(student.name, "run", seed, logits, validation_labels)
        for score, sets in student.novelty.items():  # of one network, so an ensemble has none
            network.novelty[score] = {key.removeprefix("ood_"): array[run] for key, array in sets.items()}
        predictions.append(network)
    if len(student.seeds) > 1:
        # The members of a deep ensemble are samples of one stochastic network: p = mean over runs and samples of
        # softmax(z), one temperature fitted for the mean, mutual information between members.
        members = {key: array.reshape(-1, *array.shape[2:]) for key, array in student.logits.items()}
        predictions.append(_prediction(student.name, "ensemble", None, members, validation_labels))
    return predictions


def _prediction(
    student: str, kind: str, seed: int | None, logits: dict[str, np.ndarray], validation_labels: np.ndarray
) -> Prediction:
    temperature = float(fit_temperature(logits["validation"], validation_labels))
    several = len(logits["test"]) > 1
    novelty = {
        name: {key.removeprefix("ood_"): score(array) for key, array in logits.items() if key != "validation"}
        for name, score in LOGIT_SCORES.items()
        if several or name != "mutual_information"  # between the samples: 0 where there is only one
    }
    probs = metrics.predictive(logits["test"])
    scaled = metrics.predictive(logits["test"], temperature)
    return Prediction(student, kind, seed, temperature, probs, scaled, novelty)
