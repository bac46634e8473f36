"""The numbers of active learning."""

from collections.abc import Mapping

import pandas as pd

from softcifar.report.chapters.acquisition.results import Acquired, numbers
from softcifar.report.core.columns import Column, proportion
from softcifar.report.core.study import Study

COLUMNS = {
    column.key: column
    for column in (
        proportion("accuracy", "Accuracy %", "at the end of the budget, of the prediction of all members and samples, on test "
                   "images that are not ambiguous", "accuracy", None),
        proportion("area", "Area %", "mean height of the curve of accuracy against labels: the area under it", "area", None),
        proportion("single_accuracy", "First network %", "accuracy at the end of the first network alone, in one pass: what "
                   "the labels are worth to one network, whatever bought them", "single_accuracy", None),
        Column("nll", "NLL", "negative log-likelihood of the same labels at the end, nats", "nll", None),
        proportion("ambiguous_accuracy", "Ambiguous %", "accuracy at the end on test images that are not certainly of one "
                   "class, whose labels are draws themselves", "ambiguous_accuracy", None),
        Column("bought_ambiguous", "Bought ambiguous %", "share of the labels bought that went to ambiguous images "
               "(where the exact label distribution is known: those of which no class has more than 80 %)",
               "bought_ambiguous", None, higher=None, scale=100, digits=1),
    )
}  # fmt: skip
TESTED = ("accuracy", "area", "single_accuracy", "nll")
KEYS = {"student": "acquisition", "set": "pool"}  # of the long table -> what tables of active learning call them


def acquired(study: Study) -> dict[str, Acquired]:
    """The study's acquisitions, in the order of params."""
    return study.results.acquisitions


def of(study: Study) -> pd.DataFrame:
    """Their long table, whether or not the study has students."""
    return numbers(acquired(study))


def pools(study: Study) -> dict[str, list[Acquired]]:
    """{pool: its acquisitions}, clean before dirty."""
    there = acquired(study).values()
    listed = {pool: [each for each in there if each.pool == pool] for pool in ("clean", "dirty")}
    return {pool: members for pool, members in listed.items() if members}


def reference(study: Study, members: list[Acquired]) -> Acquired | None:
    """What the acquisitions of a pool are compared with: of the strategy of the study's reference, or else random; or None."""
    named = acquired(study).get(study.reference)
    strategy = named.strategy if named else "random"
    return next((each for each in members if each is named), None) or next(
        (each for each in members if each.strategy == strategy), None
    )


def metric_means(study: Study) -> Mapping[str, Mapping[str, float]]:
    """{acquisition: {number: mean over runs}}, for `dvc metrics`."""
    means = of(study).groupby(["student", "metric"], sort=False, observed=True)["value"].mean()
    return {
        name: {key: round(float(means[name, key]), 6) for key in COLUMNS if (name, key) in means.index}
        for name in acquired(study)
    }
