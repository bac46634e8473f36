"""Results files with the keys of the DDU study's own (Mukhoti et al. 2023), one per student, kind of model and novel set.

{"mean", "std" (standard error), "values" (one per run), "info"}, the first three with accuracy, ece, t_ece and
{,t_}{m1,m2}_{auroc,auprc}; t_: after temperature scaling. As in the study m1 and m2 are
    softmax    energy and predictive entropy
    gmm        feature density (which temperature does not change) and predictive entropy
    ensemble   mutual information and predictive entropy, of each ensemble of runs
The study's files take test images as the positive side of some AUPRs and novel ones of others; here *_auprc always has the
novel images positive, and *_auprc_in the test images. Its gmm files have the entropy of the density's classes as m2, ours
that of the prediction, as the paper uses it.
"""

from pathlib import Path
from typing import Any

import numpy as np

from softcifar import metrics
from softcifar.files import write_json
from softcifar.report.core.predictions import Prediction, samples
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.scores import LOGIT_SCORES

MODELS = {  # m1, m2
    "softmax": ("energy", "predictive_entropy"),
    "gmm": ("ddu", "predictive_entropy"),
    "ensemble": ("mutual_information", "predictive_entropy"),
}
DETECTION = {"auroc": "auroc", "auprc": "aupr_out", "auprc_in": "aupr_in"}  # key -> metric of the long table
SHRINKAGE = "oracle approximating shrinkage, per class"


def write(folder: Path, study: Study) -> None:
    """Write <student>_<softmax | gmm | ensemble>_<set>.json; no file for an ensemble of one run, nor for a density that a
    student with labels of a share of the images has not."""
    keys = ["student", "kind", "seed", "metric", "set", "score"]
    known = study.numbers.set_index(keys)["value"].to_dict()
    for student, predictions in study.predictions.items():
        for kind, models in (("run", ("softmax", "gmm")), ("ensemble", ("ensemble",))):
            members = [each for each in predictions if each.kind == kind]
            for ood in study.results.ood if members else ():
                rows = [_values(study.results, each, ood, known) for each in members]
                for model in models:
                    if not set(MODELS[model]) <= rows[0].keys():
                        continue
                    content = _summary([_named(row, MODELS[model]) for row in rows])
                    content["info"] = _info(study.results, members, model, ood)
                    write_json(folder / f"{student}_{model}_{ood}.json", content)


def _values(results: Results, prediction: Prediction, ood: str, known: dict[tuple, float]) -> dict[str, dict[str, float]]:
    """{"": accuracy, ece, t_ece; score: auroc, auprc, auprc_in and the same after temperature scaling, t_...}."""

    def of(metric: str, place: str, score: str = "") -> float:
        return known[prediction.student, prediction.kind, prediction.seed, metric, place, score]

    named = {"": {"accuracy": of("accuracy", "test"), "ece": of("ece", "test"), "t_ece": of("ece_scaled", "test")}}
    wanted = {
        score
        for model, scores in MODELS.items()
        if (model == "ensemble") == (prediction.kind == "ensemble")
        for score in scores
        if score in prediction.novelty
    }
    for score in sorted(wanted):
        values = {key: of(metric, ood, score) for key, metric in DETECTION.items()}
        named[score] = values | {f"t_{key}": value for key, value in values.items()}
        if score in LOGIT_SCORES:  # a density does not depend on the temperature
            scaled = _scaled_scores(results, prediction, score, ood)
            named[score] |= {
                "t_auroc": metrics.auroc(*scaled),
                "t_auprc": metrics.average_precision(*scaled, positive="out"),
                "t_auprc_in": metrics.average_precision(*scaled, positive="in"),
            }
    return named


def _named(values: dict[str, dict[str, float]], scores: tuple[str, str]) -> dict[str, float]:
    """The same under the published keys: the first score is m1, the second m2."""
    named = dict(values[""])
    for which, score in zip(("m1", "m2"), scores, strict=True):
        for key, value in values[score].items():
            prefix = "t_" if key.startswith("t_") else ""
            named[f"{prefix}{which}_{key.removeprefix('t_')}"] = value
    return named


def _scaled_scores(results: Results, prediction: Prediction, score: str, ood: str) -> list[np.ndarray]:
    """The score of the test and of the novel images from logits / T."""
    student = results.students[prediction.student]
    logits = [samples(student, name, prediction.runs) for name in ("test", f"ood_{ood}")]
    return [LOGIT_SCORES[score](each / prediction.temperature) for each in logits]


def _summary(rows: list[dict[str, float]]) -> dict[str, dict[str, Any]]:
    values = {key: [float(row[key]) for row in rows] for key in rows[0]}
    spread = {key: metrics.mean_and_standard_error(each) for key, each in values.items()}
    error = {key: None if np.isnan(error) else float(error) for key, (_, error) in spread.items()}
    return {"mean": {key: float(mean) for key, (mean, _) in spread.items()}, "std": error, "values": values}


def _info(results: Results, members: list[Prediction], model: str, ood: str) -> dict[str, Any]:
    student = results.students[members[0].student]
    return {
        "model_type": model,
        "m1": MODELS[model][0],
        "m2": MODELS[model][1],
        "positive": "novel images; *_auprc_in: test images",
        "dataset": results.params["data"]["images"],
        "ood_dataset": ood,
        "runs": len(members),
        "ensemble": len(student.seeds[members[0].runs]),
        "seed": [results.params["seeds"]["init"] + run for run in student.seeds],
        "temperature": [each.temperature for each in members],
        "shrinkage": SHRINKAGE if model == "gmm" else None,
        "bins": results.bins,
        "params": dict(student.options),
    }
