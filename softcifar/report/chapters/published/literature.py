"""Published numbers, as data: what was trained, on what, how, and what came out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAHER_KULL = "Maher & Kull 2021"
LIENEN = "Lienen & Hüllermeier 2021"
LAING = "Laing, Soft CIFAR"
MUKHOTI = "Mukhoti et al. 2023"
LIU = "Liu et al. 2023"

# What every published number of a study is subject to, besides the settings.
REMARKS = {
    MAHER_KULL: "epoch and hyper-parameters chosen on the test images",
    LIENEN: "train and test images merged and split anew",
    LAING: (
        "soft models scored on soft labels, hard ones on hard labels, novel images not normalised, 3 to 5 runs, a "
        "test set per run; the study does not say which score its AUROC takes, ours takes entropy"
    ),
    LIU: "the best epoch on the test images; the last 21 of 501 epochs without augmentation for soft crops alone",
    MUKHOTI: "5 runs and, for the ensemble, as many members",
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
    protocol: str = "standard"
    method: str = "softmax"
    options: frozenset[str] = frozenset()
    ensemble: bool = False


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


def _laing(method: str, augment: tuple[str, ...], soft: tuple[float, ...], hard: tuple[float, ...]) -> list[Published]:
    """soft, hard: accuracy, AUROC, what they call ECE, accuracy lost to FGSM. Soft: people's votes; hard: their majority."""
    names = ("accuracy", "svhn_predictive_entropy", "true_class_ece", "fgsm_drop")
    lr = 0.05 if method in ("sngp", "duq") else 0.07
    settings = {"epochs": 250, "batch_size": 128, "lr": lr, "weight_decay": 5e-4, "runs": 5}
    options = {"mc_dropout": {"dropout"}, "sngp": {"spectral_norm"}}.get(method, ())
    return [
        Published(
            LAING,
            "cifar10",
            "resnet20",
            source,
            "cross_entropy",
            augment,
            dict(zip(names, numbers, strict=True)),
            settings=settings,
            protocol="cifar10h",
            method=method,
            options=frozenset(options),
        )
        for source, numbers in (("human", soft), ("majority", hard))
    ]


def _mukhoti(options: frozenset[str], numbers: Mapping[str, float], *, ensemble: bool = False) -> Published:
    settings = {"epochs": 350, "batch_size": 128, "lr": 0.1, "weight_decay": 5e-4, "runs": 5}
    augment = ("crop_flip",)
    return Published(
        MUKHOTI,
        "cifar10",
        "wrn28_10",
        "hard",
        "cross_entropy",
        augment,
        numbers,
        settings=settings,
        options=options,
        ensemble=ensemble,
    )


def _liu(augment: str, accuracy: float) -> Published:
    settings = {"epochs": 500, "batch_size": 128, "lr": 0.1, "weight_decay": 5e-4, "nesterov": True}
    numbers = {"accuracy": accuracy}
    return Published(LIU, "cifar100", "resnet18", "hard", "cross_entropy", (augment,), numbers, settings=settings)


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
    *_laing("softmax", ("soft_cifar",), (0.8292, 0.775, 0.0905, 0.352), (0.8137, 0.711, 0.0463, 0.441)),
    *_laing("softmax", ("soft_cifar", "mixup"), (0.8215, 0.785, 0.103, 0.356), (0.8165, 0.682, 0.070, 0.445)),
    *_laing("softmax", ("soft_cifar", "cutmix"), (0.8352, 0.748, 0.108, 0.389), (0.8268, 0.527, 0.082, 0.465)),
    *_laing("mc_dropout", (), (0.7819, 0.658, 0.111, 0.175), (0.7765, 0.588, 0.057, 0.203)),
    *_laing("mc_dropout", ("soft_cifar",), (0.8293, 0.785, 0.100, 0.152), (0.8240, 0.548, 0.070, 0.169)),
    *_laing("mc_dropout", ("soft_cifar", "mixup"), (0.8244, 0.734, 0.110, 0.141), (0.8218, 0.636, 0.088, 0.175)),
    *_laing("mc_dropout", ("soft_cifar", "cutmix"), (0.8338, 0.761, 0.117, 0.158), (0.8271, 0.558, 0.094, 0.173)),
    *_laing("duq", ("soft_cifar",), (0.8191, 0.797, 0.693, 0.422), (0.8165, 0.667, 0.692, 0.427)),
    *_laing("sngp", ("soft_cifar",), (0.8080, 0.844, 0.089, 0.356), (0.8067, 0.779, 0.047, 0.443)),
    _liu("crop_flip", 0.7920),
    _liu("soft_crop, hard", 0.7701),  # crops of up to 16 pixels
    _liu("soft_crop, target_and_weight", 0.8169),
    _mukhoti(
        frozenset(),
        {"accuracy": 0.9598, "ece": 0.0085, "svhn_predictive_entropy": 0.9444, "svhn_energy": 0.9456},
    ),
    _mukhoti(frozenset(), {"accuracy": 0.9659, "ece": 0.0076, "svhn_predictive_entropy": 0.9773}, ensemble=True),
    _mukhoti(frozenset({"spectral_norm", "mod"}), {"accuracy": 0.9597, "ece": 0.0085, "svhn_ddu": 0.9809}),
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
