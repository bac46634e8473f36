"""Claims B1 and B2 (Maher & Kull 2021), held against data sets instead of runs."""

from dataclasses import replace

from softcifar.report.chapters.claims.instance_smoothing import ILS, SMOOTHING, VARIANTS, B
from softcifar.report.chapters.simulations.results import Simulated
from softcifar.report.core.pairs import ACCURACY, NLL, Measure, better_than_each
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import Check

CALIBRATION = (
    Measure("class-wise ECE", "classwise_ece", False),
    Measure("ECE by true class (their class-wise ECE)", "ece_by_true_class", False),
)


def checks(study: Study) -> list[Check]:
    """B1 and B2 per simulation, told from the methods' sources; [] where it has none of them."""
    simulations = study.results.simulations.values()
    return [row for each in simulations for check in (_beats, _calibrated) for row in check(study, each)]


def _of(simulation: Simulated, source: str, *, scaled: bool) -> list[str]:
    return [
        name
        for name, method in simulation.methods.items()
        if simulation.source(name) == source and bool(method["scaled"]) == scaled
    ]


def _described(simulation: Simulated, method: str) -> str:
    return f"{method} ({simulation.words(method)})"


def _beats(study: Study, simulation: Simulated) -> list[Check]:
    rows = []
    for variant in VARIANTS:
        for ours in _of(simulation, variant, scaled=False):
            for theirs in _of(simulation, SMOOTHING, scaled=False):
                compared = f"{simulation.name}: {_described(simulation, ours)} against {_described(simulation, theirs)}"
                for measure in (ACCURACY, NLL):
                    values = replace(measure, set=simulation.name).of(study.numbers, [ours, theirs])
                    against = {theirs: values[ours] - values[theirs]}
                    rows.append(Check("B1", B["B1"], compared, measure.title, measure.higher, against))
    return rows


def _calibrated(study: Study, simulation: Simulated) -> list[Check]:
    """Rivals are all methods on other labels, scaled or not."""
    rivals = [name for name in simulation.methods if simulation.source(name) != ILS]
    rows = []
    for ours in _of(simulation, ILS, scaled=True) if rivals else ():
        name = f"{simulation.name}: {_described(simulation, ours)}"
        for measure in (replace(each, set=simulation.name) for each in CALIBRATION):
            values = measure.of(study.numbers, [ours, *rivals])
            rows.append(better_than_each("B2", B["B2"], name, measure, values))
    return rows
