"""Do networks keep what is alike alike? Similarity of classes, and how far three telling classes lie apart."""

from dataclasses import dataclass

import numpy as np

from softcifar import metrics
from softcifar.report.predictions import Prediction
from softcifar.report.scores import Results, StudentScores

WELL_KNOWN = ("dog", "cat", "ship")  # two animals that look alike and something else: the usual picture (Müller et al. 2019)
PER_CLASS = 200  # test images of each class, evenly spaced, for the silhouette


@dataclass(frozen=True)
class Trio:
    """Three class numbers, the first two alike, and in words why these."""

    classes: tuple[int, int, int]
    why: str


def three_classes(results: Results) -> Trio | None:
    """Dog, cat and ship where the study has them; else the two classes most alike and the one least like either.

    Alike: by the known label distributions of the test images, else by a teacher, else by the reference student. None
    where there are fewer than three classes.
    """
    names = [name.lower() for name in results.classes]
    if len(names) < 3:
        return None
    if all(name in names for name in WELL_KNOWN):
        return Trio(tuple(names.index(name) for name in WELL_KNOWN), "two that look alike and one that does not")
    probs, labels, whose = _judge(results)
    similarity = np.nan_to_num(metrics.class_similarity(probs, labels))
    mutual = similarity + similarity.T
    a, b = (int(place) for place in np.unravel_index(mutual.argmax(), mutual.shape))
    a, b = sorted((a, b))
    rest = mutual[a] + mutual[b]
    rest[[a, b]] = np.inf
    return Trio((a, b, int(rest.argmin())), f"the two most alike by {whose}, and the one least like them")


def _judge(results: Results) -> tuple[np.ndarray, np.ndarray, str]:
    """Distributions, labels and in words whose they are: the best judge of likeness that the study has."""
    labels = results.splits["test"]["labels"]
    for source, whose in (("human", "people's votes"), ("exact", "the exact distributions")):
        if source in results.targets("test"):
            return results.targets("test")[source], labels, whose
    if results.teachers:
        name = max(results.teachers, key=lambda each: results.teachers[each].folds)  # one that did not see the images
        probs = metrics.predictive(results.teachers[name].logits[None])
        return probs, results.splits["train"]["labels"], f"the predictions of teacher {name}"
    probs = metrics.predictive(results.students[results.reference].logits["test"]).mean(axis=0)
    return probs, labels, f"the mean predictions of {results.reference}"


def chosen_images(labels: np.ndarray, classes: tuple[int, ...], per_class: int) -> np.ndarray:
    """Positions of at most `per_class` images of each class, evenly spaced, one class after the other; int64."""
    places = [np.flatnonzero(labels == number) for number in classes]
    return np.concatenate(
        [each[np.linspace(0, len(each) - 1, min(per_class, len(each))).round().astype(int)] for each in places]
    )


def mean_logits(student: StudentScores, run: int) -> np.ndarray:
    """Test logits of one run, mean over its samples: float64 (N, K)."""
    return student.logits["test"][run].mean(axis=0, dtype=np.float64)


def structure(results: Results, prediction: Prediction, trio: Trio | None) -> list[tuple[str, str, str, float]]:
    """Rows (metric, set, score, value): distance to the known class similarities, silhouette of the trio's logits."""
    labels = results.splits["test"]["labels"]
    rows = [
        (f"structure_distance{suffix}", source, "", metrics.structure_distance(probs, targets, labels))
        for source, targets in results.targets("test").items()
        for probs, suffix in ((prediction.probs, ""), (prediction.scaled, "_scaled"))
    ]
    if trio and prediction.kind == "run":  # the logits of an ensemble are those of several networks
        student = results.students[prediction.student]
        images = chosen_images(labels, trio.classes, PER_CLASS)
        if len(np.unique(labels[images])) > 1:
            points = mean_logits(student, student.seeds.index(prediction.seed))[images]
            rows.append(("silhouette", "test", "", metrics.silhouette(points, labels[images])))
    return rows
