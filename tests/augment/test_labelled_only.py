"""Images without a label give their places to labelled ones."""

import copy

import pytest
import torch
from scipy.stats import chisquare

from softcifar.augment import labelled_only
from softcifar.augment.labelled_only import NOTHING
from softcifar.augment.policy import augment
from softcifar.losses import LOSSES
from softcifar.params.chosen import Chosen
from tests.augment.helpers import generator


def numbered(size: int, labelled: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Image i is filled with i / size; labelled ones have soft targets of their own, the others zeros."""
    images = (torch.arange(size) / size).view(-1, 1, 1, 1).expand(-1, 3, 4, 4).contiguous()
    targets = torch.zeros(size, 5)
    targets[labelled] = torch.rand(len(labelled), 5, generator=generator(1)).softmax(1)
    return images, targets


def places(images: torch.Tensor) -> torch.Tensor:
    """Which image each one was."""
    return (images[:, 0, 0, 0] * len(images)).round().long()


def test_no_image_without_a_label_is_left_and_labelled_ones_stay():
    given = [3, 4, 9, 17]
    images, targets = numbered(40, given)
    weights = torch.rand(40, generator=generator(2)) + 0.5
    found, labels, counted = labelled_only(images, targets, generator(), weights=weights)
    now = places(found)
    assert set(now.tolist()) == set(given)
    assert torch.equal(now[given], torch.tensor(given))
    assert torch.equal(found, images[now])
    assert torch.equal(labels, targets[now])
    assert torch.equal(counted, weights[now])
    torch.testing.assert_close(labels.sum(1), torch.ones(40))


def test_a_batch_of_labelled_images_stays_as_it_is():
    images, targets = numbered(12, list(range(12)))
    found, labels, weights = labelled_only(images, targets, generator())
    assert torch.equal(found, images)
    assert torch.equal(labels, targets)
    assert torch.equal(weights, torch.ones(12))


def test_draws_are_even_over_the_labelled_images_and_with_replacement():
    given = [0, 7, 20, 39]
    images, targets = numbered(40, given)
    rest = [place for place in range(40) if place not in given]
    now = torch.cat([places(labelled_only(images, targets, generator(seed))[0])[rest] for seed in range(400)])
    times = torch.bincount(now, minlength=40)[given]
    assert times.sum() == 400 * 36
    assert chisquare(times.numpy()).pvalue > 0.001
    pairs = torch.stack([places(labelled_only(images, targets, generator(seed))[0])[[1, 2]] for seed in range(400)])
    assert 0.15 < (pairs[:, 0] == pairs[:, 1]).double().mean() < 0.35  # 1 in 4: each place draws for itself


def test_one_labelled_image_fills_the_batch():
    images, targets = numbered(8, [5])
    assert places(labelled_only(images, targets, generator())[0]).tolist() == [5] * 8


def test_the_generator_alone_decides():
    batch = numbered(40, [1, 2, 3])
    first, again, other = (labelled_only(*batch, generator(seed)) for seed in (3, 3, 4))
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize("more", [[], ["mixup"], ["soft_crop"], ["cutmix"]])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_batch_without_a_label_moves_nothing(loss, more):
    images, targets = numbered(16, [])
    steps = [Chosen(name=name) for name in ("labelled_only", *more)]
    found, labels, weights = augment(steps, images, targets, generator())
    torch.testing.assert_close(labels.sum(1), torch.ones(16))
    assert (weights > 0).all()  # steps that mix divide by them
    assert weights.max() <= NOTHING * 1.001
    layer = torch.nn.Linear(48, 5)
    before = copy.deepcopy(layer.state_dict())
    (weights * LOSSES[loss](layer(found.flatten(1)), labels, reduction="none")).mean().backward()
    torch.optim.SGD(layer.parameters(), lr=10.0).step()
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())


def test_what_follows_augments_every_copy_by_itself():
    images = torch.rand(32, 3, 32, 32, generator=generator())
    targets = torch.zeros(32, 5)
    targets[4, 1] = 1
    found, _, _ = augment([Chosen(name="labelled_only"), Chosen(name="crop_flip")], images, targets, generator())
    assert len(found.flatten(1).unique(dim=0)) > 20
