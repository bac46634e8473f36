"""Accuracy, calibration and uncertainty on corrupted, occluded and cropped images: rows, columns, curves."""

import numpy as np
import pandas as pd

from softcifar import metrics
from softcifar.report.core.columns import HEADLINE_SCORE, Column, proportion
from softcifar.report.core.kinds import score_titles
from softcifar.report.core.long_table import Row
from softcifar.report.core.predictions import Prediction, single
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.tables import MARK_NOTE, Table, means_table

SHIFT_METRICS = ("shift_accuracy", "shift_nll", "shift_ece", "shift_entropy", "shift_confidence")
OVER = "mean over all corruptions and severities"
ACCURACY = proportion("corrupted_accuracy", "Accuracy %", f"accuracy, {OVER}", "shift_accuracy", "corruptions")
COVERS = ("occlusion", "crop")  # shifts whose level is a share, not a severity


def rows(results: Results, prediction: Prediction) -> list[Row]:
    """Accuracy, NLL, ECE, mean entropy and confidence of one run under every shift, and their means over corruptions.

    Also how well entropy and each novelty score, as means over a condition's images, follow its error (Spearman's correlation).
    """
    of = single(results, prediction)
    if of is None or of[0].shifts is None:
        return []
    shifts, run = of[0].shifts, of[1]
    labels = results.part("test", prediction.split)["labels"][shifts.index]
    probs = [np.exp(each.astype(np.float64)) for each in shifts.log_probs[run]]
    probs = [each / each.sum(axis=1, keepdims=True) for each in probs]
    values = np.array(
        [
            (
                metrics.accuracy(each, labels),
                metrics.negative_log_likelihood(each, labels),
                metrics.expected_calibration_error(each, labels, bins=results.bins),
                metrics.entropy(each).mean(),
                each.max(axis=1).mean(),
            )
            for each in probs
        ]
    )
    names, levels = np.array(shifts.shift), shifts.level
    conditions = [(name, f"{level:g}", row) for name, level, row in zip(names, levels, values, strict=True)]
    corrupted = ~np.isin(names, ("none", *COVERS))
    chosen = [(name, "", names == name) for name in dict.fromkeys(names[corrupted])]
    chosen += [("corruptions", f"{level:g}", corrupted & (levels == level)) for level in np.unique(levels[corrupted])]
    chosen += [("corruptions", "", corrupted)] if corrupted.any() else []
    conditions += [(name, level, values[which].mean(axis=0)) for name, level, which in chosen]
    listed = [
        (metric, name, level, float(value))
        for name, level, row in conditions
        for metric, value in zip(SHIFT_METRICS, row, strict=True)
    ]
    uncertain = {HEADLINE_SCORE: values[:, 3]} | {name: each[run].mean(axis=1) for name, each in shifts.novelty.items()}
    if len(values) > 2:
        follows = {name: metrics.rank_correlation(each, 1 - values[:, 0]) for name, each in uncertain.items()}
        listed += [("shift_correlation", "shifts", name, value) for name, value in follows.items()]
    return listed


def corruptions(results: Results) -> list[str]:
    """Names of the corruptions that all students met, in the order of the evaluation."""
    met = [list(dict.fromkeys(each.shifts.shift)) if each.shifts else [] for each in results.students.values()]
    return [name for name in met[0] if name not in ("none", *COVERS) and all(name in others for others in met)]


def corruption(study: Study) -> Table:
    """Accuracy, NLL and ECE as means over corruptions and severities, then the accuracy per corruption."""
    columns = [
        ACCURACY,
        Column("corrupted_nll", "NLL", f"negative log-likelihood, nats, {OVER}", "shift_nll", "corruptions"),
        Column("corrupted_ece", "ECE", f"expected calibration error, {OVER}", "shift_ece", "corruptions"),
    ]
    for name in corruptions(study.results):
        meaning = f"accuracy under {name}, mean over severities"
        columns.append(proportion(name, f"{name.replace('_', ' ')} %", meaning, "shift_accuracy", name))
    return means_table(study.numbers, study.design, "corruption", "Corrupted images", columns, note=MARK_NOTE)


def uncertainty(study: Study) -> Table:
    """How well each novelty score follows the error from shift to shift."""
    titles = score_titles(study.results)
    names = [name for student in study.results.students.values() if student.shifts for name in student.shifts.novelty]
    meaning = "rank correlation of the mean {} with the error over all shifts and levels: 1 where it rises with every error"
    columns = [
        Column(f"follows_{name}", title, meaning.format(title), "shift_correlation", "shifts", name, higher=True, digits=2)
        for name in dict.fromkeys([HEADLINE_SCORE, *names])
        for title in [titles.get(name, name)]
    ]
    return means_table(
        study.numbers, study.design, "shift_uncertainty", "Does uncertainty follow the error?", columns, note=MARK_NOTE
    )


def curves(numbers: pd.DataFrame, metric: str, shift: str) -> pd.DataFrame:
    """A row per student, run and level of one shift, unshifted images first: student, seed, level, value.

    Level 0 stands for unshifted images, of a crop 1: all is visible.
    """
    runs = numbers[(numbers["kind"] == "run") & (numbers["metric"] == metric) & (numbers["score"] != "")]
    clean = runs[runs["set"] == "none"].assign(score="1" if shift == "crop" else "0")
    chosen = pd.concat([clean, runs[runs["set"] == shift]])
    chosen = chosen.assign(level=chosen["score"].astype(float))
    return chosen[["student", "seed", "level", "value"]].sort_values("level", kind="stable")
