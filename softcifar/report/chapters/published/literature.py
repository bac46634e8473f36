"""Published numbers, read from literature.yaml: what was trained, on what, how, and what came out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

MAHER_KULL = "Maher & Kull 2021"
LIENEN = "Lienen & Hüllermeier 2021"
LAING = "Laing, Soft CIFAR"
MUKHOTI = "Mukhoti et al. 2023"
LIU = "Liu et al. 2023"
XIA = "Xia et al. 2025"
TAO = "Tao et al. 2026"
BAHRI = "Bahri et al. 2021"
XU = "Xu et al. 2024"
COLLINS = "Collins et al. 2022"

# What every published number of a study is subject to, besides the settings.
REMARKS = {
    MAHER_KULL: "epoch and hyper-parameters chosen on the test images",
    LIENEN: "train and test images merged and split anew",
    LAING: (
        "soft models scored on soft labels, hard ones on hard labels, novel images not normalised, 3 to 5 runs, a "
        "test set per run; the study does not say which score its AUROC takes, ours takes entropy"
    ),
    LIU: "the best epoch on the test images; the last 21 of 501 epochs without crops for students of soft crops alone",
    MUKHOTI: "5 runs; five ensembles of five networks",
}


@dataclass(frozen=True)
class Published:
    """One row of a published table; literature.yaml says what its keys mean."""

    study: str
    images: str
    network: str
    source: str
    loss: str
    augment: list[str | dict[str, Any]]  # of the steps in their order: a name, or name and options
    numbers: Mapping[str, float]
    choose_by: str | None = None
    scaled: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    protocol: str = "standard"
    method: str = "softmax"
    options: list[str] = field(default_factory=list)  # of the network, that make it another one
    ensemble: bool = False


_DATA = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
PUBLISHED = [
    Published(**group["of"], **row, settings=group["settings"]) for group in _DATA["published"] for row in group["rows"]
]
ACTIVE_LEARNING: dict[str, Any] = _DATA["active_learning"]
OPENOOD: dict[str, Any] = _DATA["openood"]
SYNTHETIC: dict[str, dict[str, float]] = _DATA["synthetic"]  # by label source, and of the Bayes-optimal prediction
