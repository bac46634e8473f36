"""Do networks keep what is alike alike? Similarity of classes, and how far three telling classes lie apart."""

from dataclasses import dataclass

import numpy as np

from softcifar import metrics
from softcifar.report.core.columns import WHOSE, Column
from softcifar.report.core.long_table import Row
from softcifar.report.core.predictions import Prediction, single
from softcifar.report.core.results import Results, StudentScores
from softcifar.report.core.study import Study
from softcifar.report.core.tables import MARK_NOTE, Table, means_table
from softcifar.report.core.voters import voters

WELL_KNOWN = ("dog", "cat", "ship")  # two animals that look alike and something else: the usual picture (Müller et al. 2019)
PER_CLASS = 200  # test images of each class, evenly spaced, for the silhouette


@dataclass(frozen=True)
class Trio:
    """Three class numbers, the first two alike, and in words why these."""

    classes: tuple[int, int, int]
    why: str


def three_classes(results: Results) -> Trio | None:
    """Dog, cat and ship where the study has them; else the two classes most alike and the one least like either.

    Alike, in split 0: by the known label distributions of the test images, else by a teacher, else by the reference student.
    None where there are fewer than three classes.
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
    labels = results.part("test")["labels"]
    for source, whose in (("human", f"{voters(results)} votes"), ("exact", "the exact distributions")):
        if source in results.targets("test"):
            return results.targets("test")[source], labels, whose
    if results.teachers:
        name = max(results.teachers, key=lambda each: results.teachers[each][0].folds)  # one that did not see the images
        probs = metrics.predictive(results.teachers[name][0].logits[None])
        return probs, results.part("train")["labels"], f"the predictions of teacher {name}"
    probs = metrics.predictive(results.students[results.reference].logits["test"][:: len(results.splits)]).mean(axis=0)
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


def rows(results: Results, prediction: Prediction) -> list[Row]:
    """Distance to the known class similarities, before and after temperature scaling, and silhouette of the trio's logits."""
    labels, trio = results.part("test", prediction.split)["labels"], three_classes(results)
    distances = [
        (f"structure_distance{suffix}", source, "", metrics.structure_distance(probs, targets, labels))
        for source, targets in results.targets("test", prediction.split).items()
        for probs, suffix in ((prediction.probs, ""), (prediction.scaled, "_scaled"))
    ]
    run = single(results, prediction)  # the logits of an ensemble are those of several networks
    if trio and run:
        images = chosen_images(labels, trio.classes, PER_CLASS)
        if len(np.unique(labels[images])) > 1:
            value = metrics.silhouette(mean_logits(*run)[images], labels[images])
            return [*distances, ("silhouette", "test", "", value)]
    return distances


def table(study: Study) -> Table:
    """How well predictions keep the classes' similarity, and how far three classes lie apart."""
    columns = []
    for source in study.results.targets("test"):
        meaning = f"distance of the predicted class similarities to those of {WHOSE[source]}, relative"
        for suffix, when in (("", ""), ("_scaled", ", after temperature scaling")):
            title = f"{source.capitalize()} distance{' scaled' if suffix else ''}"
            metric = f"structure_distance{suffix}"
            columns.append(Column(f"{source}_{metric}", title, meaning + when, metric, source))
    trio = three_classes(study.results)
    if trio:
        names = ", ".join(study.results.classes[number] for number in trio.classes)
        meaning = f"of the logits of {names}: 1 for tight groups far apart, 0 for overlapping ones"
        columns.append(Column("silhouette", "Silhouette", meaning, "silhouette", higher=None))
    return means_table(study.numbers, study.design, "structure", "Class structure", columns, note=MARK_NOTE, folded=True)
