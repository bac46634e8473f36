"""Claims about label smoothing and novelty, of Bahri et al. 2021 (H1) and Xu et al. 2024 (H2); other soft labels beside."""

from softcifar.report.chapters.published.literature import BAHRI, XU
from softcifar.report.core.kinds import SCORE_TITLES, SOURCE_TITLES, source
from softcifar.report.core.pairs import SMOOTHING, Measure, compare, soft_and_hard, stated, together
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import Check

NEIGHBOURS, USUAL = "knn", "max_probability"
OTHERS = ", other soft labels"  # ends the number of what the papers say nothing about

H = stated(BAHRI, {"H1": "Distance to the nearest training features finds novel images better after label smoothing."})
H |= stated(XU, {"H2": "Label smoothing harms novelty detection by the prediction."})
H |= {
    f"H1{OTHERS}": "Distance to the nearest training features finds novel images better after training on other soft labels "
    "than smoothed ones (not claimed by the paper of H1).",
    f"H2{OTHERS}": "Other soft labels than smoothed ones harm novelty detection by the prediction (not claimed by the paper of "
    "H2).",
}


def checks(study: Study) -> list[Check]:
    """A row per claim, source of soft labels, kind of sets and pair, one of all pairs before them; [] without novel images."""
    results, rows = study.results, []
    for labels, twins in soft_and_hard(results).items():
        for claim, score, soft_is_better in (("H1", NEIGHBOURS, True), ("H2", USUAL, False)):
            number = claim if labels == SMOOTHING else claim + OTHERS
            compared = [pair if soft_is_better else pair[::-1] for pair in twins if _has(results, score, *pair)]
            words = " against ".join(SOURCE_TITLES.get(source(results, name), name) for name in compared[0]) if compared else ""
            for kind in results.ood_kinds:
                measure = Measure(f"AUROC of {SCORE_TITLES[score]}, {kind} sets", "auroc", True, kind, score)
                cells = [compare(number, H[number], study, *pair, measure) for pair in compared]
                rows += [*together(cells, words), *cells]
    return sorted(rows, key=lambda row: (row.claim, not row.family))  # claim by claim, all pairs together before single ones


def _has(results: Results, score: str, *students: str) -> bool:
    """Whether all of these students have a score; every one has those of logits."""
    return score == USUAL or all(score in results.students[name].novelty for name in students)
