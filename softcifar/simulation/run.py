"""A whole simulation, to its files."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from softcifar.files import atomic_folder, write_json, write_npz, write_text
from softcifar.params.sections import Seeds
from softcifar.params.simulation import Simulation
from softcifar.progress import bar
from softcifar.simulation.files import BAYES, CANDIDATE_COLUMNS, FIGURE_ARRAYS
from softcifar.simulation.methods import candidates
from softcifar.simulation.scores import SCORES
from softcifar.simulation.simulate import Arrays, Protocol, simulate
from softcifar.training.trained import versions


def run_simulation(
    name: str,
    simulation: Simulation,
    seeds: Seeds,
    *,
    fold_seed: int,
    bins: int,
    classes: list[str],
    splits: dict[str, Arrays],
    states: Path,
    out: Path,
) -> None:
    """Write `out`: candidates.csv, scores.csv, figures.npz and about.json.

    candidates.csv: a row per data set, method that trains and candidate; `chosen` is 1 where validation chose it.
    scores.csv: a row per data set and method (the Bayes-optimal prediction is `bayes`) with the test scores of the network
    that validation chose, its number and temperature. figures.npz: arrays of softcifar.simulation.simulate.one_data_set with
    a leading axis of data sets. about.json: the order of methods and candidates, versions.
    splits: as in softcifar.simulation.simulate.simulate. states: a folder for what is finished; it and other fingerprints'
    beside it are removed at the end.
    """
    features = splits["train"]["points"].shape[2]
    plan = Protocol(simulation, seeds, bins, fold_seed, len(classes), features)
    count = len(splits["train"]["labels"])
    with bar(total=count, what=f"simulate {name}", unit="data set") as shown:
        arrays = simulate(plan, splits, states, shown.update)
    with atomic_folder(out) as folder:
        write_text(folder / "candidates.csv", _csv(_candidates(plan, arrays)))
        write_text(folder / "scores.csv", _csv(_scores(plan, arrays)))
        write_npz(folder / "figures.npz", **{key: arrays[key] for key in FIGURE_ARRAYS})
        write_json(folder / "about.json", _about(plan, count, arrays))
    shutil.rmtree(states.parent, ignore_errors=True)


def _candidates(plan: Protocol, arrays: Arrays) -> pd.DataFrame:
    count, trained, budget = arrays["epochs"].shape
    places = np.indices((count, trained, budget)).reshape(3, -1)
    options = {name: candidates(plan.simulation.methods[name], plan.seeds.runs) for name in plan.trained}
    methods = list(plan.simulation.methods)
    chosen = np.zeros((count, trained, budget), dtype=np.int64)
    for s, name in enumerate(plan.trained):
        chosen[np.arange(count), s, arrays["choice"][:, methods.index(name)]] = 1
    columns = {
        "data_set": places[0],
        "method": [plan.trained[s] for s in places[1]],
        "candidate": places[2],
        "options": [_words(options[plan.trained[s]][c]) for s, c in zip(*places[1:], strict=True)],
        "chosen": chosen.ravel(),
    }
    columns |= {name: arrays[name].ravel() for name in CANDIDATE_COLUMNS}
    return pd.DataFrame(columns | {f"test_{name}": arrays["test"][..., n].ravel() for n, name in enumerate(SCORES)})


def _scores(plan: Protocol, arrays: Arrays) -> pd.DataFrame:
    methods = list(plan.simulation.methods)
    count = len(arrays["choice"])
    names, tables = [BAYES, *methods], [arrays["bayes"][:, None], arrays["scores"]]
    values = np.concatenate(tables, axis=1)  # (D, 1 + M, SCORES)
    places = np.indices((count, len(names))).reshape(2, -1)
    choice = np.concatenate([np.full((count, 1), -1), arrays["choice"]], axis=1)  # nothing to choose for Bayes
    temperature = np.concatenate([np.ones((count, 1)), arrays["chosen_temperature"]], axis=1)
    columns: dict[str, Any] = {"data_set": places[0], "method": [names[m] for m in places[1]]}
    columns |= {"choice": choice.ravel(), "temperature": temperature.ravel()}
    return pd.DataFrame(columns | {name: values[..., n].ravel() for n, name in enumerate(SCORES)})


def _about(plan: Protocol, count: int, arrays: Arrays) -> dict:
    budget = plan.seeds.runs
    networks = arrays["epochs"].size
    return {
        "data_sets": count,
        "methods": list(plan.simulation.methods),
        "candidates": {name: candidates(plan.simulation.methods[name], budget) for name in plan.trained},
        "networks": int(networks),
        "parameters": sum((a + 1) * b for a, b in zip(plan.sizes[:-1], plan.sizes[1:], strict=True)),
        "mean_epochs": round(float(arrays["epochs"].mean()), 2),
        "versions": versions(),
        "device": "cpu",
        "precision": "float32",
    }


def _words(options: dict[str, Any]) -> str:
    return " ".join(f"{name}={value:g}" for name, value in options.items())


def _csv(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, lineterminator="\n")
