"""Teachers compared: what each says of the training images, and how much of it is about the single image."""

import numpy as np
import pandas as pd

from softcifar import metrics
from softcifar.report.columns import WHOSE, plain
from softcifar.report.scores import Results, TeacherScores
from softcifar.report.tables import Cell, Table

NOTE = (
    "An in-sample teacher (one fold) predicts images that it was trained on; a cross-fitted one predicts each image with a "
    "network that did not see it. Instance information: how far the predictions for images of one class differ, as the mean "
    "KL divergence from the class's mean prediction; it counts noise too, so read it beside the distance to people. Scaled: "
    "logits divided by T, which was fitted on images that the teacher did not see."
)


def label_probability(teacher: TeacherScores, labels: np.ndarray) -> np.ndarray:
    """The teacher's probability of each training image's label; float64 (N,)."""
    return metrics.predictive(teacher.logits[None])[np.arange(len(labels)), labels]


def way(teacher: TeacherScores) -> str:
    return "in-sample" if teacher.folds == 1 else f"cross-fitted, {teacher.folds} folds"


def table(results: Results) -> Table:
    """A row per teacher; columns against people and the exact distribution where the training images have them."""
    labels = results.splits["train"]["labels"]
    known = results.targets("train")
    records = []
    for name, teacher in results.teachers.items():
        probs = metrics.predictive(teacher.logits[None])
        scaled = metrics.predictive(teacher.logits[None], teacher.temperature)
        record = {
            "teacher": name,
            "way": way(teacher),
            "images": len(labels),
            "accuracy": metrics.accuracy(probs, labels),
            "temperature": teacher.temperature,
            "label_probability": float(label_probability(teacher, labels).mean()),
            "entropy": float(metrics.entropy(probs).mean()),
            "instance_information": metrics.instance_information(probs, labels),
            "instance_information_scaled": metrics.instance_information(scaled, labels),
        }
        for source, targets in known.items():
            record[f"{source}_kl"] = metrics.kl_divergence(targets, probs)
            record[f"{source}_kl_scaled"] = metrics.kl_divergence(targets, scaled)
            record[f"{source}_entropy_rank_correlation"] = metrics.entropy_rank_correlation(probs, targets)
        records.append(record)
    header = [
        ("Teacher", ""),
        ("Way", "did the networks see the images that they label?"),
        ("Images", "training images labelled"),
        ("Accuracy %", "on these images, against the data set's labels"),
        ("T", "temperature fitted on images that the teacher did not see"),
        ("Label's probability", "mean probability of the data set's label"),
        ("Entropy", "mean entropy of the predictions, nats"),
        ("Instance information", "mean KL of an image's prediction from its class's mean prediction, nats"),
        ("Instance information scaled", "the same after temperature scaling"),
    ]
    for source in known:
        title = source.capitalize()
        header += [
            (f"{title} KL\u00a0↓", f"KL({WHOSE[source]} || teacher), nats"),
            (f"{title} KL scaled\u00a0↓", "the same after temperature scaling"),
            (f"{title} rank corr.\u00a0↑", f"Spearman correlation of the teacher's entropies with those of {WHOSE[source]}"),
        ]
    rows = [[_cell(name, value) for name, value in record.items()] for record in records]
    return Table("teachers", "Teachers", NOTE, header, rows, pd.DataFrame(records))


def _cell(name: str, value: str | float) -> Cell:
    if isinstance(value, str):
        return Cell(value, value)
    if name == "images":
        return Cell(f"{value:,}", value)
    if np.isnan(value):
        return Cell("–", None)
    if name == "accuracy":
        return Cell(plain(100 * value, 1), value)
    return Cell(plain(value, 2 if name == "temperature" else 3), value)
