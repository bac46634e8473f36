"""The claims of instance-based label smoothing (Maher & Kull 2021): B1 to B4."""

import pandas as pd

from softcifar.report.claims.claim import Finding, best, difference
from softcifar.report.claims.pairs import CROSS_ENTROPY, pairs, shared_runs
from softcifar.report.columns import WHOSE
from softcifar.report.kinds import alike, described, loss, of_kind, source
from softcifar.report.literature import MAHER_KULL
from softcifar.report.scores import Results
from softcifar.report.teaching import SHALLOW

ILS = "adaptive_instance_based"
VARIANTS = (ILS, "adaptive_uniform", "instance_based")  # ILS, and its halves ILS1 and ILS2
SMOOTHING, HARD = "uniform", "hard"
LABELS = ("labels",)

STATEMENTS = {
    "B1": "Instance-based label smoothing (ILS) beats label smoothing in accuracy and log loss.",
    "B2": "With temperature scaling, ILS has the best class-wise calibration of all label sources.",
    "B3": "Networks trained with ILS are better teachers than those trained with label smoothing or hard labels.",
    "B4": "ILS keeps the similarity structure of the classes better than label smoothing.",
}
STATEMENTS = {claim: f"{text[:-1]} ({MAHER_KULL})." for claim, text in STATEMENTS.items()}
ACCURACY, NLL = ("accuracy", "accuracy, points", True, 100), ("nll", "NLL, nats", False, 1)


def findings(results: Results, numbers: pd.DataFrame) -> list[Finding]:
    """A row per claim, metric and pair of students that the study has; [] where it has none."""
    return [
        *_beats(results, numbers),
        *_best_calibrated(results, numbers),
        *_teaches(results, numbers),
        *_keeps(results, numbers),
    ]


def _against(results: Results, ours: str, theirs: str) -> list[tuple[str, str]]:
    return pairs(results, (ours, CROSS_ENTROPY), (theirs, CROSS_ENTROPY), but=LABELS)


def _compare(
    results: Results, numbers: pd.DataFrame, claim: str, a: str, b: str, what: tuple, *, set: str = "test", network: str = ""
) -> Finding:
    metric, title, higher, scale = what
    values = shared_runs(numbers, [a, b], metric, set=set, scale=scale)
    compared = f"{network}{described(results, a)} against {described(results, b)}"
    return difference(claim, STATEMENTS[claim], compared, title, *values, higher=higher)


def _beats(results: Results, numbers: pd.DataFrame) -> list[Finding]:
    return [
        _compare(results, numbers, "B1", a, b, what)
        for variant in VARIANTS
        for a, b in _against(results, variant, SMOOTHING)
        for what in (ACCURACY, NLL)
    ]


def _best_calibrated(results: Results, numbers: pd.DataFrame) -> list[Finding]:
    """Every other source of labels is a rival; ILS with other options is the same one."""
    found = []
    for ours in of_kind(results, ILS):
        others = [name for name in results.students if source(results, name) != ILS and loss(results, name) == CROSS_ENTROPY]
        rivals = [name for name in others if alike(results, ours, name, but=LABELS)]
        if not rivals:
            continue
        own, *others = shared_runs(numbers, [ours, *rivals], "classwise_ece_scaled")
        found.append(
            best(
                "B2",
                STATEMENTS["B2"],
                described(results, ours),
                "class-wise ECE, scaled",
                own,
                dict(zip(rivals, others, strict=True)),
                higher=False,
            )
        )
    return found


def _teaches(results: Results, numbers: pd.DataFrame) -> list[Finding]:
    return [
        _compare(results, numbers, "B3", a, b, what, set=SHALLOW, network="shallow networks taught by ")
        for theirs in (SMOOTHING, HARD)
        for a, b in _against(results, ILS, theirs)
        if a in results.shallow and b in results.shallow
        for what in (ACCURACY, NLL)
    ]


def _keeps(results: Results, numbers: pd.DataFrame) -> list[Finding]:
    found = []
    for a, b in _against(results, ILS, SMOOTHING):
        for known in results.targets("test"):
            for suffix, when in (("", ""), ("_scaled", ", scaled")):
                title = f"distance to the class similarities of {WHOSE[known]}{when}"
                found.append(
                    _compare(results, numbers, "B4", a, b, (f"structure_distance{suffix}", title, False, 1), set=known)
                )
    return found
