"""Soft crop: the published law of offsets and confidences, the modes, the background."""

import pytest
import torch

from softcifar.augment import soft_crop
from softcifar.augment.soft_crop import offsets
from softcifar.augment.visibility import MODES, confidence, discount
from softcifar.errors import UserError
from softcifar.losses import cross_entropy
from tests.augment.helpers import batch, generator


@pytest.mark.parametrize(
    ("classes", "visible", "expected"), [(100, 0.1, 0.1981), (100, 0.5, 0.7525), (10, 0.5, 0.775), (10, 1.0, 1.0), (10, 0, 0.1)]
)
def test_published_confidences(classes, visible, expected):
    found = confidence(torch.tensor(visible, dtype=torch.float64), 2, classes)
    assert found.item() == pytest.approx(expected, abs=1e-12)


def test_a_hard_label_gets_the_published_target():
    visible = torch.tensor([0.1, 0.5, 1.0, 0.0], dtype=torch.float64)
    targets = torch.eye(100, dtype=torch.float64)[[3, 4, 5, 6]]
    found, weights = discount(targets, None, visible, k=2.0, mode="target_and_weight")
    expected = torch.tensor([0.1981, 0.7525, 1.0, 0.01], dtype=torch.float64)
    torch.testing.assert_close(found[targets == 1], expected)
    torch.testing.assert_close(found[targets == 0].view(4, 99), ((1 - expected) / 99)[:, None].expand(4, 99))
    torch.testing.assert_close(weights, expected)


def test_a_soft_label_is_blended_with_uniform():
    base = torch.tensor([[0.7, 0.2, 0.1]])
    found, _ = discount(base, None, torch.tensor([0.5]), k=1.0, mode="target")
    torch.testing.assert_close(found, 0.5 * base + 0.5 / 3)


def test_offsets_are_a_normal_law_cut_off_at_the_side_and_truncated():
    """sigma 12 of 32: E[v] .522 and P(v < .5) .457; the offset 0 has the mass of (-1, 1)."""
    uniform = torch.rand(2, 400_000, generator=generator(), dtype=torch.float64)
    down, across = offsets(uniform, 0.375, 32)
    visible = (1 - down.abs() / 32) * (1 - across.abs() / 32)
    assert visible.mean().item() == pytest.approx(0.522, abs=0.001)
    assert (visible < 0.5).double().mean().item() == pytest.approx(0.457, abs=0.002)
    normal = torch.distributions.Normal(torch.zeros((), dtype=torch.float64), 12.0)
    inside = 2 * normal.cdf(torch.tensor(32.0)) - 1
    for step in (0, 1, 7, 20):
        low, high = (normal.cdf(torch.tensor(float(edge))) for edge in (step, step + 1))
        mass = (2 * (high - low) / inside).item()  # of both signs; for 0, of (-1, 1)
        assert (down.abs() == step).double().mean().item() == pytest.approx(mass, abs=0.0015)
    assert down.double().mean().abs() < 0.06
    assert down.abs().max() <= 32


def test_wide_offsets_reach_the_side_and_never_pass_it():
    uniform = torch.linspace(0, 1 - 1e-12, 10_001, dtype=torch.float64)
    found = offsets(uniform, 1.0, 10)
    assert found.abs().max() <= 10
    assert torch.equal(found.unique(), torch.arange(-10 if found.min() == -10 else -9, found.max() + 1))


def test_a_crop_is_a_shift_of_the_image_or_its_mirror_on_the_mean_colour():
    images, targets = batch(60)
    found, _, weights = soft_crop(images, targets, generator())
    mean = images.mean(dim=(0, 2, 3)).view(3, 1, 1)
    shifts = set()
    for image, crop, weight in zip(images, found, weights, strict=True):
        shown = (crop - mean).abs().amax(dim=0) > 1e-6
        rows, columns = shown.any(dim=1).nonzero()[:, 0], shown.any(dim=0).nonzero()[:, 0]
        assert len(rows), "nothing is left of an image"
        height, width = len(rows), len(columns)
        part = crop[:, rows[0] : rows[0] + height, columns[0] : columns[0] + width]
        # A shift down by t shows rows 0 to H - t of the image at the lower edge, a shift up rows t to H at the upper edge.
        top = 0 if rows[0] else 32 - height
        left = 0 if columns[0] else 32 - width
        straight, mirrored = image, image.flip(2)
        assert any(torch.equal(part, whole[:, top : top + height, left : left + width]) for whole in (straight, mirrored))
        assert weight.item() == pytest.approx(confidence(torch.tensor(height * width / 1024), 2, 10).item(), abs=1e-6)
        shifts.add((rows[0].item(), columns[0].item(), height, width))
    assert len(shifts) > 50  # one draw per image


def test_half_of_the_images_are_mirrored():
    images, targets = torch.linspace(0, 1, 32).expand(4000, 1, 32, 32), torch.eye(2).repeat(2000, 1)
    found, _, _ = soft_crop(images, targets, generator(), sigma=0.05)
    falling = found[:, 0, 16, 10] > found[:, 0, 16, 20]
    assert falling.double().mean().item() == pytest.approx(0.5, abs=0.03)
    found, _, _ = soft_crop(images, targets, generator(), sigma=0.05, flip=0.0)
    assert not (found[:, 0, 16, 10] > found[:, 0, 16, 20]).any()


def test_modes_share_their_crops_and_differ_in_targets_and_weights():
    images, targets = batch()
    found = {mode: soft_crop(images, targets, generator(), mode=mode) for mode in MODES}
    both = found["target_and_weight"]
    assert all(torch.equal(each[0], both[0]) for each in found.values())
    assert torch.equal(found["target"][1], both[1])
    assert torch.equal(found["weight"][2], both[2])
    assert both[1].amax(dim=1).min() < 0.9
    torch.testing.assert_close(both[1].amax(dim=1), both[2])  # with hard labels the confidence is the weight
    for mode in ("weight", "hard"):
        assert torch.equal(found[mode][1], targets)
    for mode in ("target", "hard"):
        assert torch.equal(found[mode][2], torch.ones(64))


def test_published_is_the_mean_weight_times_the_mean_divergence():
    """What the published code computes; the mean of the products is another number."""
    images, targets = batch()
    logits = torch.randn(64, 10, generator=generator())
    found, each = (soft_crop(images, targets, generator(), mode=mode) for mode in ("published", "target_and_weight"))
    assert torch.equal(found[1], each[1])
    divergence = torch.nn.functional.kl_div(logits.log_softmax(1), each[1], reduction="none").sum(1)
    torch.testing.assert_close((found[2] * divergence).mean(), each[2].mean() * divergence.mean())
    assert abs((each[2] * divergence).mean() - each[2].mean() * divergence.mean()) > 0.01
    assert found[2].unique().numel() == 1


def test_weighted_cross_entropy_has_the_gradient_of_the_weighted_divergence():
    logits = torch.randn(64, 10, generator=generator()).requires_grad_()
    _, targets, weights = soft_crop(*batch(), generator())
    slopes = []
    divergence = torch.nn.functional.kl_div(logits.log_softmax(1), targets, reduction="none").sum(1)
    for losses in (divergence, cross_entropy(logits, targets, reduction="none")):
        slopes.append(torch.autograd.grad((weights * losses).mean(), logits, retain_graph=True)[0])
    torch.testing.assert_close(slopes[0], slopes[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sigma": 0.0}, "sigma: found 0.0; allowed: above 0 and at most 1"),
        ({"sigma": 12.0}, "sigma: found 12.0; allowed: above 0 and at most 1"),
        ({"k": 0.0}, "k: found 0.0; allowed: above 0"),
        ({"mode": "wieght"}, "mode: there is no 'wieght'; did you mean 'weight'?"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(UserError, match=message.replace("?", r"\?")):
        soft_crop(*batch(2), generator(), **options)
