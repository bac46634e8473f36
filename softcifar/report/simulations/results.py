"""What the report of simulations reads: scores of every method on every data set, checked against params."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from softcifar.errors import UserError
from softcifar.files import read_json, read_npz
from softcifar.report.kinds import SOURCES
from softcifar.simulation.files import BAYES, FIGURE_ARRAYS
from softcifar.simulation.scores import SCORES

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Simulated:
    """One simulation: its options as in params, and the files of softcifar.simulation.run.

    scores: a row per data set and method (the Bayes-optimal prediction is one); candidates: a row per data set, training
    method and network; arrays: for figures, a first axis of data sets; about: candidates by method, versions.
    """

    name: str
    options: Mapping[str, Any]
    scores: pd.DataFrame
    candidates: pd.DataFrame
    arrays: dict[str, np.ndarray]
    about: dict[str, Any]

    @property
    def methods(self) -> Mapping[str, Mapping[str, Any]]:
        return self.options["methods"]

    @property
    def trained(self) -> list[str]:
        """Methods that train networks of their own, in the order of the arrays."""
        return [name for name, method in self.methods.items() if not method["scaled"]]

    def networks_of(self, method: str) -> str:
        """The method whose networks this one uses: itself, or the one that it scales."""
        return self.methods[method]["scaled"] or method

    def source(self, method: str) -> str:
        return self.methods[self.networks_of(method)]["source"]

    def words(self, method: str) -> str:
        """What the literature calls it: "label smoothing, temperature scaling"."""
        scaled = ", temperature scaling" if self.methods[method]["scaled"] else ""
        return SOURCES.get(self.source(method), self.source(method)) + scaled

    def values(self, score: str) -> pd.DataFrame:
        """One score: a row per data set, a column per method in the order of params, the Bayes-optimal prediction left out."""
        return self.scores.pivot(index="data_set", columns="method", values=score)[list(self.methods)]

    def bayes(self, score: str) -> np.ndarray:
        """The score of the Bayes-optimal prediction on every data set, (D,)."""
        return self.scores.loc[self.scores["method"] == BAYES, score].to_numpy()

    def grid(self, method: str) -> list[dict[str, Any]]:
        """The options of each of a training method's networks; all {} where it has no grid."""
        return self.about["candidates"][method]


@dataclass(frozen=True)
class SimulationResults:
    """A finished study of simulations: params (plain dicts), the manifest, the arrays of each split, every simulation."""

    params: Mapping[str, Any]
    manifest: dict[str, Any]
    splits: dict[str, dict[str, np.ndarray]]
    simulations: dict[str, Simulated]

    @property
    def reference(self) -> str:
        return self.params["report"]["reference"]

    @property
    def first(self) -> Simulated:
        return next(iter(self.simulations.values()))


def load(params: Mapping[str, Any], *, data: Path, scores: Path) -> SimulationResults:
    """Read what `params` names below the folders `data` and `scores`. UserError names the first thing missing or unfit."""
    data, scores = Path(data), Path(scores)
    manifest = read_json(data / "study" / "manifest.json")
    splits = {name: read_npz(data / "study" / f"{name}.npz", "points", "labels", "exact", "dense") for name in SPLITS}
    simulations = {
        name: _simulated(scores / "simulations" / name, name, options, len(splits["test"]["labels"]))
        for name, options in params["simulations"].items()
    }
    return SimulationResults(params, manifest, splits, simulations)


def _simulated(folder: Path, name: str, options: Mapping[str, Any], data_sets: int) -> Simulated:
    if not folder.is_dir():
        raise UserError(f"{folder}: there are no scores of simulation '{name}'; run simulate for it (dvc repro)")
    scores = _csv(folder / "scores.csv", ("data_set", "method", *SCORES))
    candidates = _csv(folder / "candidates.csv", ("data_set", "method", "candidate", "chosen"))
    arrays = read_npz(folder / "figures.npz", *FIGURE_ARRAYS)
    methods = [BAYES, *options["methods"]]
    if len(scores) != data_sets * len(methods) or set(scores["method"]) != set(methods):
        wanted = f"{data_sets} data sets of {len(methods)} methods"
        raise UserError(
            f"{folder / 'scores.csv'}: {len(scores)} rows, the study needs {wanted}; run simulate again (dvc repro)"
        )
    return Simulated(name, options, scores, candidates, arrays, read_json(folder / "about.json"))


def _csv(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except FileNotFoundError:
        raise UserError(f"{path}: not found; run the stage that writes it (dvc repro)") from None
    except ValueError as error:
        raise UserError(f"{path}: not a readable csv file ({str(error).splitlines()[0]})") from None
    missing = [column for column in columns if column not in table]
    if missing:
        raise UserError(f"{path}: has no column '{missing[0]}'; needed: {', '.join(columns)}")
    return table
