"""Means, ranks and every method against the reference, over data sets."""

from softcifar.report.chapters.simulations.columns import COLUMNS, KEYS, RANKED, of, rank
from softcifar.report.core import judged
from softcifar.report.core.columns import Field, p_text
from softcifar.report.core.comparisons import against
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build, means_table

NOTE = (
    "Mean ± standard error over data sets, of the network that validation chose on each. Bold: the best mean of a simulation, "
    "where paired t tests by data set separate it from every other method (two-sided p < .015 after Holm's correction over its "
    "rivals). Tilde: where no method is separated from all others, the best mean and every mean that the tests do not "
    "separate from it; where no method is separated, a column has no mark. The Bayes-optimal prediction knows the exact "
    "distribution; it is a bound, not a rival."
)


def summary(study: Study) -> Table:
    """A row per simulation and method, and one for the Bayes-optimal prediction."""
    columns = list(COLUMNS.values())
    return means_table(study.numbers, study.design, "summary", "Summary", columns, note=NOTE, keys=KEYS, counted="data sets")


def ranks(study: Study) -> Table:
    """A row per simulation and method: average ranks over data sets."""
    records, notes = [], []
    for simulation in study.results.simulations.values():
        if len(simulation.methods) < 2:
            continue
        ranked = {column.key: rank(study, simulation, column) for column in RANKED}
        for number, method in enumerate(simulation.methods):
            averages = {key: float(each.average_ranks[number]) for key, each in ranked.items()}
            records.append({"method": method, "simulation": simulation.name} | averages)
        tests = ", ".join(f"{column.name} p {p_text(ranked[column.key].p_value)}" for column in RANKED)
        difference = next(iter(ranked.values())).critical_difference
        notes.append(f"{simulation.name}: critical difference {difference:.2f}; Friedman's test by {tests}.")
    note = (
        "Average rank over the data sets, ties shared. Two methods whose average ranks differ by less than the critical "
        "difference (Nemenyi, 5 %) are not separated. " + " ".join(notes)
    )
    fields = [Field("method", "Method"), Field("simulation", "Simulation")]
    for column in RANKED:
        meaning = f"average rank by {column.title}, 1 is best"
        text = lambda record, key=column.key: f"{record[key]:.2f}"  # noqa: E731
        fields.append(Field(column.key, f"{column.name} rank\u00a0↓", meaning, text=text))
    return build("ranks", "Average ranks", note, fields, records, folded=True)


def comparisons(study: Study) -> Table:
    """Every method less the reference, paired by data set."""
    reference, records = study.reference, []
    for simulation in study.results.simulations.values():
        for finding in against(of(study, simulation), COLUMNS.values(), reference, study.design):
            records.append({"method": finding.compared, "simulation": simulation.name} | judged.comparison(finding))
    fields = [
        Field("method", "Method"),
        Field("simulation", "Simulation"),
        Field("metric", "Metric"),
        *judged.fields(study.design),
    ]
    note = (
        f"Each method less {reference}, paired by data set. Better and worse take a one-sided p below .0075 after Holm's "
        "correction over the methods of one simulation and metric."
    )
    return build("comparisons", f"Against {reference}", note, fields, records, folded=True)
