"""Claims B1 and B2 (Maher & Kull 2021), held against data sets instead of runs."""

from softcifar.report.claims.claim import Finding, best, difference
from softcifar.report.claims.instance_smoothing import ACCURACY, ILS, NLL, SMOOTHING, STATEMENTS, VARIANTS
from softcifar.report.simulations.results import Simulated, SimulationResults


def findings(results: SimulationResults) -> list[Finding]:
    """B1 and B2 per simulation, told from the methods' sources; [] where it has none of them."""
    return [
        finding
        for simulation in results.simulations.values()
        for check in (_beats, _calibrated)
        for finding in check(simulation)
    ]


def _of(simulation: Simulated, source: str, *, scaled: bool) -> list[str]:
    return [
        name
        for name, method in simulation.methods.items()
        if simulation.source(name) == source and bool(method["scaled"]) == scaled
    ]


def _described(simulation: Simulated, method: str) -> str:
    return f"{method} ({simulation.words(method)})"


def _beats(simulation: Simulated) -> list[Finding]:
    pairs = [
        (ours, theirs)
        for variant in VARIANTS
        for ours in _of(simulation, variant, scaled=False)
        for theirs in _of(simulation, SMOOTHING, scaled=False)
    ]
    found = []
    for ours, theirs in pairs:
        for metric, title, higher, scale in (ACCURACY, NLL):
            values = scale * simulation.values(metric)
            compared = f"{simulation.name}: {_described(simulation, ours)} against {_described(simulation, theirs)}"
            found.append(
                difference(
                    "B1", STATEMENTS["B1"], compared, title, values[ours], values[theirs], higher=higher, unit="data sets"
                )
            )
    return found


def _calibrated(simulation: Simulated) -> list[Finding]:
    """Rivals are all methods on other labels, scaled or not."""
    found = []
    values = simulation.values("classwise_ece")
    for ours in _of(simulation, ILS, scaled=True):
        rivals = {name: values[name] for name in simulation.methods if simulation.source(name) != ILS}
        if rivals:
            name = f"{simulation.name}: {_described(simulation, ours)}"
            found.append(
                best("B2", STATEMENTS["B2"], name, "class-wise ECE", values[ours], rivals, higher=False, unit="data sets")
            )
    return found
