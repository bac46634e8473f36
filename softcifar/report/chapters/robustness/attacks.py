"""Accuracy under every attack: rows, columns, curves."""

import numpy as np
import pandas as pd

from softcifar import metrics
from softcifar.report.core.columns import Column, proportion
from softcifar.report.core.long_table import Row
from softcifar.report.core.predictions import Prediction, single
from softcifar.report.core.results import Results, StudentScores
from softcifar.report.core.study import Study
from softcifar.report.core.tables import MARK_NOTE, Table, means_table

TITLES = {"fgsm": "FGSM", "pgd": "PGD", "apgd": "APGD", "random_search": "random search"}


def strength(eps: float) -> str:
    """How a table names an attack's strength: 2.0 -> "2/255"."""
    return f"{float(eps):g}/255"


def title(attack: str) -> str:
    """How an attack is called: "FGSM", "transfer from hard"."""
    return TITLES.get(attack) or f"transfer from {attack.removeprefix('transfer_')}"


def black_boxes(student: StudentScores) -> list[str]:
    """The attacks that did not use the student's gradients."""
    return [name for name in student.attacks if name == "random_search" or name.startswith("transfer_")]


def rows(results: Results, prediction: Prediction) -> list[Row]:
    """Accuracy of one run on the attacked test images, per attack and strength (the first is 0: no attack).

    The attack was made on this run's own gradients, so there is no such number for the ensemble. On the surrogate itself,
    the first run of each split, its images are not transferred, so there is none either.
    """
    of = single(results, prediction)
    if of is None:
        return []
    (student, run), labels = of, results.part("test", prediction.split)["labels"]
    return [
        (f"{name}_accuracy", "test", strength(eps), metrics.accuracy(np.exp(log_probs), labels[attack.index]))
        for name, attack in student.attacks.items()
        if not (name == f"transfer_{student.name}" and run < len(results.splits))
        for eps, log_probs in zip(attack.eps, attack.log_probs[run], strict=True)
    ]


def middle_strength(results: Results) -> float | None:
    """The middle one of FGSM's strengths above 0 that every student met; None where there is none."""
    met = [
        {float(eps) for eps in each.attacks["fgsm"].eps if eps > 0}
        for each in results.students.values()
        if "fgsm" in each.attacks
    ]
    common = set.intersection(*met) if len(met) == len(results.students) else set()
    return sorted(common)[len(common) // 2] if common else None


def fgsm_column(eps: float) -> Column:
    meaning = f"accuracy under FGSM at {strength(eps)} of the pixel range"
    return proportion(f"fgsm_{eps:g}", f"FGSM {strength(eps)} %", meaning, "fgsm_accuracy", score=strength(eps))


def table(study: Study) -> Table:
    """Accuracy under every attack, a column per strength above 0; without an attack for FGSM's images alone."""
    students = study.results.students.values()
    met = {(name, float(eps)) for student in students for name, attack in student.attacks.items() for eps in attack.eps}
    order = [*TITLES, *sorted({name for name, _ in met} - TITLES.keys())]
    columns = []
    for name, eps in sorted(met, key=lambda each: (order.index(each[0]), each[1])):
        if name == "fgsm":
            columns.append(fgsm_column(eps))
        elif eps > 0:
            heading, meaning = f"{title(name)} {strength(eps)} %", f"accuracy under {title(name)} at {strength(eps)}"
            meaning += " of the pixel range"
            columns.append(proportion(f"{name}_{eps:g}", heading, meaning, f"{name}_accuracy", score=strength(eps)))
    return means_table(study.numbers, study.design, "adversarial", "Accuracy under attack", columns, note=MARK_NOTE)


def fgsm(study: Study) -> pd.DataFrame:
    """A row per student, run and strength: accuracy on the images that FGSM attacked."""
    chosen = study.numbers[study.numbers["metric"] == "fgsm_accuracy"].rename(
        columns={"score": "strength", "value": "accuracy"}
    )
    chosen = chosen.assign(eps_255=chosen["strength"].str.removesuffix("/255").astype(float))
    return chosen[["student", "seed", "eps_255", "strength", "accuracy"]]


def curves(results: Results) -> pd.DataFrame:
    """A row per student, run, attack and strength, all on the images that every attack met: eps_255, accuracy."""
    rows = []
    for name, student in results.students.items():
        if not student.attacks:
            continue
        common = set.intersection(*(set(attack.index.tolist()) for attack in student.attacks.values()))
        for attack, attacked in student.attacks.items():
            kept = np.isin(attacked.index, list(common))
            labels = results.labels_of_runs(len(student.seeds), attacked.index[kept])[:, None]
            right = (attacked.log_probs[:, :, kept].argmax(axis=-1) == labels).mean(axis=-1)
            for run, seed in enumerate(student.seeds):
                if not (attack == f"transfer_{name}" and run < len(results.splits)):
                    rows += [(name, seed, attack, eps, value) for eps, value in zip(attacked.eps, right[run], strict=True)]
    return pd.DataFrame(rows, columns=["student", "seed", "attack", "eps_255", "accuracy"])
