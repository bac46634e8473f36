"""Bounded batch norm: the bound by hand and as an operator norm, and the batch norm that it is below the bound."""

import copy
from typing import get_args

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from softcifar.errors import UserError
from softcifar.methods.swag import renewed
from softcifar.models.build import build
from softcifar.models.spectral import SpectralNorm
from softcifar.models.spectral_batch_norm import SpectralBatchNorm, spectral_batch_norm
from softcifar.training.lookahead import Lookahead
from softcifar.training.loop import norm_biases
from softcifar.training.sgd import SGD


def batch_norm(gamma: list[float], variance: list[float]) -> nn.BatchNorm2d:
    made = nn.BatchNorm2d(len(gamma))
    with torch.no_grad():
        made.weight.copy_(torch.tensor(gamma))
        made.bias.copy_(torch.linspace(-1, 1, len(gamma)))
        made.running_var.copy_(torch.tensor(variance))
        made.running_mean.copy_(torch.linspace(2, 3, len(gamma)))
    return made


def test_gamma_over_sigma_is_at_most_the_bound_and_shrinks_by_one_factor():
    plain = batch_norm([1.0, -2.0, 0.5], [4.0, 0.25, 1.0])  # s = 2 / .5 = 4
    bounded = SpectralBatchNorm(plain, coeff=3.0)
    torch.testing.assert_close(bounded.scale(), torch.tensor([1.0, -2.0, 0.5]) * 3 / 4, rtol=1e-4, atol=0)
    assert (bounded.scale() / (bounded.running_var + bounded.eps).sqrt()).abs().max().item() == pytest.approx(3)


@pytest.mark.parametrize("training", [True, False])
def test_below_the_bound_it_is_batch_norm(training):
    plain = batch_norm([1.0, -2.0, 0.5], [4.0, 0.25, 1.0])
    bounded, images = SpectralBatchNorm(plain, coeff=4.1), torch.randn(6, 3, 4, 4)
    plain.train(training), bounded.train(training)
    assert torch.equal(bounded(images), plain(images))
    assert all(torch.equal(one, two) for one, two in zip(plain.buffers(), bounded.buffers(), strict=True))


@pytest.mark.parametrize("coeff", [0.5, 2.0, 10.0])
def test_the_operator_norm_in_evaluation_is_within_the_bound(coeff):
    bounded = SpectralBatchNorm(batch_norm([1.0, -2.0, 0.5], [4.0, 0.25, 1.0]), coeff=coeff).double().eval()
    jacobian = torch.autograd.functional.jacobian(bounded, torch.randn(1, 3, 2, 2, dtype=torch.float64)).reshape(12, 12)
    assert torch.linalg.matrix_norm(jacobian, 2).item() == pytest.approx(min(coeff, 4.0), rel=1e-4)
    torch.testing.assert_close(bounded(bounded.running_mean.view(1, 3, 1, 1))[0, :, 0, 0], bounded.bias)  # the shift stays


def test_the_gradient_flows_through_the_bound():
    bounded = SpectralBatchNorm(batch_norm([1.0, -2.0, 0.5], [4.0, 0.25, 1.0]), coeff=3.0).double().eval()
    images = torch.randn(2, 3, 2, 2, dtype=torch.float64)

    def of(weight: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(bounded, {"weight": weight}, (images,))

    assert torch.autograd.gradcheck(of, (bounded.weight.detach().clone().requires_grad_(),))
    # Twice the gamma is the same map at the bound: the gradient along gamma is 0.
    (slope,) = torch.autograd.grad(of(bounded.weight).square().sum(), bounded.weight)
    assert (slope @ bounded.weight).item() == pytest.approx(0, abs=1e-9 * slope.norm().item())


@pytest.mark.parametrize("of", get_args(spectral_batch_norm.__annotations__["of"]))
def test_all_batch_norms_of_all_networks_have_it_and_weights_start_as_the_plain_ones(of):
    with torch.device("meta"):
        network = build("spectral_batch_norm", 10, of=of, coeff=2.0)
        plain = build(of, 10, spectral_norm=True, coeff=2.0)
    norms = [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    assert len(norms) == sum(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in plain.modules())
    assert all(isinstance(norm, SpectralBatchNorm) and norm.coeff == 2 for norm in norms)
    assert all(module.coeff == 2 for module in network.modules() if isinstance(module, SpectralNorm))
    assert {name: tensor.shape for name, tensor in network.state_dict().items()} == {
        name: tensor.shape for name, tensor in plain.state_dict().items()
    }


def test_the_initial_weights_are_the_plain_networks():
    states = []
    for name, options in (("resnet8", {"spectral_norm": True}), ("spectral_batch_norm", {"of": "resnet8"})):
        torch.manual_seed(0)
        states.append((build(name, 3, **options).state_dict(), torch.rand(1)))
    (plain, after), (bounded, ours) = states
    assert torch.equal(after, ours)
    assert plain.keys() == bounded.keys()
    assert all(torch.equal(plain[name], bounded[name]) for name in plain)


def learned(network: nn.Module) -> list[float]:
    images, labels, losses = torch.rand(8, 3, 8, 8), torch.arange(8) % 3, []
    for _ in range(30):
        loss = F.cross_entropy(network.train()(images), labels)
        losses.append(loss.item())
        network.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter -= 0.05 * parameter.grad
    return losses


def test_a_trained_network_is_within_the_bound_where_the_plain_one_is_not():
    torch.manual_seed(0)
    plain = build("resnet8", 3, image_size=8, spectral_norm=True, coeff=0.7)
    bounded = build("spectral_batch_norm", 3, image_size=8, of="resnet8", coeff=0.7)
    stretches = []
    for network in (plain, bounded):
        losses = learned(network)
        assert losses[-1] < losses[0]
        for norm in (module for module in network.modules() if isinstance(module, nn.BatchNorm2d)):
            scale = norm.scale() if isinstance(norm, SpectralBatchNorm) else norm.weight
            stretches.append((network is bounded, (scale / (norm.running_var + norm.eps).sqrt()).abs().max().item()))
    assert max(stretch for ours, stretch in stretches if ours) <= 0.7 * (1 + 1e-5)
    assert max(stretch for ours, stretch in stretches if not ours) > 1


def test_what_looks_for_batch_norms_finds_them():
    """Their biases have a learning rate, Lookahead averages their statistics, SWAG renews those."""
    network = build("spectral_batch_norm", 3, image_size=8, of="resnet8", coeff=0.5)
    plain = build("resnet8", 3, image_size=8)
    assert norm_biases(network) == norm_biases(plain)
    slow = Lookahead(SGD(network, momentum=0.0, nesterov=False, weight_decay=0.0), network, every=1, decay=0.5, total=2).slow
    assert sum(name.endswith("running_var") for name in slow) == len(norm_biases(network))
    weights, batches = torch.cat([each.detach().flatten() for each in network.parameters()]), [torch.rand(6, 3, 8, 8)]
    before = copy.deepcopy(network.state_dict())
    (one,), (two,) = renewed(network, [weights], batches), renewed(network, [weights], batches)
    assert torch.equal(one, two)
    assert one.isfinite().all()
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items() if "running" in name)


def test_without_a_momentum_the_statistics_are_means_over_batches():
    """As torch's batch norm has it, and SWAG uses it."""
    bounded = SpectralBatchNorm(nn.BatchNorm2d(3), coeff=0.5).train()
    bounded.momentum = None
    batches = [torch.randn(6, 3, 4, 4) for _ in range(3)]
    for batch in batches:
        bounded(batch)
    means = torch.stack([batch.mean(dim=(0, 2, 3)) for batch in batches]).mean(dim=0)
    variances = torch.stack([batch.var(dim=(0, 2, 3)) for batch in batches]).mean(dim=0)
    torch.testing.assert_close(bounded.running_mean, means)
    torch.testing.assert_close(bounded.running_var, variances)


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match="of"):
        build("spectral_batch_norm", 3, of="resnet21")
    with pytest.raises(UserError, match="unknown option 'spectral_norm'"):
        build("spectral_batch_norm", 3, spectral_norm=True)
