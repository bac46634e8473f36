"""Claims B1 and B2 (Maher & Kull 2021), held against data sets instead of runs."""

from dataclasses import replace

from softcifar.report.chapters.claims.instance_smoothing import ILS, SMOOTHING, VARIANTS, B
from softcifar.report.chapters.simulations.results import Simulated
from softcifar.report.core.pairs import ACCURACY, NLL, Measure
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import Finding, best, difference

UNIT = "data sets"
CALIBRATION = Measure("class-wise ECE", "classwise_ece", False)


def findings(study: Study) -> list[Finding]:
    """B1 and B2 per simulation, told from the methods' sources; [] where it has none of them."""
    simulations = study.results.simulations.values()
    return [finding for each in simulations for check in (_beats, _calibrated) for finding in check(study, each)]


def _of(simulation: Simulated, source: str, *, scaled: bool) -> list[str]:
    return [
        name
        for name, method in simulation.methods.items()
        if simulation.source(name) == source and bool(method["scaled"]) == scaled
    ]


def _described(simulation: Simulated, method: str) -> str:
    return f"{method} ({simulation.words(method)})"


def _beats(study: Study, simulation: Simulated) -> list[Finding]:
    rows = []
    for variant in VARIANTS:
        for ours in _of(simulation, variant, scaled=False):
            for theirs in _of(simulation, SMOOTHING, scaled=False):
                compared = f"{simulation.name}: {_described(simulation, ours)} against {_described(simulation, theirs)}"
                for measure in (ACCURACY, NLL):
                    values = replace(measure, set=simulation.name).of(study.numbers, [ours, theirs])
                    title, higher = measure.title, measure.higher
                    rows.append(difference("B1", B["B1"], compared, title, *values, higher=higher, unit=UNIT))
    return rows


def _calibrated(study: Study, simulation: Simulated) -> list[Finding]:
    """Rivals are all methods on other labels, scaled or not."""
    rivals = [name for name in simulation.methods if simulation.source(name) != ILS]
    rows = []
    for ours in _of(simulation, ILS, scaled=True) if rivals else ():
        own, *others = replace(CALIBRATION, set=simulation.name).of(study.numbers, [ours, *rivals])
        name = f"{simulation.name}: {_described(simulation, ours)}"
        of = dict(zip(rivals, others, strict=True))
        rows.append(best("B2", B["B2"], name, CALIBRATION.title, own, of, higher=False, unit=UNIT))
    return rows
