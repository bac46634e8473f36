"""Published numbers of the synthetic study beside ours."""

import numpy as np
import pandas as pd

from softcifar import metrics
from softcifar.report.columns import plain
from softcifar.report.literature import MAHER_KULL, SYNTHETIC
from softcifar.report.simulations.results import Simulated, SimulationResults
from softcifar.report.simulations.tables import BAYES_NAME, COLUMNS
from softcifar.report.tables import Cell, Table
from softcifar.simulation.files import BAYES

NOTE = (
    f"{MAHER_KULL} do not tell the geometry of their distributions; ours has the accuracy, cross-entropy and sparse accuracy "
    f"of "
    "their Bayes-optimal classifier. There, epochs and options were chosen on the test points, and without smoothing one "
    "network "
    "was trained where smoothing had as many as its grid has points: a row “one network” is the first network alone, with no "
    "choice. Their class-wise ECE seems to be a sum over the three classes (that of the Bayes-optimal classifier is about "
    "three "
    "times ours), ours is a mean. Ours: mean ± standard error over data sets."
)


def table(results: SimulationResults) -> Table:
    """A row per simulation and method that has a published one; no rows for other data than these."""
    shown = [column for column in COLUMNS if any(column.key in numbers for numbers in SYNTHETIC.values())]
    header = [("Method", ""), ("Simulation", ""), ("n", "data sets")]
    for column in shown:
        header += [(f"{column.title}, ours", column.meaning), ("published", "")]
    rows, records = [], []
    for name, simulation, values, published in _matches(results) if results.manifest["source"] == "gaussians" else []:
        count = len(values["accuracy"])
        row = [Cell(name, name), Cell(simulation, simulation), Cell(str(count), count)]
        record = {"method": name, "simulation": simulation, "n": count}
        for column in shown:
            digits = column.digits + (column.scale == 1)  # as many as the paper gives
            mean, error = metrics.mean_and_standard_error(values[column.key])
            texts = [plain(column.scale * value, digits) for value in (mean, error, published[column.key])]
            row += [Cell(texts[0], mean, f"± {texts[1]}"), Cell(texts[2], published[column.key])]
            record |= {column.key: mean, f"{column.key}_se": error, f"{column.key}_published": published[column.key]}
        rows.append(row)
        records.append(record)
    return Table("published", "Beside the published numbers", NOTE, header, rows, pd.DataFrame(records))


def _matches(results: SimulationResults):
    """(name, simulation, {score: values (D,)}, published numbers)."""
    keys = [column.key for column in COLUMNS]
    yield BAYES_NAME, "–", {key: results.first.bayes(key) for key in keys}, SYNTHETIC[BAYES]
    for simulation in results.simulations.values():
        for method in simulation.trained:
            published = SYNTHETIC.get(simulation.source(method))
            if published is None or (simulation is not results.first and _same(simulation, results.first, method)):
                continue
            if not simulation.grid(method)[0]:
                values = {key: candidates(simulation, method, f"test_{key}")[:, 0] for key in keys}
                yield f"{method}, one network", simulation.name, values, published
            values = {key: simulation.values(key)[method].to_numpy() for key in keys}
            yield method, simulation.name, values, published


def _same(a: Simulated, b: Simulated, method: str) -> bool:
    """Are its networks the very same in both? So are those of methods without a teacher."""
    return method in b.methods and a.values("nll")[method].equals(b.values("nll")[method])


def candidates(simulation: Simulated, method: str, column: str) -> np.ndarray:
    """One column of candidates.csv for a training method: (D, C)."""
    chosen = simulation.candidates[simulation.candidates["method"] == method]
    return chosen.pivot(index="data_set", columns="candidate", values=column).to_numpy()
