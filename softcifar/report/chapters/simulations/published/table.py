"""Published numbers of the synthetic study beside ours."""

from collections.abc import Iterator, Mapping

import numpy as np

from softcifar import metrics
from softcifar.report.chapters.published.literature import MAHER_KULL, SYNTHETIC
from softcifar.report.chapters.simulations.columns import COLUMNS, values
from softcifar.report.chapters.simulations.results import BAYES_NAME
from softcifar.report.core.columns import Field
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build
from softcifar.simulation.files import BAYES

NOTE = (
    f"{MAHER_KULL} do not give the geometry of their distributions; ours has the accuracy, cross-entropy and sparse accuracy "
    "of their Bayes-optimal classifier. There, epochs and options were chosen on the test points, and without smoothing one "
    "network was trained where smoothing had as many as its grid has points: a row “one network” is the first network alone, "
    "with no choice. What they print as class-wise ECE is, in their code, the top-label ECE of the points of one true "
    "class, averaged over classes; it stands beside ours of that definition. Ours: mean ± standard error over data sets."
)


def table(study: Study) -> Table:
    """A row per simulation and method that has a published one; no rows for other data than these."""
    shown = [column for column in COLUMNS.values() if any(column.key in numbers for numbers in SYNTHETIC.values())]
    records = []
    for name, simulation, own, published in _matches(study) if study.results.manifest["source"] == "gaussians" else ():
        record = {"method": name, "simulation": simulation, "n": len(own["accuracy"])}
        for column in shown:
            mean, error = metrics.mean_and_standard_error(own[column.key])
            record |= {column.key: mean, f"{column.key}_se": error, f"{column.key}_published": published[column.key]}
        records.append(record)
    fields = [Field("method", "Method"), Field("simulation", "Simulation"), Field("n", "n", "data sets")]
    for column in shown:
        digits = column.digits + (column.scale == 1)  # as many as the paper gives
        fields.append(Field(column.key, f"{column.title}, ours", column.meaning, digits, column.scale, spread=True))
        fields.append(Field(f"{column.key}_published", "published", "", digits, column.scale))
    return build("published", "Beside the published numbers", NOTE, fields, records)


def _matches(study: Study) -> Iterator[tuple[str, str, Mapping[str, np.ndarray], Mapping[str, float]]]:
    """(name, simulation, {score: values (D,)}, published numbers)."""
    results, numbers = study.results, study.numbers
    bound = numbers[numbers["kind"] == "bound"]
    yield BAYES_NAME, "–", {key: bound[bound["metric"] == key]["value"].to_numpy() for key in COLUMNS}, SYNTHETIC[BAYES]
    for simulation in results.simulations.values():
        for method in simulation.trained:
            published = SYNTHETIC.get(simulation.source(method))
            if published is None or (simulation is not results.first and _same(study, simulation, method)):
                continue
            if not simulation.grid(method)[0]:
                alone = {key: simulation.column(method, f"test_{key}")[:, 0] for key in COLUMNS}
                yield f"{method}, one network", simulation.name, alone, published
            own = {key: values(study, simulation, key)[method].to_numpy() for key in COLUMNS}
            yield method, simulation.name, own, published


def _same(study: Study, simulation, method: str) -> bool:
    """Are its networks the very same in the first simulation? So are those of methods without a teacher."""
    first = study.results.first
    return method in first.methods and values(study, simulation, "nll")[method].equals(values(study, first, "nll")[method])
