"""How well each score separates the test images from novel ones, and who does it best."""

import numpy as np

from softcifar import metrics
from softcifar.report.core.columns import HEADLINE_SCORE, Column, Field
from softcifar.report.core.kinds import score_titles
from softcifar.report.core.long_table import Row
from softcifar.report.core.predictions import Prediction
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.tables import MARK_NOTE, Table, build, means_table

# metric -> title, meaning, is more better?, function of the scores of known (N,) and of novel images (M,)
DETECTION = {
    "auroc": ("AUROC", "area under the ROC curve", True, lambda known, novel: metrics.auroc(known, novel)),
    "aupr_in": ("AUPR in", "average precision, test images positive", True,
                lambda known, novel: metrics.average_precision(known, novel, positive="in")),
    "aupr_out": ("AUPR out", "average precision, OOD images positive", True,
                 lambda known, novel: metrics.average_precision(known, novel, positive="out")),
    "fpr95": ("FPR95", "share of test images flagged where 95 % of the OOD images are", False,
              lambda known, novel: metrics.fpr_at_tpr(known, novel, tpr=0.95)),
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


def best(study: Study) -> Table:
    """A row per OOD set: the student and score with the best mean AUROC of the single runs, and the best by entropy alone."""
    numbers = study.numbers
    runs = numbers[(numbers["metric"] == "auroc") & (numbers["kind"] == "run")]
    titles = score_titles(study.results)
    records = []
    for name in study.results.ood:
        of_set = runs[runs["set"] == name]
        means = of_set.groupby(["student", "score"], sort=False)["value"].mean()
        entropy = means.xs(HEADLINE_SCORE, level="score")
        picks = {"best": means.idxmax(), "entropy": (entropy.idxmax(), HEADLINE_SCORE)}
        record = {"set": name, "pairs": len(means)}
        for which, (student, score) in picks.items():
            values = of_set[(of_set["student"] == student) & (of_set["score"] == score)]["value"]
            mean, error = metrics.mean_and_standard_error(values)
            record |= {f"{which}_student": student, f"{which}_score": score, which: mean, f"{which}_se": error}
        records.append(record)
    fields = [
        Field("set", "OOD set"),
        Field("best_student", "Best student"),
        Field("best_score", "Score", text=lambda record: titles.get(record["best_score"], record["best_score"])),
        Field("best", "AUROC\u00a0↑", "of the student and the score", spread=True),
        Field("entropy_student", "Best by entropy", "the best student by predictive entropy, which all have"),
        Field("entropy", "AUROC\u00a0↑", "by entropy", spread=True),
    ]
    pairs = records[0]["pairs"] if records else 0
    note = (
        f"The best of {pairs} pairs of a student and a score on each set, by the mean over runs, and the best by predictive "
        "entropy alone. The largest of many means is flattered by chance; the novelty table has all."
    )
    return build("novelty_best", "Who notices novel images best", note, fields, records)
