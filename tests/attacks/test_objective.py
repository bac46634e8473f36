"""The attacked loss: the odds against the label, without a logit gap at which nothing is left of its gradient."""

import math

import pytest
import torch

from softcifar.attacks.apgd import apgd
from softcifar.attacks.fgsm import fgsm
from softcifar.attacks.objective import attacked_loss, input_gradient
from softcifar.attacks.pgd import pgd
from softcifar.methods.prediction import predictive_log_probs

GENTLE = torch.tensor([0.1, -0.2, 0.05, 0.0])  # added to the logits below, so that each has a slope of its own


def attacked(name: str, predict, images, labels, eps: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    if name == "fgsm":
        return fgsm(predict, images, labels, [eps])[0]
    return {"pgd": pgd, "apgd": apgd}[name](predict, images, labels, eps, generator=generator, steps=10)


def test_the_loss_is_the_log_odds_against_the_label():
    logits = torch.tensor([[[1.0, 2.0, 0.5]]])
    for label, p in enumerate(logits[0, 0].softmax(dim=0)):
        found = attacked_loss(lambda images: logits, torch.zeros(1, 1, 1, 1), torch.tensor([label]))
        torch.testing.assert_close(found, torch.log((1 - p) / p)[None])


@pytest.mark.parametrize("scale", [1.0, 4.0, 64.0])
def test_every_sample_counts_alike_however_large_the_logits(scale):
    """A sure sample with the slope 1 and an unsure one with -2: gaps 5 + .5 and 1 - 2 x .5, the loss -(5.5 + 0) / 2.

    By the mean probability the unsure sample would decide: the gradient would be 1.3 in place of .5 (times the scale).
    """

    def predict(images):
        pixel = images.flatten(1)
        gaps = torch.stack([5 + pixel, 1 - 2 * pixel])
        return scale * torch.cat([gaps, torch.zeros_like(gaps)], dim=2)  # label 0

    image, label = torch.full((1, 1, 1, 1), 0.5), torch.tensor([0])
    torch.testing.assert_close(attacked_loss(predict, image, label), torch.tensor([-2.75 * scale]))
    torch.testing.assert_close(input_gradient(predict, image, label).flatten(), torch.tensor([0.5 * scale]))


@pytest.mark.parametrize("attack", ["fgsm", "pgd"])
def test_a_dropout_network_with_sharper_logits_is_not_harder_to_attack(dropout_digits, attack):
    network, images, labels = dropout_digits
    right = []
    for scale in (1, 64):
        torch.manual_seed(0)
        moved = attacked(attack, lambda given, scale=scale: scale * network(given), images, labels, 0.1)
        mean = network(moved, samples=100).softmax(dim=-1).mean(dim=0)
        right.append((mean.argmax(dim=1) == labels).float().mean().item())
    assert right[1] <= right[0] + 0.03 < 0.5


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("gap", [1.0, 17.0, 50.0, 5000.0])
def test_no_gap_of_logits_leaves_it_without_a_gradient(gap, samples):
    """Four pixels are the logits; pixel 2 is the label's. Float32 cross-entropy has no gradient from a gap of 17 on."""

    def predict(images):
        logits = images.flatten(1) + GENTLE + gap * torch.tensor([0.0, 0.0, 1.0, 0.0])
        return logits.expand(samples, -1, -1)

    slope = input_gradient(predict, torch.full((1, 1, 2, 2), 0.5), torch.tensor([2])).flatten()
    others = GENTLE[[0, 1, 3]].softmax(dim=0)
    torch.testing.assert_close(slope, torch.stack([others[0], others[1], torch.tensor(-1.0), others[2]]), atol=1e-3, rtol=0)


def test_it_has_the_direction_of_cross_entropys_gradient(digits):
    """log(1 + exp(log odds)) is the cross-entropy, so the gradients differ by 1 - p_y alone, image by image."""
    network, images, labels = digits
    moved = images.clone().requires_grad_()
    cross = torch.nn.functional.cross_entropy(network(moved)[0], labels, reduction="sum")
    (expected,) = torch.autograd.grad(cross, moved)
    wrong = -torch.expm1(predictive_log_probs(network(images))[torch.arange(len(labels)), labels])
    unsure = wrong > 1e-3  # where cross-entropy's gradient is not rounded off itself
    assert unsure.sum() > 20
    found = wrong[:, None, None, None] * input_gradient(network, images, labels)
    torch.testing.assert_close(found[unsure], expected[unsure], atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("attack", ["fgsm", "pgd", "apgd"])
def test_two_classes_with_sharper_logits_are_attacked_alike(digits, attack):
    network, images, labels = digits

    def two(scale):
        return lambda given: scale * network(given)[..., [3, 8]]

    kept = (labels == 3) | (labels == 8)
    images, labels = images[kept], (labels[kept] == 8).long()
    assert torch.equal(*(attacked(attack, two(scale), images, labels, 0.2) for scale in (1, 8)))


@pytest.mark.parametrize("attack", ["fgsm", "pgd", "apgd"])
def test_ten_classes_with_sharper_logits_are_not_harder_to_attack(digits, attack):
    """Sharper logits make of the other classes' logsumexp the largest of them: many steps may differ, but only a little.

    By float32 cross-entropy PGD leaves .2 more of the images right (docs/methods.md, Attacks).
    """
    network, images, labels = digits
    gaps = network(images)[0].topk(2, dim=1).values
    assert (8 * (gaps[:, 0] - gaps[:, 1]) > 17).float().mean() > 0.5  # float32 cross-entropy sees next to none of these
    right = []
    for scale in (1, 8):

        def sharp(given, scale=scale):
            return scale * network(given)

        slope = input_gradient(sharp, images, labels)
        assert (slope.abs().amax(dim=(1, 2, 3)) > 0).all()
        assert math.isfinite(slope.abs().max())
        moved = attacked(attack, sharp, images, labels, 0.1)
        right.append((network(moved)[0].argmax(dim=1) == labels).float().mean().item())
    assert right[1] <= right[0] + (0 if attack == "fgsm" else 0.05)
