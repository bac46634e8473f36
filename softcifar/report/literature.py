"""Published numbers, as data: what was trained, on what, how, and what came out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAHER_KULL = "Maher & Kull 2021"
LIENEN = "Lienen & Hüllermeier 2021"

# What every number of a study is subject to, besides the settings.
REMARKS = {
    MAHER_KULL: "published: epoch and hyper-parameters chosen on the test images",
    LIENEN: "published: train and test images merged and split anew",
}


@dataclass(frozen=True)
class Published:
    """One row of a published table.

    images, source and loss are names of softcifar's registries, network one of params.yaml. choose_by: the validation score
    that chose among tuned values, None where the study has one choice for all scores. scaled: after temperature scaling.
    numbers: accuracy, nll, ece and, of the shallow network that this one taught, shallow_accuracy and shallow_nll;
    accuracies as proportions. settings: the published ones, under the flattened keys of a student's options, and `runs`.
    """

    study: str
    images: str
    network: str
    source: str
    loss: str
    augment: tuple[str, ...]
    numbers: Mapping[str, float]
    choose_by: str | None = None
    scaled: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


def _maher_kull(images: str, network: str, epochs: int, rows: Mapping[str, Mapping[str, float]]) -> list[Published]:
    settings = {"epochs": epochs, "batch_size": 128, "lr": 0.1, "weight_decay": 1e-4, "nesterov": True}
    return [
        Published(MAHER_KULL, images, network, source, "cross_entropy", ("crop_flip",), numbers, settings=settings)
        for source, numbers in rows.items()
    ]


def _lienen(images: str, epochs: int, choose_by: str, rows: list[tuple[str, str, bool, float, float]]) -> list[Published]:
    """rows: label source, loss, after temperature scaling, accuracy, ECE."""
    settings = {"epochs": epochs, "batch_size": 64, "lr": 0.05, "nesterov": True, "runs": 10}
    return [
        Published(LIENEN, images, "mlp", source, loss, (), {"accuracy": accuracy, "ece": ece}, choose_by, scaled, settings)
        for source, loss, scaled, accuracy, ece in rows
    ]


def _numbers(accuracy: float, nll: float, ece: float, *shallow: float) -> dict[str, float]:
    return {"accuracy": accuracy, "nll": nll, "ece": ece} | dict(
        zip(("shallow_accuracy", "shallow_nll"), shallow, strict=bool(shallow))
    )


ILS = "adaptive_instance_based"

PUBLISHED = [
    *_maher_kull(
        "cifar10",
        "resnet18",
        200,
        {
            "hard": _numbers(0.8881, 0.362, 0.042, 0.8411, 0.972),
            "uniform": _numbers(0.8982, 0.317, 0.025, 0.8476, 0.951),
            ILS: _numbers(0.9065, 0.303, 0.014, 0.8561, 0.942),
        },
    ),
    *_maher_kull(
        "fashion_mnist",
        "densenet_bc_40_12",
        300,
        {
            "hard": _numbers(0.9268, 0.220, 0.026),
            "uniform": _numbers(0.9252, 0.223, 0.010),
            ILS: _numbers(0.9396, 0.203, 0.010),
        },
    ),
    *_maher_kull(
        "cifar100",
        "resnet34",  # the study calls it ResNet-50
        200,
        {
            "hard": _numbers(0.6212, 1.664, 0.159),
            "uniform": _numbers(0.6816, 1.325, 0.041),
            ILS: _numbers(0.6736, 1.350, 0.049),
        },
    ),
    *_lienen(
        "mnist",
        25,
        "accuracy",
        [
            ("hard", "cross_entropy", False, 0.985, 0.010),
            ("uniform", "cross_entropy", False, 0.988, 0.106),
            ("hard", "label_relaxation", False, 0.985, 0.007),
        ],
    ),
    *_lienen(
        "mnist",
        25,
        "ece",
        [
            ("hard", "cross_entropy", True, 0.983, 0.003),
            ("uniform", "cross_entropy", False, 0.987, 0.014),
            ("hard", "label_relaxation", False, 0.985, 0.003),
        ],
    ),
    *_lienen(
        "fashion_mnist",
        50,
        "accuracy",
        [
            ("hard", "cross_entropy", False, 0.912, 0.129),
            ("uniform", "cross_entropy", False, 0.915, 0.155),
            ("hard", "label_relaxation", False, 0.912, 0.059),
        ],
    ),
    *_lienen(
        "fashion_mnist",
        50,
        "ece",
        [
            ("hard", "cross_entropy", True, 0.908, 0.030),
            ("uniform", "cross_entropy", False, 0.915, 0.016),
            ("hard", "label_relaxation", False, 0.911, 0.015),
        ],
    ),
]

# The synthetic study of Maher & Kull 2021, by label source; "bayes" is the Bayes-optimal prediction.
SYNTHETIC = {
    "bayes": {"accuracy": 0.8198, "sparse_accuracy": 0.7814, "nll": 0.4444, "ece": 0.0067, "classwise_ece": 0.0234},
    "hard": {"accuracy": 0.7845, "sparse_accuracy": 0.6654, "nll": 0.5589, "ece": 0.0426, "classwise_ece": 0.0668},
    "uniform": {"accuracy": 0.7944, "sparse_accuracy": 0.7251, "nll": 0.5318, "ece": 0.0293, "classwise_ece": 0.0723},
    "adaptive_uniform": {"accuracy": 0.8018, "sparse_accuracy": 0.7493, "nll": 0.5041, "ece": 0.0235, "classwise_ece": 0.0495},
    "instance_based": {"accuracy": 0.7956, "sparse_accuracy": 0.7337, "nll": 0.5232, "ece": 0.0287, "classwise_ece": 0.0496},
    ILS: {"accuracy": 0.8013, "sparse_accuracy": 0.7497, "nll": 0.5089, "ece": 0.0269, "classwise_ece": 0.0449},
}
