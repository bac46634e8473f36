"""The claim of Collins, Bhatt & Weller 2022: I1."""

from dataclasses import replace

from softcifar.report.chapters.published.literature import COLLINS
from softcifar.report.core.pairs import ACCURACY, CROSS_ENTROPY, NLL, compare, pairs, stated
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import PRACTICAL, Check

FEW, MANY = "elicited", "human_where_elicited"  # label sources

I = stated(COLLINS, {"I1": "Soft labels of a few people teach as well as many people's votes on the same images."})  # noqa: E741


def checks(study: Study) -> list[Check]:
    """Two rows per pair of students that differ in their labels alone; as well: worse by less than matters in practice."""
    rows = []
    for ours, rival in pairs(study.results, (FEW, CROSS_ENTROPY), (MANY, CROSS_ENTROPY), but=("labels",)):
        for measure in (ACCURACY, NLL):
            margin = measure.scale * PRACTICAL[measure.metric]
            allowed = replace(measure, title=f"{measure.title} (margin {margin:g})")
            rows.append(compare("I1", I["I1"], study, ours, rival, allowed, margin=margin))
    return rows
