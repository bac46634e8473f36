"""The claims of instance-based label smoothing (Maher & Kull 2021): B1 to B4."""

from dataclasses import replace

from softcifar.report.chapters.distillation.shallow import SHALLOW
from softcifar.report.chapters.published.literature import MAHER_KULL
from softcifar.report.core.columns import WHOSE
from softcifar.report.core.kinds import alike, distinct, loss, of_kind, source
from softcifar.report.core.pairs import ACCURACY, CROSS_ENTROPY, NLL, Measure, best_of, compare, pairs, stated
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import Check

ILS = "adaptive_instance_based"
VARIANTS = (ILS, "adaptive_uniform", "instance_based")  # ILS, and its halves ILS1 and ILS2
SMOOTHING, HARD = "uniform", "hard"
LABELS = ("labels",)
PUBLISHED = {HARD, SMOOTHING, "class_based", "self_distillation", "beta_smoothing", *VARIANTS}  # what they compare
BOOTSTRAPPING = "soft_bootstrapping"  # a loss
CALIBRATION = (
    Measure("class-wise ECE, scaled", "classwise_ece_scaled", False),
    Measure("ECE by true class (their class-wise ECE), scaled", "ece_by_true_class_scaled", False),
)

B = stated(
    MAHER_KULL,
    {
        "B1": "Instance-based label smoothing (ILS) beats label smoothing in accuracy and log loss.",
        "B2": "With temperature scaling, ILS has the best class-wise calibration of all label sources.",
        "B3": "Networks trained with ILS are better teachers than those trained with label smoothing or hard labels.",
        "B4": "ILS keeps the similarity structure of the classes better than label smoothing.",
    },
)


def checks(study: Study) -> list[Check]:
    """A row per claim, metric and pair of students that the study has; [] where it has none."""
    results = study.results

    def against(ours: str, theirs: str) -> list[tuple[str, str]]:
        return pairs(results, (ours, CROSS_ENTROPY), (theirs, CROSS_ENTROPY), but=LABELS)

    beats = [
        compare("B1", B["B1"], study, *pair, measure)
        for variant in VARIANTS
        for pair in against(variant, SMOOTHING)
        for measure in (ACCURACY, NLL)
    ]
    teaches = [
        compare("B3", B["B3"], study, *pair, replace(measure, set=SHALLOW), prefix="shallow networks taught by ")
        for theirs in (SMOOTHING, HARD)
        for pair in against(ILS, theirs)
        if set(pair) <= results.shallow.keys()
        for measure in (ACCURACY, NLL)
    ]
    keeps = [
        compare("B4", B["B4"], study, *pair, _similarity(known, suffix, when))
        for pair in against(ILS, SMOOTHING)
        for known in results.targets("test")
        for suffix, when in (("", ""), ("_scaled", ", scaled"))
    ]
    return [*beats, *_best_calibrated(study), *teaches, *keeps]


def _similarity(known: str, suffix: str, when: str) -> Measure:
    title = f"distance to the class similarities of {WHOSE[known]}{when}"
    return Measure(title, f"structure_distance{suffix}", False, known)


def _best_calibrated(study: Study) -> list[Check]:
    """Every other one of their methods is a rival; ILS with other options is the same one."""
    results = study.results
    others = [name for name in distinct(results) if source(results, name) != ILS and _theirs(results, name)]
    return [
        check
        for ours in of_kind(results, ILS)
        for rivals in [[name for name in others if alike(results, ours, name, but=("labels", "loss"))]]
        for measure in CALIBRATION
        for check in best_of("B2", B["B2"], study, ours, rivals, measure)
    ]


def _theirs(results: Results, student: str) -> bool:
    if loss(results, student) == BOOTSTRAPPING:
        return source(results, student) == HARD
    return loss(results, student) == CROSS_ENTROPY and source(results, student) in PUBLISHED
