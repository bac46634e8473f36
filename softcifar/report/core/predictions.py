"""Every student's predictions, computed once from its logits: per run and for the deep ensemble of its runs."""

from dataclasses import dataclass

import numpy as np

from softcifar import metrics
from softcifar.calibrators.temperature import fit_temperature
from softcifar.report.core.results import Results, StudentScores
from softcifar.report.core.side_by_side import side_by_side
from softcifar.scores import LOGIT_SCORES
from softcifar.scores.ddu import of_ensemble

DENSITY = "ddu"


@dataclass(frozen=True)
class Prediction:
    """What one network, or one deep ensemble, says about the test images and how novel it finds every set.

    kind: "run" | "ensemble"; seed: that of the run, or the number of the ensemble; runs: places of the networks among the
    student's; split: whose validation and test images it predicts; temperature: fitted on validation;
    probs, scaled: (N, K) test probabilities before and after temperature scaling; novelty: {score: {"test" or the OOD
    set's name: (N,)}}, higher = more novel.
    """

    student: str
    kind: str
    seed: int
    runs: slice
    split: int
    temperature: float
    probs: np.ndarray
    scaled: np.ndarray
    novelty: dict[str, dict[str, np.ndarray]]


def all_predictions(results: Results) -> dict[str, list[Prediction]]:
    """{student: [one Prediction per run, then one per ensemble, of disjoint runs, where there are two runs or more]}.

    There is no ensemble where there are several splits: its members would have learned from each other's validation or test
    images.
    """
    labels = [results.part("validation", split)["labels"] for split in range(len(results.splits))]
    ensembles = results.params["report"]["ensembles"] if len(labels) == 1 else 0
    found = side_by_side(lambda student: _student(student, labels, ensembles), results.students.values())
    return dict(zip(results.students, found, strict=True))


def single(results: Results, prediction: Prediction) -> tuple[StudentScores, int] | None:
    """The student of a single run's prediction and the run's place; None for an ensemble."""
    if prediction.kind != "run":
        return None
    student = results.students[prediction.student]
    return student, student.seeds.index(prediction.seed)


def runs(predictions: list[Prediction]) -> list[Prediction]:
    """The single networks among a student's predictions."""
    return [prediction for prediction in predictions if prediction.kind == "run"]


def _student(student: StudentScores, validation_labels: list[np.ndarray], ensembles: int) -> list[Prediction]:
    predictions = []
    for run, seed in enumerate(student.seeds):
        split = run % len(validation_labels)
        network = _prediction(student, "run", seed, slice(run, run + 1), split, validation_labels[split])
        for score, sets in student.novelty.items():
            network.novelty[score] = {key.removeprefix("ood_"): array[run] for key, array in sets.items()}
        predictions.append(network)
    for number in range(ensembles if len(student.seeds) > 1 else 0):
        members = slice(number, None, ensembles)
        together = _prediction(student, "ensemble", number, members, 0, validation_labels[0])
        if DENSITY in student.novelty:  # the other scores of a network are no densities, whose mean would mean something
            sets = student.novelty[DENSITY]
            together.novelty[DENSITY] = {key.removeprefix("ood_"): of_ensemble(array[members]) for key, array in sets.items()}
        predictions.append(together)
    return predictions


def samples(student: StudentScores, which: str, runs: slice) -> np.ndarray:
    """Logits (S, N, K) of these runs.

    The members of a deep ensemble are samples of one stochastic network: p = mean over runs and samples of softmax(z), one
    temperature fitted for the mean, mutual information between members.
    """
    chosen = student.logits[which][runs]
    return chosen.reshape(-1, *chosen.shape[2:])


def _prediction(
    student: StudentScores, kind: str, seed: int, runs: slice, split: int, validation_labels: np.ndarray
) -> Prediction:
    logits = {which: samples(student, which, runs) for which in student.logits}
    temperature = float(fit_temperature(logits["validation"], validation_labels))
    several = len(logits["test"]) > 1
    novelty = {
        name: {key.removeprefix("ood_"): score(array) for key, array in logits.items() if key != "validation"}
        for name, score in LOGIT_SCORES.items()
        if several or name != "mutual_information"  # between the samples: 0 where there is only one
    }
    probs = metrics.predictive(logits["test"])
    scaled = metrics.predictive(logits["test"], temperature)
    return Prediction(student.name, kind, seed, runs, split, temperature, probs, scaled, novelty)
