"""The claims of the Soft CIFAR study (Laing): A1 to A8, about labels of people against their majority vote."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from softcifar.report.chapters.published.literature import LAING
from softcifar.report.chapters.robustness.attacks import middle_strength, strength
from softcifar.report.core.columns import HEADLINE_SCORE
from softcifar.report.core.kinds import CHANGED, SOURCE_TITLES, alike, described, method, of_kind, own_score, source
from softcifar.report.core.pairs import (
    ACCURACY,
    CROSS_ENTROPY,
    ECE,
    Measure,
    best_of,
    better_than_each,
    compare,
    pairs,
    stated,
    together,
)
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import Check, NowhereBest

SOFT, HARD = "human", "majority"  # what the study calls soft and hard
MIXING = ("mixup", "cutmix")
PUBLISHED_EPS = 1.275  # .005 of the pixel range

A = stated(
    LAING,
    {
        "A1": "Labels of people raise accuracy over their majority vote.",
        "A2": "Labels of people raise novelty detection over their majority vote.",
        "A3": "Labels of people raise adversarial robustness over their majority vote.",
        "A4": "No variant is best everywhere.",
        "A5": "SNGP is best at novelty detection with labels of people.",
        "A6": "MC dropout is best under FGSM.",
        "A7": "MixUp and CutMix on majority votes do not give the benefits of labels of people; to be supported only where "
        "people's labels beat their own unmixed twin.",
        "A8": "Labels of people worsen the calibration error.",
    },
)


def checks(study: Study) -> list[Check | NowhereBest]:
    """A row per claim, measure and pair or group of students that the study has; [] where it has none."""
    results = study.results
    soft_against_hard = pairs(results, (SOFT, CROSS_ENTROPY), (HARD, CROSS_ENTROPY), but=("labels",))
    novelty = [_auroc("entropy", kind, HEADLINE_SCORE) for kind in results.ood_kinds]
    attacked = _attacked(results)
    lost = attacked[:1]  # as published
    return [
        *_each("A1", study, soft_against_hard, [ACCURACY]),
        *_each("A2", study, soft_against_hard, novelty),
        *_each("A3", study, soft_against_hard, attacked),
        *_no_winner(study, [ACCURACY, ECE, *novelty, *lost]),
        *_sngp_notices(study),
        *_dropout_resists(study, attacked),
        *_mixing_falls_short(study, soft_against_hard, [ACCURACY, *novelty, *lost]),
        *_each("A8", study, [(b, a) for a, b in soft_against_hard], [ECE]),
    ]


def _auroc(title: str, kind: str, score: object) -> Measure:
    return Measure(f"AUROC of {title}, {kind} sets", "auroc", True, kind, score)


def _attacked(results: Results) -> list[Measure]:
    """Accuracy lost to FGSM, as published, and what is left of it, since less is lost where there is less to lose.

    At the published strength where all students met it, else at the middle one; [] where none was attacked.
    """
    attacks = [student.attacks.get("fgsm") for student in results.students.values()]
    met = set.intersection(*({float(eps) for eps in attack.eps} if attack else set() for attack in attacks))
    eps = PUBLISHED_EPS if PUBLISHED_EPS in met else middle_strength(results)
    if eps is None:
        return []
    under = f"FGSM at {strength(eps)}, points"
    kept = Measure(f"accuracy under {under}", "fgsm_accuracy", True, "test", strength(eps), 100)
    return [replace(kept, title=f"accuracy lost to {under}", higher=False, before=("test", strength(0))), kept]


def _each(claim: str, study: Study, compared: Sequence[tuple[str, str]], measures: list[Measure]) -> list[Check]:
    """The claim that the first of each pair is better in every measure: over all pairs together, then pair by pair."""
    rows = [[compare(claim, A[claim], study, *pair, measure) for measure in measures] for pair in compared]
    words = " against ".join(SOURCE_TITLES[source(study.results, name)] for name in compared[0]) if compared else ""
    return [
        *(row for cells in zip(*rows, strict=True) for row in together(cells, words)),
        *(row for pair in rows for row in pair),
    ]


def _mixing_falls_short(study: Study, soft_against_hard: Iterable[tuple[str, str]], measures: list[Measure]) -> list[Check]:
    """People's labels have to be better than the mixed majority votes, and than the same votes unmixed: where they give no
    benefit, there is none that mixing could fail to give."""
    results, unmixed = study.results, dict(soft_against_hard)
    return [
        better_than_each(
            "A7", A["A7"], described(results, soft), measure, measure.of(study.numbers, [soft, mixed, unmixed[soft]])
        )
        for soft, mixed in _soft_against_mixed(results)
        if soft in unmixed
        for measure in measures
    ]


def _soft_against_mixed(results: Results) -> list[tuple[str, str]]:
    """(student with labels of people, the same with majority votes and MixUp or CutMix on top)."""

    def mixed(a: str, b: str) -> bool:
        soft, hard = (results.params["students"][name]["augment"] for name in (a, b))
        return len(hard) == len(soft) + 1 and hard[:-1] == soft and hard[-1]["name"] in MIXING

    both = pairs(results, (SOFT, CROSS_ENTROPY), (HARD, CROSS_ENTROPY), but=("labels", "augment"))
    return [pair for pair in both if mixed(*pair)]


def _rivals(results: Results, ours: str, labels: str) -> list[str]:
    """Students of the same labels and recipe whose method is another one."""
    others = [name for name in of_kind(results, labels) if method(results, name) != method(results, ours)]
    return [name for name in others if alike(results, ours, name, but=CHANGED)]


def _sngp_notices(study: Study) -> list[Check]:
    """By predictive entropy, and each method by the score that it offers as its uncertainty."""
    results, rows = study.results, []
    for ours in [name for name in of_kind(results, SOFT) if method(results, name) == "sngp"]:
        rivals = _rivals(results, ours, SOFT)
        own = {name: own_score(results, name) for name in [ours, *rivals]}
        for kind in results.ood_kinds:
            for measure in (_auroc("entropy", kind, HEADLINE_SCORE), _auroc("the method's own score", kind, own)):
                rows += best_of("A5", A["A5"], study, ours, rivals, measure)
    return rows


def _dropout_resists(study: Study, attacked: list[Measure]) -> list[Check]:
    return [
        check
        for labels in (SOFT, HARD)
        for ours in of_kind(study.results, labels)
        if method(study.results, ours) == "mc_dropout"
        for measure in attacked
        for check in best_of("A6", A["A6"], study, ours, _rivals(study.results, ours, labels), measure)
    ]


def _no_winner(study: Study, measures: list[Measure]) -> list[NowhereBest]:
    """Over the students that learn from votes or their majority by cross-entropy: the variants of the published grid."""
    soft, hard = of_kind(study.results, SOFT), of_kind(study.results, HARD)
    if not (soft and hard):
        return []
    grid = [*soft, *hard]
    values = {(measure.title, measure.higher): measure.of(study.numbers, grid) for measure in measures}
    return [NowhereBest("A4", A["A4"], f"each of {len(grid)} students with all others", values, tuple(grid))]
