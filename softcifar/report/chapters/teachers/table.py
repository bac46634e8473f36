"""Teachers compared: what each says of the training images, and how much of it is about the single image."""

import itertools

import numpy as np
import pandas as pd

from softcifar import metrics
from softcifar.report.core.columns import WHOSE, Field, plain
from softcifar.report.core.results import Results, TeacherScores
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build

NOTE = (
    "An in-sample teacher (one fold) predicts images that it was trained on; a cross-fitted one predicts each image with a "
    "network that did not see it, in as many steps. Instance information: how far the predictions for images of one class "
    "differ, as the mean KL divergence from the class's mean prediction; it counts noise too, so read it beside the distance "
    "to people. Scaled: logits divided by T, which was fitted on images that the teacher did not see."
)


def label_probability(teacher: TeacherScores, labels: np.ndarray) -> np.ndarray:
    """The teacher's probability of each training image's label; float64 (N,)."""
    return metrics.predictive(teacher.logits[None])[np.arange(len(labels)), labels]


def way(teacher: TeacherScores) -> str:
    return "in-sample" if teacher.folds == 1 else f"cross-fitted, {teacher.folds} folds"


def _numbers(results: Results, teacher: TeacherScores, split: int) -> dict[str, float]:
    labels = results.part("train", split)["labels"]
    probs = metrics.predictive(teacher.logits[None])
    scaled = metrics.predictive(teacher.logits[None], teacher.temperature)
    numbers = {
        "accuracy": metrics.accuracy(probs, labels),
        "temperature": teacher.temperature,
        "label_probability": float(label_probability(teacher, labels).mean()),
        "entropy": float(metrics.entropy(probs).mean()),
        "instance_information": metrics.instance_information(probs, labels),
        "instance_information_scaled": metrics.instance_information(scaled, labels),
    }
    for source, targets in results.targets("train", split).items():
        numbers[f"{source}_kl"] = metrics.kl_divergence(targets, probs)
        numbers[f"{source}_kl_scaled"] = metrics.kl_divergence(targets, scaled)
        numbers[f"{source}_entropy_rank_correlation"] = metrics.entropy_rank_correlation(probs, targets)
    return numbers


def comparisons(study: Study, table: Table) -> list[str]:
    """A sentence per known distribution and pair of teachers that differ in their folds alone: which lies nearer to it."""
    teachers, frame = study.results.params["teachers"], table.frame.set_index("teacher")
    alike = [
        (inside, crossed)
        for inside, crossed in itertools.permutations(teachers, 2)
        if teachers[inside]["folds"] == 1 < teachers[crossed]["folds"]
        and {**teachers[inside], "folds": 0} == {**teachers[crossed], "folds": 0}
    ]
    return [
        _nearer(WHOSE[source], frame.loc[[inside, crossed], [f"{source}_kl", f"{source}_kl_scaled"]])
        for source in study.results.targets("train")
        for inside, crossed in alike
    ]


def _nearer(whose: str, distances: pd.DataFrame) -> str:
    """distances: of an in-sample and a cross-fitted teacher (rows, by name), KL as it is and after temperature scaling."""
    ways = dict(zip(distances.index, ("in-sample", "cross-fitted"), strict=True))
    as_it_is, scaled = distances.columns
    near, far = distances[as_it_is].sort_values().index
    still = distances.loc[near, scaled] <= distances.loc[far, scaled]
    by_column = [f"{plain(distances.loc[near, each])} against {plain(distances.loc[far, each])}" for each in distances]
    return (
        f"{near} ({ways[near]}) lies nearer to {whose} than {far} ({ways[far]}), KL {by_column[0]} nats, "
        f"{'also' if still else 'but not'} after temperature scaling, {by_column[1]}"
    )


def table(study: Study) -> Table:
    """A row per teacher, means over splits; columns against people and the exact distribution where the images have them."""
    results = study.results
    known, records = results.targets("train"), []
    for name, teachers in results.teachers.items():
        of_splits = [_numbers(results, teacher, split) for split, teacher in enumerate(teachers)]
        means = {key: float(np.mean([each[key] for each in of_splits])) for key in of_splits[0]}
        images = len(results.part("train")["labels"])
        records.append({"teacher": name, "way": way(teachers[0]), "images": images, **means})
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
