"""When should a network refuse? Errors among the answers that are left where doubtful images are refused, by every score."""

import math

import numpy as np

from softcifar import metrics
from softcifar.metrics.selective import augrc, aurc, coverage_at_risk
from softcifar.report.core.columns import Column, proportion
from softcifar.report.core.kinds import NORMALISED, score_titles
from softcifar.report.core.long_table import Row
from softcifar.report.core.predictions import Prediction, samples
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.tables import MARK_NOTE, Table, means_table
from softcifar.scores.normalised_max_logit import fit_order, normalised_max_logit

USUAL = "max_probability"  # the score that everybody has at hand
RISK = 0.05


def _error_auroc(scores: np.ndarray, wrong: np.ndarray) -> float:
    return metrics.auroc(scores[~wrong], scores[wrong]) if 0 < wrong.sum() < len(wrong) else math.nan


# metric -> title, meaning, is more better?, per cent?, function of the scores (N,) and whether answers are wrong (N,)
SELECTIVE = {
    "coverage5": ("Answers at 5 % risk, %", "largest share of test images that it can answer with at most 5 % of these answers "
                  "wrong, by the threshold that suits the test images best", True, True,
                  lambda scores, wrong: coverage_at_risk(scores, wrong, risk=RISK)),
    "aurc": ("AURC", "area under the risk-coverage curve: mean share of wrong answers over all shares that are answered", False,
             False, aurc),
    "augrc": ("AUGRC", "the same of the share of all images that are answered and wrong: the mean risk of an undetected error",
              False, False, augrc),
    "error_auroc": ("AUROC of errors", "chance that a wrong answer has a higher score than a right one: the ranking alone, "
                    "whatever the accuracy", True, False, _error_auroc),
}  # fmt: skip


def normalised(results: Results, prediction: Prediction, order: float | None) -> np.ndarray:
    """The normalised logits of the test images as a score, (N,); order: of the norm, None for max probability."""
    return normalised_max_logit(_logits(results, prediction, "test"), order=order)


def wrong(results: Results, prediction: Prediction) -> np.ndarray:
    """Which test images the prediction is wrong about, bool (N,)."""
    return prediction.probs.argmax(axis=1) != results.part("test", prediction.split)["labels"]


def _logits(results: Results, prediction: Prediction, part: str) -> np.ndarray:
    return samples(results.students[prediction.student], part, prediction.runs)


def rows(results: Results, prediction: Prediction) -> list[Row]:
    """Every metric of every score, and the chosen norm, NaN where max probability stands in its place."""
    missed, validation = wrong(results, prediction), results.part("validation", prediction.split)["labels"]
    order = fit_order(_logits(results, prediction, "validation"), validation)
    scores = {score: values["test"] for score, values in prediction.novelty.items()}
    scores[NORMALISED] = normalised(results, prediction, order)
    found = [
        (metric, "test", score, function(values, missed))
        for score, values in scores.items()
        for metric, (*_, function) in SELECTIVE.items()
    ]
    return [*found, ("norm_order", "test", NORMALISED, math.nan if order is None else float(order))]


def column(metric: str, score: str | None, key: str = "", title: str = "") -> Column:
    """A column of one score, or of the score that the table's rows name."""
    words, meaning, higher, percent, _ = SELECTIVE[metric]
    key, title = key or metric, title or words
    if percent:
        return proportion(key, title, meaning, metric, "test", score)
    return Column(key, title, meaning, metric, "test", score, higher=higher)


def table(study: Study) -> Table:
    """By the score that everybody has, and by normalised logits."""
    columns = [column(metric, USUAL) for metric in SELECTIVE]
    columns += [
        column("coverage5", NORMALISED, "coverage5_normalised", "Answers normalised, %"),
        column("aurc", NORMALISED, "aurc_normalised", "AURC normalised"),
        Column("norm_order", "p", "norm that validation chose for the logits, mean over the networks of which one orders the "
               "validation images better than max probability; of others normalised is max probability", "norm_order", "test",
               NORMALISED,
               higher=None, digits=1),
    ]  # fmt: skip
    note = (
        "How many images can a student answer if at most one answer in twenty may be wrong? Images are refused by max "
        f"probability, in the columns called normalised by the largest logit over the p-norm of all centred logits. {MARK_NOTE}"
    )
    return means_table(study.numbers, study.design, "selective", "When should it refuse?", columns, note=note)


def by_score(study: Study) -> Table:
    """Every score of every student's single networks."""
    columns = [column(metric, None) for metric in SELECTIVE]
    keys = {key: key for key in ("student", "score")}
    numbers = study.numbers[study.numbers["kind"] == "run"]
    titles, title = score_titles(study.results), "Refusing by every score"
    return means_table(
        numbers, study.design, "selective_scores", title, columns, note=MARK_NOTE, keys=keys, titles=titles, folded=True
    )


def answer(study: Study) -> str:
    """Who can answer most, and by which score, in words."""
    titles, found = score_titles(study.results), {}
    for score in dict.fromkeys(study.numbers.loc[study.numbers["metric"] == "coverage5", "score"]):
        for name, share in study.mean("coverage5", "test", score).items():
            found[name, score] = share
    usual = {name: share for (name, score), share in found.items() if score == USUAL}
    first, last = max(usual, key=usual.get), min(usual, key=usual.get)
    best, score = max(found, key=found.get)
    sentence = (
        "Means over runs: with at most 5 % of the answers wrong, by the threshold that suits the test images best, refusing by "
        f"max probability, {first} can answer most, "
        f"{100 * usual[first]:.0f} % of the test images, {last} fewest, {100 * usual[last]:.0f} %"
    )
    if score != USUAL and found[best, score] > usual[first]:
        sentence += f"; by any score, {best} by {titles.get(score, score)}, {100 * found[best, score]:.0f} %"
    better = sum(found[name, NORMALISED] > usual[name] for name in usual)
    by = f"By normalised logits {better} of {len(usual)} students can answer more than by max probability"
    return f"{sentence}. {by}, each by such a threshold."
