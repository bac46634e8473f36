"""Teachers compared: what each says of the training images, and how much of it is about the single image."""

import numpy as np

from softcifar import metrics
from softcifar.report.core.columns import WHOSE, Field
from softcifar.report.core.results import TeacherScores
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build

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


def table(study: Study) -> Table:
    """A row per teacher; columns against people and the exact distribution where the training images have them."""
    results = study.results
    labels, known = results.splits["train"]["labels"], results.targets("train")
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
    fields = [
        Field("teacher", "Teacher"),
        Field("way", "Way", "did the networks see the images that they label?"),
        Field("images", "Images", "training images labelled", text=lambda record: f"{record['images']:,}"),
        Field("accuracy", "Accuracy %", "on these images, against the data set's labels", 1, 100),
        Field("temperature", "T", "temperature fitted on images that the teacher did not see", 2),
        Field("label_probability", "Label's probability", "mean probability of the data set's label"),
        Field("entropy", "Entropy", "mean entropy of the predictions, nats"),
        Field("instance_information", "Instance information",
              "mean KL of an image's prediction from its class's mean prediction, nats"),
        Field("instance_information_scaled", "Instance information scaled", "the same after temperature scaling"),
    ]  # fmt: skip
    for source in known:
        title, whose = source.capitalize(), WHOSE[source]
        correlation = f"Spearman correlation of the teacher's entropies with those of {whose}"
        fields += [
            Field(f"{source}_kl", f"{title} KL\u00a0↓", f"KL({whose} || teacher), nats"),
            Field(f"{source}_kl_scaled", f"{title} KL scaled\u00a0↓", "the same after temperature scaling"),
            Field(f"{source}_entropy_rank_correlation", f"{title} rank corr.\u00a0↑", correlation),
        ]
    return build("teachers", "Teachers", NOTE, fields, records)
