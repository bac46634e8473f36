"""What the report of simulations reads: scores of every method on every data set, checked against params."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from softcifar.errors import UserError
from softcifar.files import read_json, read_npz
from softcifar.report.core.csv_files import read_csv
from softcifar.report.core.design import Design
from softcifar.report.core.kinds import kind
from softcifar.report.core.long_table import typed
from softcifar.report.core.study import Study
from softcifar.simulation.files import BAYES, FIGURE_ARRAYS
from softcifar.simulation.scores import SCORES

SPLITS = ("train", "validation", "test")
BAYES_NAME = "Bayes-optimal"


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

    def source(self, method: str) -> str | None:
        """Its label source; None where it has a loss of its own, which makes it a method of another kind."""
        trained = self.methods[self.networks_of(method)]
        return None if trained["loss"] else trained["source"]

    def words(self, method: str) -> str:
        """What the literature calls it: "label smoothing, temperature scaling"."""
        trained = self.methods[self.networks_of(method)]
        loss = trained["loss"]["name"] if trained["loss"] else "cross_entropy"
        return kind(trained["source"], loss) + (", temperature scaling" if self.methods[method]["scaled"] else "")

    def column(self, method: str, name: str) -> np.ndarray:
        """One column of candidates.csv for a training method: (D, C)."""
        chosen = self.candidates[self.candidates["method"] == method]
        return chosen.pivot(index="data_set", columns="candidate", values=name).to_numpy()

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
    def students(self) -> list[str]:
        """The methods of all simulations."""
        return list(dict.fromkeys(method for each in self.simulations.values() for method in each.methods))

    @property
    def reference(self) -> str:
        return self.params["report"]["reference"]

    @property
    def first(self) -> Simulated:
        return next(iter(self.simulations.values()))


def read(params: Mapping[str, Any], *, data: Path, scores: Path, models: Path) -> Study:
    """A study of simulations: its results and the long table, in which `student` is a method, `seed` a data set and `set` the
    simulation. The Bayes-optimal prediction, the same in all, has the kind "bound" and the set "–"."""
    results = load(params, data=data, scores=scores)
    rows = []
    for simulation in results.simulations.values():
        by_method = dict(list(simulation.scores.groupby("method")))
        for method in simulation.methods:
            rows += _rows(method, "run", simulation.name, by_method[method])
    first = results.first.scores
    numbers = typed([*rows, *_rows(BAYES_NAME, "bound", "–", first[first["method"] == BAYES])])
    return Study(results, {}, numbers, Design("data sets", None))


def _rows(name: str, kind: str, simulation: str, scores: pd.DataFrame) -> list[tuple]:
    return [
        (name, kind, seed, metric, simulation, "", value)
        for metric in SCORES
        for seed, value in zip(scores["data_set"], scores[metric], strict=True)
    ]


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
    scores = read_csv(folder / "scores.csv", ("data_set", "method", *SCORES))
    candidates = read_csv(folder / "candidates.csv", ("data_set", "method", "candidate", "chosen"))
    arrays = read_npz(folder / "figures.npz", *FIGURE_ARRAYS)
    methods = [BAYES, *options["methods"]]
    if len(scores) != data_sets * len(methods) or set(scores["method"]) != set(methods):
        wanted = f"{data_sets} data sets of {len(methods)} methods"
        raise UserError(
            f"{folder / 'scores.csv'}: {len(scores)} rows, the study needs {wanted}; run simulate again (dvc repro)"
        )
    return Simulated(name, options, scores, candidates, arrays, read_json(folder / "about.json"))
