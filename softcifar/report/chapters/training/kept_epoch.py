"""Does the choice of the epoch favour soft labels? Accuracy at the epoch of lowest validation NLL beside that of the last one.

Networks of hard labels may raise their NLL long before they lose accuracy, so an epoch chosen by NLL may cost them accuracy
that others keep.
"""

import pandas as pd

from softcifar import metrics
from softcifar.report.core.columns import Field, between, effect
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build

NOTE = (
    "Validation accuracy at the epoch of lowest validation NLL and at the last epoch, of the same runs. Differences are to "
    "{reference}, paired by run. Where the interval of the favour leaves out 0, comparisons of accuracy depend on which "
    "epoch is kept; this study {keeps}."
)


def table(study: Study) -> Table:
    """A row per student: mean and standard error over the runs that it shares with the reference, in points of accuracy."""
    results = study.results
    of = {name: at_both(student.history) for name, student in results.students.items()}
    reference, records = of[results.reference], []
    for name, own in of.items():
        record = {"student": name, "n": len(own), "epoch": own["epoch"].mean(), "last_epoch": own["last_epoch"].mean()}
        values = {"gain": own["last"] - own["best"]}
        if name != results.reference:
            less = own[["best", "last"]].sub(reference[["best", "last"]]).dropna()
            favour = less["best"] - less["last"]
            values |= {"best": less["best"], "last": less["last"], "favour": favour}
            record["low"], record["high"] = study.design.these(favour).interval()
            record["n"] = len(less)
        for key, each in values.items():
            record[key], record[f"{key}_se"] = metrics.mean_and_standard_error(each) if len(each) else (None, None)
        records.append(record)
    keeps = {student.options["checkpoint"] for student in results.students.values()}
    kept = {"best": "keeps the epoch of lowest validation NLL", "last": "keeps the last epoch"}
    said = kept[keeps.pop()] if len(keeps) == 1 else "has students of either kind"
    if any(student.about["refit"] for student in results.students.values()):
        said += ", and of a second training on all images, so the runs here are those of the search"
    fields = [
        Field("student", "Student"),
        Field("n", "n", "runs that the student shares with the reference"),
        Field("epoch", "Lowest NLL at", "epoch of the lowest validation NLL, mean over runs", 1),
        Field("last_epoch", "of", "epochs trained, mean over runs", 1),
        _points("gain", "Later %", "accuracy of the last epoch less that of the epoch of lowest NLL"),
        _points("best", "Difference at lowest NLL %", f"accuracy less that of {results.reference}, both at their lowest NLL"),
        _points("last", "Difference at the end %", "the same, both at their last epoch"),
        _points("favour", "Favour %", "the first difference less the second: what the choice by NLL gives the student"),
        Field("low", "95 % interval", "of the favour, Student's t over runs, not corrected for the number of students",
              text=lambda record: between(*(100 * record.get(end, float("nan")) for end in ("low", "high")), effect)),
    ]  # fmt: skip
    note = NOTE.format(reference=results.reference, keeps=said)
    return build("kept_epoch", "Does the choice of the epoch favour soft labels?", note, fields, records)


def at_both(history: pd.DataFrame) -> pd.DataFrame:
    """By run, of the choice that validation made: epoch of the lowest validation NLL (the first of equals) and accuracy there
    (best); number of epochs (last_epoch) and accuracy after them (last). Accuracies in [0, 1]."""
    chosen = history[history["chosen"] == 1].sort_values("epoch").reset_index(drop=True)
    runs = chosen.groupby("seed")
    best = chosen.loc[runs["validation_nll"].idxmin()].set_index("seed")
    last = runs.last()
    return pd.DataFrame(
        {
            "epoch": best["epoch"],
            "best": best["validation_accuracy"],
            "last_epoch": last["epoch"],
            "last": last["validation_accuracy"],
        }
    )


def _points(key: str, title: str, meaning: str) -> Field:
    return Field(key, title, meaning, 2, 100, spread=True)
