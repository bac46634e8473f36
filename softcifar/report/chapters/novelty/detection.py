"""How well each score separates the test images from novel ones."""

import numpy as np

from softcifar import metrics
from softcifar.report.core.columns import HEADLINE_SCORE, Column
from softcifar.report.core.kinds import score_titles
from softcifar.report.core.long_table import Row
from softcifar.report.core.predictions import Prediction
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.tables import MARK_NOTE, Table, means_table

# metric -> title, meaning, is more better?, function of the scores of known (N,) and of novel images (M,)
DETECTION = {
    "auroc": ("AUROC", "area under the ROC curve", True, lambda known, novel: metrics.auroc(known, novel)),
    "aupr_in": ("AUPR in", "average precision, test images positive", True,
                lambda known, novel: metrics.average_precision(known, novel, positive="in")),
    "aupr_out": ("AUPR out", "average precision, OOD images positive", True,
                 lambda known, novel: metrics.average_precision(known, novel, positive="out")),
    "fpr95": ("FPR95", "share of test images flagged where 95 % of the OOD images are", False,
              lambda known, novel: metrics.fpr_at_tpr(known, novel, tpr=0.95)),
    "fpr95_in": ("FPR95 in", "the other way round: share of OOD images let through where 95 % of the test images are", False,
                 lambda known, novel: metrics.fpr_at_tpr(-novel, -known, tpr=0.95)),
}  # fmt: skip


def rows(results: Results, prediction: Prediction) -> list[Row]:
    """Every metric of every score on each OOD set, then the means over near and far sets."""
    return [
        row
        for score, values in prediction.novelty.items()
        for metric, (*_, function) in DETECTION.items()
        for row in by_set(results, metric, score, {name: float(function(values["test"], values[name])) for name in results.ood})
    ]


def by_set(results: Results, metric: str, score: str, of: dict[str, float]) -> list[Row]:
    """The values of the sets as rows, then their means over near and far sets."""
    means = {kind: float(np.mean([of[name] for name in results.ood_sets(kind)])) for kind in results.ood_kinds}
    return [(metric, name, score, value) for name, value in (of | means).items()]


def headline(results: Results) -> list[Column]:
    """The summary's columns: AUROC of the score that every student has."""
    meaning = "area under the ROC curve of predictive entropy, mean over the {} OOD sets"
    return [
        Column(f"auroc_{kind}", f"AUROC {kind}", meaning.format(kind), "auroc", kind, HEADLINE_SCORE, higher=True)
        for kind in results.ood_kinds
    ]


def table(study: Study) -> Table:
    """Every metric of every student and score on every set."""
    columns = [
        Column(metric, title, meaning, metric, None, None, higher=higher)
        for metric, (title, meaning, higher, _) in DETECTION.items()
    ]
    keys = {key: key for key in ("student", "kind", "set", "score")}
    titles = score_titles(study.results)
    return means_table(
        study.numbers,
        study.design,
        "novelty",
        "Novelty detection",
        columns,
        note=MARK_NOTE,
        keys=keys,
        titles=titles,
        folded=True,
    )
