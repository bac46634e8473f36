"""Sets of classes in the place of one answer, from the validation images: do they hold what they promise, and for whom?"""

from collections.abc import Iterator, Mapping

import numpy as np

from softcifar import metrics
from softcifar.conformal import SET_SCORES
from softcifar.conformal.sets import prediction_sets, threshold
from softcifar.metrics.disagreement import disputed
from softcifar.metrics.prediction_sets import class_coverage, covered, set_sizes
from softcifar.report.core.averages import over_students
from softcifar.report.core.columns import Column, Field
from softcifar.report.core.kinds import distinct
from softcifar.report.core.long_table import Row
from softcifar.report.core.predictions import Prediction, runs, samples
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.tables import MARK_NOTE, Table, build, means_table
from softcifar.report.core.voters import PEOPLE, voters
from softcifar.report.core.words import listed
from softcifar.seeding import derive

MISS = 0.05  # of the answers that sets may miss, as many as may be wrong where images are refused
LABELS, VOTES = "labels", "votes"  # what the threshold is calibrated to
TITLES = {"lac": "LAC", "aps": "APS", "raps": "RAPS"}
COVERAGE = "share of test images whose set holds {}"


def columns(what: str, method: str | None) -> list[Column]:
    """Every number of sets by this method (None: by the one that the table's rows name), calibrated to labels or votes."""

    def share(key: str, title: str, meaning: str, higher: bool | None = None) -> Column:
        return Column(key, title, meaning, key, what, method, higher, scale=100, digits=1)

    def classes(key: str, title: str, meaning: str) -> Column:
        return Column(key, title, meaning, key, what, method, None, digits=2)  # smaller is better only where as much is held

    worst = "share of the images of one class whose set holds the label, of the class with the lowest share"
    return [
        share("set_coverage", "Holds the label, %", COVERAGE.format("the label")),
        share("set_people", "Holds a drawn vote, %", COVERAGE.format("a vote drawn from the image's own")),
        classes("set_size", "Classes", "mean number of classes in a set"),
        share("set_empty", "Empty, %", "share of sets without a class", higher=False),
        share("set_worst_class", "Worst class, %", worst, higher=True),
        share("set_disputed", "Disputed images, %", "share holding the label, of images on which votes disagree"),
        classes("size_disputed", "Classes, disputed", "mean number of classes for images on which votes disagree"),
        share("set_agreed", "Agreed images, %", "share holding the label, of images on which they agree"),
        classes("size_agreed", "Classes, agreed", "mean number of classes for images on which they agree"),
    ]


def scores_of(results: Results, prediction: Prediction) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(method, its scores (N, K) of the validation and (M, K) of the test images). Each run has draws of its own, the same for
    all students, so that the spread over runs has their luck in it."""
    student = results.students[prediction.student]
    validation = metrics.predictive(samples(student, "validation", prediction.runs))
    parts = {"validation": validation, "test": prediction.probs}
    run = prediction.seed // len(results.splits)
    draws = {part: _draws(part, run, results.part(part, prediction.split)["index"]) for part in parts}
    for name, score in SET_SCORES.items():
        yield name, *(score(probs, draws[part]) for part, probs in parts.items())


def _draws(part: str, run: int, index: np.ndarray) -> np.ndarray:
    """A number in [0, 1) for every image, the same wherever it stands; index (N,): places in the data set."""
    return np.random.default_rng(derive(0, "prediction sets", part, run)).random(index.max() + 1)[index]


def rows(results: Results, prediction: Prediction) -> list[Row]:
    """Of single networks, by each method, calibrated to labels and, where people voted on validation images, to votes."""
    if prediction.kind != "run":
        return []
    labels = results.part("test", prediction.split)["labels"]
    targets = results.targets("test", prediction.split)
    answers = {LABELS: results.part("validation", prediction.split)["labels"]}
    if "human" in (voted := results.targets("validation", prediction.split)):
        answers[VOTES] = voted["human"]
    found: list[Row] = []
    for method, validation, test in scores_of(results, prediction):
        for what, given in answers.items():
            sets = prediction_sets(test, threshold(validation, given, miss=MISS))
            found += [(metric, what, method, value) for metric, value in _numbers(sets, labels, targets).items()]
    return found


def _numbers(sets: np.ndarray, labels: np.ndarray, targets: Mapping[str, np.ndarray]) -> dict[str, float]:
    held, sizes = covered(sets, labels), set_sizes(sets)
    values = {
        "set_coverage": held.mean(),
        "set_size": sizes.mean(),
        "set_empty": (sizes == 0).mean(),
        "set_worst_class": np.nanmin(class_coverage(sets, labels)),
    }
    if "human" in targets:
        values["set_people"] = covered(sets, targets["human"]).mean()
    if targets:
        apart = disputed(next(iter(targets.values())))  # people's votes before the exact distribution
        for where, which in (("disputed", apart), ("agreed", ~apart)):
            if which.any():
                values |= {f"set_{where}": held[which].mean(), f"size_{where}": sizes[which].mean()}
    return {name: float(value) for name, value in values.items()}


def table(study: Study) -> Table:
    """A row per method and what it is calibrated to, means over all students."""
    means = over_students(study.numbers, (column.metric for column in columns("", "")), distinct(study.results))
    found = {(what, method): means(columns(what, method)) for what in (LABELS, VOTES) for method in SET_SCORES}
    records = [{"method": method, "to": what} | values for (what, method), values in found.items() if values]
    present = {key for record in records for key in record}
    fields = [
        Field("method", "Sets", text=lambda record: TITLES.get(record["method"], record["method"])),
        Field("to", "Calibrated to", "whose answers of the validation images the threshold is taken from"),
        *(Field(each.key, each.title, each.meaning, each.digits, each.scale, spread=True) for each in columns("", "")
          if each.key in present),
    ]  # fmt: skip
    note = (
        f"Sets that promise to hold the answer for {100 * (1 - MISS):.0f} % of the images. Means over all students with the "
        "standard error over runs, which does not cover another draw of validation images. A promise about all images may be "
        "kept by large sets for easy images while it is broken for a class or for the images on which votes disagree. "
        "LAC takes every class that is probable enough, APS the most probable ones until their sum is large enough, RAPS the "
        "same with a price on further classes."
    )
    return build(
        "sets", "Sets instead of points", " ".join(filter(None, (note, _votes(found), _whose(study.results)))), fields, records
    )


def _votes(found: Mapping[tuple[str, str], Mapping[str, float]]) -> str:
    """What calibrating to votes changes, in words; "" where nobody voted on validation and test images."""
    changes = []
    for method in SET_SCORES:
        before, after = found[LABELS, method], found[VOTES, method]
        if "set_people" in before and "set_people" in after:
            held = f"from {100 * before['set_people']:.1f} to {100 * after['set_people']:.1f} %"
            changes.append(f"{TITLES[method]} {held} ({before['set_size']:.2f} to {after['set_size']:.2f} classes)")
    told = f"how often sets hold a drawn vote moves by {listed(changes)}."
    return f"Calibrated to votes in the place of labels, {told}" if changes else ""


def _whose(results: Results) -> str:
    """Whose the votes are where they are not people's; "" where they are, or where there are none."""
    theirs = voters(results)
    return "" if theirs == PEOPLE or not results.targets("test") else f"The votes of this data set are {theirs}."


def by_class(study: Study) -> Table:
    """A row per class: what the sets hold of its images, and how large they are there, means over students and runs."""
    results = study.results
    shares: dict[str, list[np.ndarray]] = {}
    for predictions in study.predictions.values():
        for run in runs(predictions):
            answers, labels = (results.part(part, run.split)["labels"] for part in ("validation", "test"))
            for method, validation, test in scores_of(results, run):
                sets = prediction_sets(test, threshold(validation, answers, miss=MISS))
                images = np.maximum(np.bincount(labels, minlength=sets.shape[1]), 1)
                sizes = np.bincount(labels, weights=set_sizes(sets), minlength=sets.shape[1]) / images
                shares.setdefault(f"{method}_coverage", []).append(class_coverage(sets, labels))
                shares.setdefault(f"{method}_size", []).append(sizes)
    means = {key: np.mean(values, axis=0) for key, values in shares.items()}
    records = [{"class": name} | {key: values[k] for key, values in means.items()} for k, name in enumerate(results.classes)]
    fields = [Field("class", "Class")]
    for method, title in TITLES.items():
        fields.append(Field(f"{method}_coverage", f"{title} holds the label, %", "share of its images", 1, 100))
        fields.append(Field(f"{method}_size", f"{title}, classes", "mean number of classes in a set", 2))
    note = "Calibrated to the labels of all validation images: the promise is about all classes together, not about each."
    return build("sets_by_class", "Sets by class", note, fields, records, folded=True)


def by_student(study: Study) -> Table:
    """Every student and method, calibrated to labels."""
    keys = {key: key for key in ("student", "score")}
    note = f"Calibrated to the labels of the validation images. {MARK_NOTE}"
    title = "Sets by student"
    listed = columns(LABELS, None)
    return means_table(
        study.numbers, study.design, "sets_by_student", title, listed, note=note, keys=keys, titles=TITLES, folded=True
    )
