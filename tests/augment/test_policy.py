"""All augmentations alike: ranges, sums, shapes, draws; and several of them one after the other."""

import inspect

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from softcifar.augment import AUGMENTATIONS
from softcifar.augment.policy import augment
from softcifar.errors import UserError
from softcifar.params.chosen import Chosen
from tests.augment.helpers import batch, generator

COLOUR_ONLY = {"soft_cifar"}
UNLABELLED = "labelled_only"  # draws nothing for a batch whose images are all labelled


def drawn_for(name: str, size: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch that the step changes."""
    images, targets = batch(size)
    if name == UNLABELLED:
        targets[::2] = 0
    return images, targets


def steps(*names: str | tuple[str, dict]) -> list[Chosen]:
    return [Chosen(name=name) if isinstance(name, str) else Chosen(name=name[0], options=name[1]) for name in names]


@pytest.mark.parametrize("name", AUGMENTATIONS)
class TestEveryAugmentation:
    @settings(max_examples=8, deadline=None)
    @given(seed=st.integers(0, 2**40), size=st.integers(1, 9), sides=st.tuples(st.integers(3, 33), st.integers(3, 33)),
           grey=st.booleans(), soft=st.booleans())  # fmt: skip
    def test_what_comes_out_is_images_distributions_and_weights(self, name, seed, size, sides, grey, soft):
        channels = 1 if grey and name not in COLOUR_ONLY else 3
        images = torch.rand(size, channels, *sides, generator=generator(seed))
        targets = torch.rand(size, 5, generator=generator(seed)).softmax(1) if soft else torch.eye(5)[torch.arange(size) % 5]
        found, labels, weights = augment(steps(name), images, targets, generator(seed))
        assert found.shape == images.shape
        assert found.dtype == images.dtype
        assert found.min() >= -1e-6
        assert found.max() <= 1 + 1e-6
        assert labels.shape == targets.shape
        assert labels.min() >= 0
        torch.testing.assert_close(labels.sum(1), torch.ones(size))
        assert weights.shape == (size,)
        assert weights.min() > 0
        assert weights.max() <= 1 + 1e-6

    def test_the_generator_alone_decides(self, name):
        first = augment(steps(name), *drawn_for(name), generator(3))
        state = torch.get_rng_state()
        torch.rand(7)
        again = augment(steps(name), *drawn_for(name), generator(3))
        other = augment(steps(name), *drawn_for(name), generator(4))
        assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
        assert not torch.equal(first[0], other[0])
        torch.set_rng_state(state)
        augment(steps(name), *batch(), generator(3))
        assert torch.equal(torch.get_rng_state(), state)  # the global generator is not touched

    def test_inputs_are_left_as_they_were(self, name):
        images, targets = drawn_for(name)
        augment(steps(name), images, targets, generator())
        assert torch.equal(images, drawn_for(name)[0])
        assert torch.equal(targets, drawn_for(name)[1])

    def test_every_image_has_its_own_draw(self, name):
        """The same image again and again: the results differ among themselves. (Mixing needs different partners.)"""
        images, targets = batch(1)
        images, targets = images.repeat(32, 1, 1, 1), targets.repeat(32, 1)
        if name in ("mixup", "cutmix"):
            images[16:] = 1 - images[16:]
        if name == UNLABELLED:
            images, targets = drawn_for(name, 32)
        found = augment(steps(name), images, targets, generator())[0]
        assert len(found.flatten(1).unique(dim=0)) > 5


def test_no_step_leaves_everything_as_it_is():
    images, targets = batch(5)
    found = augment([], images, targets, generator())
    assert torch.equal(found[0], images)
    assert torch.equal(found[1], targets)
    assert torch.equal(found[2], torch.ones(5))


def test_steps_follow_one_another_in_their_order():
    """Soft crop after MixUp blends the mixture with uniform; the weights of two steps multiply."""
    images, targets = batch(200)
    policy = steps("randaugment", "soft_crop", ("mixup", {"alpha": 1.0}))
    found, labels, weights = augment(policy, images, targets, generator())
    g = generator()
    expected = AUGMENTATIONS["randaugment"](images, targets, g)
    expected = AUGMENTATIONS["soft_crop"](*expected, g)
    expected = AUGMENTATIONS["mixup"](*expected[:2], g, weights=expected[2], alpha=1.0)
    for one, two in zip((found, labels, weights), expected, strict=True):
        assert torch.equal(one, two)
    torch.testing.assert_close(labels.sum(1), torch.ones(200))
    twice = augment(steps("soft_crop", "soft_crop"), images, targets, generator())[2]
    g = generator()
    once = [AUGMENTATIONS["soft_crop"](images, targets, g)[2] for _ in range(2)]
    torch.testing.assert_close(twice, once[0] * once[1])


@pytest.mark.parametrize("name", sorted(COLOUR_ONLY))
def test_what_needs_colours_says_so(name):
    with pytest.raises(UserError, match=r"found images of 1 channel\(s\); allowed: 3"):
        AUGMENTATIONS[name](torch.rand(2, 1, 28, 28), torch.eye(2), generator())


def test_options_are_keyword_only_and_weights_are_no_option():
    for name, function in AUGMENTATIONS.items():
        kinds = [(p.name, p.kind) for p in inspect.signature(function).parameters.values()]
        assert [n for n, kind in kinds if kind is not inspect.Parameter.KEYWORD_ONLY] == ["images", "targets", "generator"], (
            name
        )
