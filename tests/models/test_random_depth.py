"""Stochastic depth and ShakeDrop: what training draws, and that evaluation is its mean."""

import pytest
import torch
from torch import nn

from softcifar.models.build import build
from softcifar.models.shakedrop import ShakeDrop
from softcifar.models.stochastic_depth import StochasticDepth


class Linear(nn.Module):
    """A block without a ReLU at its end, so that its mean can be computed."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 1)
        self.norm = nn.BatchNorm2d(2, affine=False)

    def residual(self, activations):
        return self.norm(self.conv(activations))

    def join(self, activations, residual):
        return activations + residual


def test_stochastic_depth_keeps_the_branch_or_leaves_it_out_for_the_whole_batch():
    torch.manual_seed(0)
    block = Linear()
    layer = StochasticDepth(block, survival=0.7).train()
    images = torch.rand(5, 2, 3, 3)
    whole = images + block.residual(images)
    kept = 0
    for _ in range(2000):
        out = layer(images)
        assert torch.equal(out, images) or torch.allclose(out, whole)
        kept += not torch.equal(out, images)
    assert kept / 2000 == pytest.approx(0.7, abs=0.035)  # three standard deviations
    # In evaluation, the mean of the two.
    layer.eval()
    torch.testing.assert_close(layer(images), 0.3 * images + 0.7 * (images + block.residual(images)))


def test_a_branch_left_out_learns_nothing_yet_every_parameter_has_a_gradient():
    layer = StochasticDepth(Linear(), survival=1e-9).train()
    images = torch.rand(5, 2, 3, 3, requires_grad=True)
    before = layer.block.norm.running_mean.clone()
    layer(images).sum().backward()
    assert torch.equal(images.grad, torch.ones_like(images))
    assert all(torch.equal(parameter.grad, torch.zeros_like(parameter)) for parameter in layer.parameters())
    assert torch.equal(layer.block.norm.running_mean, before)


def test_the_survival_of_resnet110_sd_is_linear_to_a_half():
    survivals = [module.survival for module in build("resnet110_sd", 10).modules() if isinstance(module, StochasticDepth)]
    assert survivals == pytest.approx([1 - 0.5 * number / 54 for number in range(1, 55)])


def test_stochastic_depth_draws_from_the_global_generator_alone():
    network = build("resnet110_sd", 3, image_size=8).train()
    images = torch.rand(2, 3, 8, 8)
    outs = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        outs.append(network(images))
    assert torch.equal(outs[0], outs[1])
    assert not torch.equal(outs[0], outs[2])
    # A block left out in training gives what its shortcut gives: non-negative activations pass unchanged.
    block = network.blocks[0]
    block.survival = 0.0
    activations = torch.rand(2, 16, 8, 8)
    assert torch.equal(block(activations), activations)


def factors(layer: ShakeDrop, images: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Of one pass: the forward and the backward factor of every image (constant within an image)."""
    residual = torch.full((images, 2, 3, 3), 2.0, requires_grad=True)
    out = layer(residual)
    out.sum().backward()
    for values in (out.detach() / 2, residual.grad):
        assert torch.equal(values, values[:, :1, :1, :1].expand_as(values))
    return out.detach()[:, 0, 0, 0] / 2, residual.grad[:, 0, 0, 0]


def test_shakedrop_draws_a_gate_per_batch_and_scales_per_image():
    torch.manual_seed(0)
    layer = ShakeDrop(0.4).train()
    drawn = [factors(layer, images=6) for _ in range(3000)]
    shaken = [(forwards, backwards) for forwards, backwards in drawn if not torch.equal(forwards, torch.ones(6))]
    assert len(shaken) / len(drawn) == pytest.approx(0.4, abs=0.03)  # more than three standard deviations
    for forwards, backwards in drawn:
        assert torch.equal(forwards, torch.ones(6)) == torch.equal(backwards, torch.ones(6))
    forwards, backwards = (torch.stack(each) for each in zip(*shaken, strict=True))
    assert -1 <= forwards.min() < -0.99
    assert 0.99 < forwards.max() <= 1
    assert 0 <= backwards.min() < 0.01
    assert 0.99 < backwards.max() <= 1
    assert forwards.mean().abs() < 0.03
    assert backwards.mean().item() == pytest.approx(0.5, abs=0.02)
    # Images differ, and forwards tells nothing of backwards.
    assert torch.corrcoef(torch.stack([forwards[:, 0], forwards[:, 1]]))[0, 1].abs() < 0.1
    assert torch.corrcoef(torch.stack([forwards.flatten(), backwards.flatten()]))[0, 1].abs() < 0.05


def test_shakedrop_in_evaluation_is_the_mean_of_training():
    torch.manual_seed(0)
    layer = ShakeDrop(0.4)
    residual = torch.randn(1, 2, 3, 3)
    mean = torch.stack([layer.train()(residual) for _ in range(8000)]).mean(dim=0)
    expected = layer.eval()(residual)
    torch.testing.assert_close(expected, 0.6 * residual)
    torch.testing.assert_close(mean, expected, rtol=0.05, atol=0)  # standard error of the factor: .006, one percent of it


def test_shakedrop_keeps_the_precision_and_draws_from_the_global_generator():
    layer = ShakeDrop(0.9).train()
    residual = torch.rand(3, 2, 2, 2)
    assert layer(residual.bfloat16()).dtype == torch.bfloat16
    outs = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        outs.append(layer(residual))
    assert torch.equal(outs[0], outs[1])
    assert not torch.equal(outs[0], outs[2])
    assert torch.equal(ShakeDrop(0.0).train()(residual), residual)


def test_the_drops_of_pyramidnet272_are_linear_to_a_half():
    drops = [module.drop for module in build("pyramidnet272", 10).modules() if isinstance(module, ShakeDrop)]
    assert drops == pytest.approx([0.5 * number / 90 for number in range(1, 91)])
