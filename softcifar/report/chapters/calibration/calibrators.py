"""Every calibrator, fitted to labels and to votes: what is left of the calibration error, and how near to the votes?"""

import numpy as np

from softcifar import metrics
from softcifar.calibrators import CALIBRATORS
from softcifar.report.chapters.calibration.quality import QUALITY
from softcifar.report.core.averages import over_students
from softcifar.report.core.columns import Column, Field, plain, proportion
from softcifar.report.core.kinds import distinct
from softcifar.report.core.long_table import Row
from softcifar.report.core.predictions import Prediction, samples
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.tables import MARK_NOTE, Table, build, means_table
from softcifar.report.core.validation import OTHER_NETWORKS, REFIT, other_uses
from softcifar.report.core.voters import distribution
from softcifar.report.core.words import listed
from softcifar.seeding import derive

LABELS, VOTES, VOTE = "labels", "votes", "one vote"  # what a calibrator is fitted to
TITLES = {"temperature": "temperature", "vector": "vector", "matrix": "matrix", "dirichlet": "Dirichlet",
          "isotonic": "isotonic", "histogram": "histogram"}  # fmt: skip
ONE_VOTE = ("temperature", "dirichlet")  # what the claim about a single vote per image is checked with
AFTER = "calibrated_"  # a metric's name begins so; its set is what was fitted to, its score the calibrator
DISTANCES = {  # metric -> title, meaning, function of probabilities and targets
    "kl_divergence": ("KL", "KL divergence from {}, nats", lambda probs, targets: metrics.kl_divergence(targets, probs)),
    "total_variation": ("DistCE", "distribution calibration error: total variation from {}",
                        lambda probs, targets: metrics.total_variation(probs, targets)),
}  # fmt: skip


def known(results: Results, split: int = 0) -> tuple[str, np.ndarray] | None:
    """Whose label distribution of the test images is known, people's before the exact one, and it (N, K)."""
    targets = results.targets("test", split)
    return next(iter(targets.items())) if targets else None


def fitted_to(results: Results, split: int, run: int) -> dict[str, np.ndarray]:
    """For a run of a split, by name: labels (N,) of the validation images; where people voted, shares of votes (N, K) and a
    vote of each (N,)."""
    found = {LABELS: results.part("validation", split)["labels"]}
    votes = results.targets("validation", split).get("human")
    return (
        found
        if votes is None
        else found | {VOTES: votes, VOTE: one_vote(votes, results.part("validation", split)["index"], run)}
    )


def one_vote(shares: np.ndarray, index: np.ndarray, run: int) -> np.ndarray:
    """A vote of each image, drawn from the shares (N, K): class numbers int64 (N,); each run has a draw of its own, the same
    for every student, so that the spread over runs has the luck of the draw in it. index (N,): places in the data set."""
    draws = np.random.default_rng(derive(0, "one vote", run)).random((index.max() + 1, 1))[index]
    return np.minimum((draws > np.cumsum(shares, axis=1)).sum(axis=1), shares.shape[1] - 1)


def rows(results: Results, prediction: Prediction) -> list[Row]:
    """Every metric of single networks after each calibrator; of one vote per image the distances to people alone."""
    if prediction.kind != "run":
        return []
    labels, theirs = results.part("test", prediction.split)["labels"], known(results, prediction.split)
    student = results.students[prediction.student]
    validation, test = (samples(student, part, prediction.runs) for part in ("validation", "test"))
    found: list[Row] = []
    for what, targets in fitted_to(results, prediction.split, prediction.seed // len(results.splits)).items():
        for name in ONE_VOTE if what == VOTE else CALIBRATORS:
            probs = CALIBRATORS[name](validation, targets)(test)
            values = {} if theirs is None else {key: each[-1](probs, theirs[1]) for key, each in DISTANCES.items()}
            if what != VOTE:
                values["accuracy"] = metrics.accuracy(probs, labels)
                values |= {key: function(probs, labels, results.bins) for key, (*_, function) in QUALITY.items()}
            found += [(f"{AFTER}{key}", what, name, value) for key, value in values.items()]
    return found


def table(study: Study) -> Table:
    """A row per calibrator and what it is fitted to, means over all students."""
    theirs = _known(study.results)
    places = [("", ""), *((what, name) for what in (LABELS, VOTES) for name in CALIBRATORS)]
    columns = {place: _columns(theirs, *place) for place in places}
    means = over_students(
        study.numbers, (column.metric for each in columns.values() for column in each), distinct(study.results)
    )
    found = {place: means(each) for place, each in columns.items()}
    records = [{"calibrator": name, "to": what} | values for (what, name), values in found.items() if values]
    fields = [
        Field("calibrator", "Calibrator", text=lambda record: TITLES.get(record["calibrator"], record["calibrator"]) or "none"),
        Field("to", "Fitted to", "what of the validation images it is fitted to", text=lambda record: record["to"] or "–"),
        *(column.field for column in _columns(theirs)),
    ]
    note = (
        "What does each calibrator leave of the calibration error? Means over all students with the standard error over runs. "
        f"{_answer(study, theirs)}"
    )
    return build("calibrators", "Calibrators", note.strip(), fields, records)


def by_student(study: Study) -> Table:
    """Per student: ECE as trained and after each calibrator fitted to labels; KL to people, fitted to votes."""
    columns = [Column("ece", "ECE as trained", "expected calibration error, no calibrator", "ece")]
    columns += [_of("ece", LABELS, name, f"ECE {TITLES.get(name, name)}") for name in CALIBRATORS]
    fitted = "ECE after calibrators fitted to labels"
    if (theirs := _known(study.results)) and theirs[0] == "human":
        meaning, fitted = f"KL divergence from {theirs[1]}, nats", f"{fitted}, KL after calibrators fitted to {theirs[1]}"
        columns.append(Column("kl", "KL as trained", f"{meaning}, no calibrator", "kl_divergence", "human"))
        columns += [_of("kl_divergence", VOTES, name, f"KL {TITLES.get(name, name)}", meaning) for name in CALIBRATORS]
    note = f"{fitted}. {MARK_NOTE}"
    title = "Calibrators by student"
    numbers, keys = study.numbers[study.numbers["kind"] == "run"], {"student": "student"}
    return means_table(numbers, study.design, "calibrators_by_student", title, columns, note=note, keys=keys, folded=True)


def _of(metric: str, what: str, name: str, title: str, meaning: str = "expected calibration error") -> Column:
    words = f"{meaning}, after {TITLES.get(name, name)} calibration fitted to {what}"
    return Column(f"{metric}_{name}", title, words, AFTER + metric, what, name)


def _known(results: Results) -> tuple[str, str] | None:
    """Whose label distribution of the test images is known, and it in words."""
    theirs = known(results)
    return theirs and (theirs[0], distribution(results, theirs[0]))


def _columns(theirs: tuple[str, str] | None, what: str = "", name: str = "") -> list[Column]:
    """What the table shows, as trained or after a calibrator."""
    before, place = (AFTER if name else ""), ((what, name) if name else ("test", ""))
    columns = [proportion("accuracy", "Accuracy %", "share of test images that are right", f"{before}accuracy", *place)]
    columns += [Column(key, title, meaning, before + key, *place) for key, (title, meaning, _) in QUALITY.items()]
    if theirs:
        whose, place = theirs[1], place if name else (theirs[0], "")
        columns += [Column(key, title, text.format(whose), before + key, *place) for key, (title, text, _) in DISTANCES.items()]
    return columns


def _answer(study: Study, theirs: tuple[str, str] | None) -> str:
    """Which calibrator leaves least, in words, and what has to be said of the validation images."""
    parts = [_least(study, "ece", LABELS, "ECE", ("test", ""))]
    if theirs and theirs[0] == "human":
        parts.append(_least(study, "kl_divergence", VOTES, f"KL divergence from {theirs[1]}", ("human", "")))
    uses = other_uses(study.results)
    named = {name for use, of in uses.items() if use != REFIT for name in of} - set(uses.get(REFIT, ()))
    if names := [name for name in study.students if name in named]:
        parts.append(
            f"The validation images decided more than this of {listed(names)} (see Decisions), so that their calibrators were "
            "fitted to predictions that may be a little too good."
        )
    if REFIT in uses:
        parts.append(OTHER_NETWORKS)
    return " ".join(filter(None, parts))


def _least(study: Study, metric: str, what: str, title: str, before: tuple[str, str]) -> str:
    def mean(metric: str, *place: str) -> float:
        """Over the students that the table's means are over; NaN where there is no value."""
        values = study.mean(metric, *place)
        return float(np.mean([values.get(name, np.nan) for name in distinct(study.results)]))

    found = {name: mean(AFTER + metric, what, name) for name in CALIBRATORS}
    means = {name: value for name, value in found.items() if not np.isnan(value)}
    if not means:
        return ""
    best, trained = min(means, key=means.get), mean(metric, *before)
    return (
        f"Fitted to {what}, {TITLES.get(best, best)} leaves the lowest mean {title}, {plain(means[best])} "
        f"({plain(trained)} as trained)."
    )
