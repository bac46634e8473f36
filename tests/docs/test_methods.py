"""docs/methods.md names everything that params.yaml can name."""

import re

import pytest

from softcifar.acquisition import ACQUISITIONS
from softcifar.attacks import ATTACKS
from softcifar.augment import AUGMENTATIONS
from softcifar.calibrators import CALIBRATORS
from softcifar.corruptions import CORRUPTIONS
from softcifar.data import DATA_SOURCES
from softcifar.labels import LABEL_SOURCES
from softcifar.losses import LOSSES
from softcifar.methods import METHODS
from softcifar.models import NETWORKS
from softcifar.params.options import schema
from softcifar.scores import SCORES
from tests.conftest import ROOT

SECTIONS = {section.split("\n", 1)[0]: section for section in (ROOT / "docs/methods.md").read_text().split("\n## ")[1:]}
REGISTRIES = {
    "Label sources": LABEL_SOURCES,
    "Losses": LOSSES,
    "Augmentation": AUGMENTATIONS,
    "Networks": NETWORKS,
    "Uncertainty methods": METHODS,
    "Novelty scores": SCORES,
    "Calibrators": CALIBRATORS,
    "Attacks": ATTACKS,
    "Corruptions": CORRUPTIONS,
    "Acquisition strategies": ACQUISITIONS,
    "Data": DATA_SOURCES,
}


@pytest.mark.parametrize(("section", "name"), [(section, name) for section, names in REGISTRIES.items() for name in names])
def test_a_name_stands_in_its_section(section, name):
    assert re.search(rf"`({name}|method: {name}|{name}<6n\+2>)`", SECTIONS[section])


@pytest.mark.parametrize("section", ["Label sources", "Losses", "Augmentation", "Attacks", "Acquisition strategies"])
def test_the_tables_give_every_option_with_its_default(section):
    for name, function in REGISTRIES[section].items():
        (row,) = (line for line in SECTIONS[section].splitlines() if line.startswith(f"| `{name}`"))
        options = row.split(" | ")[-1]
        for option, field in schema(function, given=("reduction", "weights", "generator", "turn")).model_fields.items():
            if isinstance(field.default, str):
                assert f"`{option}: {field.default}`" in options, (name, option)
            else:
                found = re.search(rf"`{option}`(?: \w =)? (\d*\.?\d+)", options)
                assert found, (name, option)
                assert float(found[1]) == field.default, (name, option)
