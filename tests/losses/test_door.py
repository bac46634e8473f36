"""Losses that are imported from the package check labels and targets; those that training takes from LOSSES do not."""

import inspect

import pytest
import torch

from softcifar import losses
from softcifar.errors import UserError
from softcifar.losses import LOSSES, cross_entropy

LOGITS = torch.tensor([[2.0, 1.0, 0.0], [0.0, 0.5, 1.0]])
SOFT = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
LABELS = torch.tensor([0, 2])


def arguments(name, given):
    return (LOGITS, LOGITS, given) if name == "distillation" else (LOGITS, given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3 * SOFT, r"labels_or_targets: found a row that sums to 3; allowed: rows that sum to 1"),
        (SOFT - torch.tensor([0.5, -0.5, 0]), r"found a target of -0\.4; allowed: probabilities, 0 or more"),
        (SOFT * torch.nan, "found a target of nan"),
        (torch.tensor([0, 3]), r"labels_or_targets: found labels from 0 to 3; allowed: 0 to 2"),
        (torch.tensor([-1, 1]), "found labels from -1 to 1"),
    ],
)
@pytest.mark.parametrize("name", losses.CHECKED)
def test_what_is_no_label_and_no_distribution_is_refused(name, given, message):
    with pytest.raises(UserError, match=message):
        getattr(losses, name)(*arguments(name, given))


def test_all_losses_of_the_registry_are_checked():
    assert sorted(losses.CHECKED) == sorted([*LOSSES, "distillation"])


@pytest.mark.parametrize("name", losses.CHECKED)
@pytest.mark.parametrize("given", [LABELS, SOFT, SOFT.bfloat16()], ids=["labels", "targets", "bfloat16"])
def test_the_check_changes_no_value_and_no_signature(name, given):
    public, own = getattr(losses, name), getattr(losses, name).__wrapped__
    assert inspect.signature(public) == inspect.signature(own)
    assert public.__doc__ == own.__doc__
    assert own is LOSSES.get(name, own)
    assert torch.equal(public(*arguments(name, given)), own(*arguments(name, given)))


def test_training_takes_them_unchecked():
    """A check of every batch would wait for the GPU."""
    assert torch.isfinite(LOSSES["cross_entropy"](LOGITS, 3 * SOFT))
    assert cross_entropy is not LOSSES["cross_entropy"]
