"""The tables of a study of simulations: scores, ranks, choices, teachers, all over data sets."""

from typing import Any

import pandas as pd

from softcifar import metrics
from softcifar.report.claims.table import effect
from softcifar.report.columns import Column, accuracy
from softcifar.report.comparisons import marks
from softcifar.report.kinds import CRITERIA
from softcifar.report.simulations.results import Simulated, SimulationResults
from softcifar.report.tables import Cell, Table, p_text
from softcifar.report.tuning import place
from softcifar.report.words import words

COLUMNS = [
    accuracy("accuracy", "Accuracy %", "share of test points whose label has the highest probability", "accuracy"),
    accuracy("dense_accuracy", "Dense %", "accuracy on test points drawn from the dense regions", "dense_accuracy"),
    accuracy("sparse_accuracy", "Sparse %", "accuracy on test points drawn from the sparse regions", "sparse_accuracy"),
    Column("nll", "NLL", "negative log-likelihood of the test labels, nats", "nll"),
    Column("ece", "ECE", "expected calibration error of the top label, equal-width bins", "ece"),
    Column(
        "classwise_ece", "Class-wise ECE", "calibration error of every class's probability, mean over classes", "classwise_ece"
    ),
    Column("kl", "KL", "KL divergence of the prediction from the exact distribution, nats", "kl"),
]
RANKED = [column for column in COLUMNS if column.key in ("accuracy", "nll", "ece", "classwise_ece")]
BAYES_NAME = "Bayes-optimal"

SUMMARY_NOTE = (
    "Mean ± standard error over data sets, of the network that validation chose on each. Bold: the best mean of a simulation, "
    "where a paired t test by data set separates it from every other method at the 5 % level (Holm correction over its "
    "rivals). Tilde: where no method stands out so, the best mean and all that the test does not separate from it. The "
    "Bayes-optimal prediction knows the exact distribution; it is a bound, not a rival."
)


def make(results: SimulationResults) -> dict[str, Table]:
    """{name: Table}; tables without rows are left out."""
    tables = (summary(results), ranks(results), comparisons(results), against_first(results), tuning(results))
    return {table.name: table for table in tables if table.rows}


def summary(results: SimulationResults) -> Table:
    """A row per simulation and method, and one for the Bayes-optimal prediction."""
    header = [("Method", ""), ("Simulation", ""), ("n", "data sets")]
    header += [(f"{column.title}\u00a0{column.arrow}", column.meaning) for column in COLUMNS]
    rows, records = [], []
    for simulation in results.simulations.values():
        values = {column.key: simulation.values(column.key) for column in COLUMNS}
        marked = {column.key: marks(values[column.key], higher=bool(column.higher)) for column in COLUMNS}
        for method in simulation.methods:
            found = {key: (frame[method], marked[key].get(method, "")) for key, frame in values.items()}
            _add(rows, records, method, simulation.name, found)
    first = results.first
    _add(rows, records, BAYES_NAME, "–", {column.key: (first.bayes(column.key), "") for column in COLUMNS})
    return Table("summary", "Summary", SUMMARY_NOTE, header, rows, pd.DataFrame(records))


def _add(rows: list, records: list, method: str, simulation: str, found: dict[str, tuple]) -> None:
    count = len(next(iter(found.values()))[0])
    row = [Cell(method, method), Cell(simulation, simulation), Cell(str(count), count)]
    record: dict[str, Any] = {"method": method, "simulation": simulation, "n": count}
    for column in COLUMNS:
        values, mark = found[column.key]
        mean, error = metrics.mean_and_standard_error(values)
        known = pd.notna(mean)
        spread = f"± {column.text(error)}" if pd.notna(error) else ""
        row.append(Cell(column.text(mean), mean if known else None, spread if known else "", mark))
        record |= {column.key: mean, f"{column.key}_se": error, f"{column.key}_mark": mark}
    rows.append(row)
    records.append(record)


def ranks(results: SimulationResults) -> Table:
    """A row per simulation and method: average ranks over data sets."""
    header = [("Method", ""), ("Simulation", "")]
    header += [
        (f"{column.title.removesuffix(' %')} rank\u00a0↓", f"average rank by {column.title}, 1 is best") for column in RANKED
    ]
    rows, records, notes = [], [], []
    for simulation in results.simulations.values():
        if len(simulation.methods) < 2:
            continue
        found = {column.key: rank(simulation, column) for column in RANKED}
        for number, method in enumerate(simulation.methods):
            values = {key: float(each.average_ranks[number]) for key, each in found.items()}
            rows.append([Cell(method, method), Cell(simulation.name, simulation.name)])
            rows[-1] += [Cell(f"{value:.2f}", value) for value in values.values()]
            records.append({"method": method, "simulation": simulation.name} | values)
        tests = ", ".join(f"{column.title.removesuffix(' %')} p {p_text(found[column.key].p_value)}" for column in RANKED)
        difference = next(iter(found.values())).critical_difference
        notes.append(f"{simulation.name}: critical difference {difference:.2f}; Friedman's test by {tests}.")
    note = (
        "Average rank over the data sets, ties shared. Two methods whose average ranks differ by less than the critical "
        "difference (Nemenyi, 5 %) are not separated. " + " ".join(notes)
    )
    return Table("ranks", "Average ranks", note, header, rows, pd.DataFrame(records))


def rank(simulation: Simulated, column: Column) -> metrics.RankComparison:
    return metrics.rank_comparison(simulation.values(column.key), higher=bool(column.higher))


def comparisons(results: SimulationResults) -> Table:
    """Every method less the reference, paired by data set."""
    reference = results.reference
    note = (
        f"Each method less {reference}, paired by data set. The interval is a bootstrap over data sets; Holm p corrects over "
        f"the "
        "methods of one simulation and metric."
    )
    rows, records = [], []
    for simulation in results.simulations.values():
        others = [name for name in simulation.methods if name != reference]
        for column in COLUMNS:
            values = simulation.values(column.key)
            tests = [metrics.paired_comparison(values[name], values[reference]) for name in others]
            corrected = metrics.holm([test.p_value for test in tests]) if tests else []
            for name, test, p in zip(others, tests, corrected, strict=True):
                what = [Cell(text, text) for text in (name, simulation.name, column.title)]
                rows.append([*what, *_difference(test, column.scale), _p(p), Cell(str(len(values)), len(values))])
                records.append(
                    {"method": name, "simulation": simulation.name, "metric": column.key, **_record(test), "holm_p": p}
                )
    header = [("Method", ""), ("Simulation", ""), ("Metric", "")]
    header += [("Difference", f"method less {reference}"), *INTERVAL, ("Holm p", "corrected over methods"), ("n", "data sets")]
    return Table("comparisons", f"Against {reference}", note, header, rows, pd.DataFrame(records))


INTERVAL = [("95 % interval", "bootstrap over data sets"), ("p", "paired t test by data set, two-sided")]


def against_first(results: SimulationResults) -> Table:
    """The first simulation less every other one, method by method, on the same data sets: what other teachers change."""
    first = results.first
    rows, records = [], []
    for other in list(results.simulations.values())[1:]:
        for method in first.methods:
            if method not in other.methods or first.words(method) != other.words(method):
                continue
            for column in RANKED:
                a, b = first.values(column.key)[method], other.values(column.key)[method]
                if (a == b).all():
                    continue  # the very same networks
                test = metrics.paired_comparison(a, b)
                what = [Cell(text, text) for text in (method, other.name, column.title)]
                both = [Cell(column.text(values.mean()), float(values.mean())) for values in (a, b)]
                rows.append([*what, *both, *_difference(test, column.scale), Cell(str(len(a)), len(a))])
                records.append({"method": method, "other": other.name, "metric": column.key, **_record(test)})
    note = (
        f"The same methods on the same data sets in {first.name} and in the other simulation. Methods that come out alike to "
        f"the "
        "last bit are left out: they use no teacher."
    )
    header = [("Method", ""), ("Against", "the other simulation"), ("Metric", ""), (first.name, ""), ("the other", "")]
    header += [("Difference", f"{first.name} less the other"), *INTERVAL, ("n", "data sets")]
    return Table("simulations", "One simulation against another", note, header, rows, pd.DataFrame(records))


def _difference(test: metrics.PairedComparison, scale: float) -> list[Cell]:
    low, high = (scale * value for value in test.interval)
    interval = f"{effect(low)} to {effect(high)}" if pd.notna(low) else "–"
    return [
        Cell(effect(scale * test.difference), test.difference if pd.notna(test.difference) else None),
        Cell(interval, low if pd.notna(low) else None),
        _p(test.p_value),
    ]


def _p(value: float) -> Cell:
    return Cell(p_text(value), value if pd.notna(value) else None)


def _record(test: metrics.PairedComparison) -> dict[str, float]:
    return {"difference": test.difference, "low": test.interval[0], "high": test.interval[1], "p": test.p_value}


def tuning(results: SimulationResults) -> Table:
    """A row per simulation and method with a grid: what validation chose most often, and how often at the edge."""
    rows, records = [], []
    for simulation in results.simulations.values():
        for method in simulation.methods:
            grid = simulation.grid(simulation.networks_of(method))
            if not grid[0]:
                continue
            choices = simulation.scores.loc[simulation.scores["method"] == method, "choice"]
            counts = choices.value_counts(sort=False).reindex(range(len(grid)), fill_value=0)
            most = int(counts.idxmax())
            edge = sum(int(n) for number, n in counts.items() if set(place(grid, number).split(", ")) & {"lowest", "highest"})
            record = {
                "method": method,
                "simulation": simulation.name,
                "tried": "; ".join(f"{name} {words(sorted({one[name] for one in grid}))}" for name in grid[0]),
                "chosen_by": simulation.options["choose_by"],
                "most_chosen": " & ".join(f"{value:g}" for value in grid[most].values()),
                "most_chosen_share": counts[most] / len(choices),
                "edge_share": edge / len(choices),
            }
            shown = record | {"chosen_by": CRITERIA[record["chosen_by"]]}
            names = ("method", "simulation", "tried", "chosen_by", "most_chosen")
            row = [Cell(shown[name], shown[name]) for name in names]
            rows.append(row + [Cell(f"{100 * record[name]:.0f}", record[name]) for name in ("most_chosen_share", "edge_share")])
            records.append(record)
    header = [
        ("Method", ""),
        ("Simulation", ""),
        ("Tried", ""),
        ("Chosen by", "the validation score that chose, for each data set anew"),
        ("Most often chosen", ""),
        ("There %", "share of data sets on which that value was chosen"),
        ("At an edge %", "share of data sets on which a lowest or highest value was chosen"),
    ]
    note = (
        f"Every method trains {results.params['seeds']['runs']} networks per data set, one per point of its grid, or as many "
        f"from "
        "different initial weights where it has none, and validation chooses one: equal budgets."
    )
    return Table("tuning", "Tuning", note, header, rows, pd.DataFrame(records))
