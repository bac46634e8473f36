"""The score that each method offers as its uncertainty: does it notice novel images, and if not, what happens there?"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from softcifar import metrics
from softcifar.report.core.columns import HEADLINE_SCORE, Field, plain
from softcifar.report.core.kinds import PLAIN, method, method_title, own_score, score_titles
from softcifar.report.core.predictions import Prediction, runs
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build

NOTE = (
    "A row per set for every student whose method is not plain softmax, and for the reference. AUROC: mean and standard error "
    "over runs; .5 is chance. Where the mean is not above .5, the last column says what these networks do on the set."
)


def table(study: Study) -> Table:
    """Rows (student, set); none where there are no novel images."""
    results, numbers, titles = study.results, study.numbers, score_titles(study.results)
    auroc = numbers[(numbers["metric"] == "auroc") & (numbers["kind"] == "run")]
    accuracy = pd.Series(study.mean("accuracy"))
    records = []
    for name in [name for name in results.students if method(results, name) != PLAIN or name == results.reference]:
        score = own_score(results, name)
        for ood in results.ood:
            of = auroc[(auroc["student"] == name) & (auroc["set"] == ood)]
            own, entropy = (of[of["score"] == each]["value"] for each in (score, HEADLINE_SCORE))
            mean, error = metrics.mean_and_standard_error(own)
            why = explanation(results, runs(study.predictions[name]), ood, score, accuracy) if mean <= 0.5 else ""
            record = {
                "student": name,
                "method": method(results, name),
                "fitted": fitted(results.students[name].about["fitted"]),
            }
            record |= {"score": score, "set": ood, "n": len(own)}
            records.append(record | {"auroc": mean, "auroc_se": error, "entropy_auroc": entropy.mean(), "explanation": why})
    fields = [
        Field("student", "Student"),
        Field("method", "Method", text=lambda record: method_title(record["method"])),
        Field("fitted", "Fitted", "by the method, after training: mean, lowest and highest over runs",
              text=lambda record: record["fitted"] or "–"),
        Field("score", "Its score", text=lambda record: titles.get(record["score"], record["score"])),
        Field("set", "OOD set"),
        Field("n", "n", "runs"),
        Field("auroc", "AUROC\u00a0↑", "of the method's own score", spread=True),
        Field("entropy_auroc", "by entropy\u00a0↑", "AUROC of predictive entropy"),
        Field("explanation", "Where it fails", "what the networks do on a set that their score does not notice",
              text=lambda record: record["explanation"] or "–"),
    ]  # fmt: skip
    return build("own_scores", "What each method offers as its uncertainty", NOTE, fields, records)


def fitted(numbers: Mapping[str, list[float]]) -> str:
    """What a method fitted after training, {name: a number per run}, in words; "" for nothing."""
    return "; ".join(
        f"{name} {_short(np.mean(values))} ({_short(min(values))} to {_short(max(values))})" for name, values in numbers.items()
    )


def own_titles(study: Study) -> list[tuple[str, str]]:
    """(method, what its score is called) of every method of the study that offers one of its own."""
    results, titles = study.results, score_titles(study.results)
    own = {method(results, name): own_score(results, name) for name in results.students if method(results, name) != PLAIN}
    return [
        (method_title(name), titles.get(score, score).split(" (")[0]) for name, score in own.items() if score != HEADLINE_SCORE
    ]


def explanation(results: Results, predictions: list[Prediction], ood: str, score: str, accuracy: pd.Series) -> str:
    """What the networks of these runs do on the set, against the test images, in words; computed, means over runs."""
    student = predictions[0].student
    logits = results.students[student].logits
    there = [metrics.predictive(logits[f"ood_{ood}"][run]) for run in range(len(predictions))]
    sure = [np.mean([each.max(axis=1).mean() for each in probs]) for probs in (there, [run.probs for run in predictions])]
    guesses = [np.bincount(probs.argmax(axis=1), minlength=probs.shape[1]) / len(probs) for probs in there]
    share = np.mean([counts.max() for counts in guesses])
    values = [np.mean([np.median(run.novelty[score][name]) for run in predictions]) for name in (ood, "test")]
    parts = [
        f"median score {_short(values[0])} there, {_short(values[1])} on test images",
        f"{100 * share:.0f} % of the images go to one class",
        f"confidence {plain(sure[0], 2)}, on test images {plain(sure[1], 2)}",
    ]
    behind = 100 * (accuracy[results.reference] - accuracy[student])
    if behind > 5:
        parts.append(f"{behind:.0f} points less accurate than {results.reference}, so perhaps not trained to the end")
    return "; ".join(parts)


def _short(value: float) -> str:
    return f"{value:.2g}".replace("-", "−")
