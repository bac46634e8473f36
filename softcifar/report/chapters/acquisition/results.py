"""What the report reads of active learning, and its numbers as a long table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from softcifar.data.blended_digits import SUREST
from softcifar.data.splits import PARTS, folder_of, load_arrays
from softcifar.errors import UserError
from softcifar.files import read_json
from softcifar.report.core.csv_files import read_csv
from softcifar.report.core.long_table import typed
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study

TITLES = {  # strategy -> what the literature calls it
    "random": "random",
    "softmax_entropy": "softmax entropy",
    "predictive_entropy": "predictive entropy",
    "mutual_information": "mutual information",
    "density": "density (DDU)",
    "bald": "BALD (MC dropout)",
    "panel": "panel",
}
TARGETS = (0.8, 0.9, 0.95)  # accuracies whose cost in labels is reported
BOUGHT = ("run", "step", "place", "index", "label", "ambiguous")
CURVE = ("run", "step", "labels", "images", "ambiguous_share", "accuracy", "nll", "single_accuracy", "single_nll")


@dataclass(frozen=True)
class Acquired:
    """One acquisition: its options as in params, and the files of softcifar.acquisition.acquire, runs those of the study.

    bought: a row per run and label; curve: a row per run and step; abouts: of each split. Which images are `ambiguous` there is
    as `doubtful` says.
    """

    name: str
    options: Mapping[str, Any]
    bought: pd.DataFrame
    curve: pd.DataFrame
    abouts: list[dict[str, Any]]

    @property
    def pool(self) -> str:
        return self.options["pool"]

    @property
    def strategy(self) -> str:
        return self.options["strategy"]["name"]

    @property
    def words(self) -> str:
        """What the literature calls it: "mutual information of 3 networks"."""
        title = TITLES.get(self.strategy, self.strategy)
        return f"{title} of {self.options['members']} networks" if self.options["members"] > 1 else title

    @property
    def shown(self) -> pd.DataFrame:
        """The curve: a row per run, a column per number of labels; values: accuracy."""
        return self.curve.pivot(index="run", columns="labels", values="accuracy")

    def values(self) -> dict[str, pd.Series]:
        """One number per run, by metric (see `numbers`)."""
        last = self.curve.groupby("run").last()
        curves = dict(list(self.curve.groupby("run")))
        later = self.bought[self.bought["step"] > 0]
        found = {key: last[key] for key in CURVE[5:]}
        found |= {key: last[key] for key in ("ambiguous_accuracy", "ambiguous_nll") if key in last}
        found["area"] = pd.Series({run: area(part["labels"], part["accuracy"]) for run, part in curves.items()})
        found["single_area"] = pd.Series({run: area(part["labels"], part["single_accuracy"]) for run, part in curves.items()})
        found["bought_ambiguous"] = later.groupby("run")["ambiguous"].mean().reindex(last.index)
        for target in TARGETS:
            found[needed_name(target)] = pd.Series({run: labels_needed(part, target) for run, part in curves.items()})
        return found


def area(labels: pd.Series, accuracy: pd.Series) -> float:
    """The mean height of the curve of accuracy against labels, 0 to 1: the area under it by trapezoids / its width."""
    if len(labels) < 2:
        return float(accuracy.iloc[0])
    return float(np.trapezoid(accuracy, labels) / (labels.iloc[-1] - labels.iloc[0]))


def labels_needed(curve: pd.DataFrame, target: float) -> float:
    """The labels at the first step whose accuracy is at least `target`; NaN where no step reaches it."""
    reached = curve[curve["accuracy"] >= target]
    return float(reached["labels"].iloc[0]) if len(reached) else np.nan


def needed_name(target: float) -> str:
    return f"labels_at_{round(100 * target)}"


def doubtful(train: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Which training images people would really doubt about, bool (N,); None where the data set made its ambiguous ones so, or
    nobody knows.

    Where the exact label distribution is known, a pool calls every image ambiguous that is not certain, also one that is of
    one class by 99 %. Here it takes a most probable class of at most SUREST, as for blended digits.
    """
    if "ambiguous" in train or "exact" not in train:
        return None
    return train["exact"].max(axis=1) <= SUREST


def load_acquisitions(
    params: Mapping[str, Any], scores: Path, trains: Sequence[Mapping[str, np.ndarray]]
) -> dict[str, Acquired]:
    """Read the acquisitions that `params` names below the folder `scores`; UserError names the first thing missing.

    trains: the training part of each split.
    """
    return {
        name: _acquired(scores / "acquisitions" / name, name, options, params["seeds"]["runs"], trains)
        for name, options in params["acquisitions"].items()
    }


def _acquired(
    folder: Path, name: str, options: Mapping[str, Any], runs: int, trains: Sequence[Mapping[str, np.ndarray]]
) -> Acquired:
    splits = len(trains)
    if not folder.is_dir():
        raise UserError(f"{folder}: there are no results of acquisition '{name}'; run acquire for it (dvc repro)")
    tables: dict[str, list[pd.DataFrame]] = {"bought": [], "curve": []}
    abouts = []
    for split in range(splits):
        place = folder_of(folder, split, splits)
        read = {key: read_csv(place / f"{key}.csv", columns) for key, columns in (("bought", BOUGHT), ("curve", CURVE))}
        if (doubted := doubtful(trains[split])) is not None:
            read = _counted(read["bought"], read["curve"], dict(zip(trains[split]["index"], doubted, strict=True)))
        for key, table in read.items():
            tables[key].append(table.assign(run=split + table["run"] * splits))  # run j of one of k splits
        abouts.append(read_json(place / "about.json"))
    bought, curve = (
        pd.concat(tables[key]).sort_values(["run", order], kind="stable", ignore_index=True)
        for key, order in (("bought", "place"), ("curve", "step"))
    )
    if sorted(curve["run"].unique()) != list(range(runs)):
        found = curve["run"].nunique()
        raise UserError(f"{folder}: holds {found} runs, the study needs {runs}; run acquire for it again (dvc repro)")
    return Acquired(name, options, bought, curve, abouts)


def _counted(bought: pd.DataFrame, curve: pd.DataFrame, doubted: Mapping[int, bool]) -> dict[str, pd.DataFrame]:
    """Both tables with the images counted as ambiguous that are doubted, by index; the curve has their share of the images."""
    bought = bought.assign(ambiguous=bought["index"].map(doubted).astype(int))
    images = bought.drop_duplicates(["run", "index"])
    shares = [
        images.loc[(images["run"] == row.run) & (images["step"] <= row.step), "ambiguous"].mean() for row in curve.itertuples()
    ]
    return {"bought": bought, "curve": curve.assign(ambiguous_share=shares)}


def numbers(acquisitions: Mapping[str, Acquired]) -> pd.DataFrame:
    """A long table in which `student` is an acquisition, `seed` a run and `set` the pool.

    accuracy, nll: at the last step, on test images that are not ambiguous (single_: of the first network alone; ambiguous_: on
    the ambiguous ones); area: of the accuracy's curve; bought_ambiguous: the share of ambiguous images among the labels bought;
    labels_at_<per cent>: labels at which that accuracy is first reached, NaN where it is not.
    """
    return typed(
        (each.name, "run", run, metric, each.pool, "", value)
        for each in acquisitions.values()
        for metric, values in each.values().items()
        for run, value in values.items()
    )


def read(params: Mapping[str, Any], *, data: Path, scores: Path, models: Path) -> Study:
    """A study of active learning alone. UserError names the first thing missing or unfit."""
    data, count = Path(data), params["data"]["splits"]
    splits = [{name: load_arrays(data / "study", name, split) for name in PARTS} for split in range(count)]
    acquisitions = load_acquisitions(params, Path(scores), [parts["train"] for parts in splits])
    manifest = read_json(data / "study" / "manifest.json")
    results = Results(params, manifest, {}, splits, {}, {}, {}, {}, {}, {}, acquisitions)
    return Study(results, {}, numbers(acquisitions), results.design)
