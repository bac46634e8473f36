"""Spectral normalisation: against the exact operator norm, the gradient, what moves when, and every network that has it."""

import copy
import pickle
import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from softcifar.errors import UserError
from softcifar.models import NETWORKS
from softcifar.models.build import build
from softcifar.models.spectral import SpectralNorm
from softcifar.params.options import check

SPECTRAL = ["airbench", "resnet8", "resnet18", "resnet50", "resnet56_v2", "resnet110_sd", "wrn28_10", "vgg16", "vgg16_dropout",
            "pyramidnet272"]  # fmt: skip


def matrix(weight: torch.Tensor, size: int, stride: int, padding: int) -> torch.Tensor:
    """The convolution as a matrix (inputs, outputs): its value on every image with one pixel of 1."""
    inputs = weight.shape[1] * size**2
    images = torch.eye(inputs, dtype=weight.dtype).view(inputs, weight.shape[1], size, size)
    return F.conv2d(images, weight, None, stride, padding).flatten(1)


def norm(weight: torch.Tensor, size: int, stride: int, padding: int) -> torch.Tensor:
    return torch.linalg.matrix_norm(matrix(weight, size, stride, padding), ord=2)


def normalised(
    kernel: int, stride: int, size: int, *, coeff: float, steps: int, padding: int | None = None, seed: int = 0
) -> SpectralNorm:
    torch.manual_seed(seed)
    conv = nn.Conv2d(3, 4, kernel, stride=stride, padding=kernel // 2 if padding is None else padding)
    module = SpectralNorm(conv, size=size, coeff=coeff).train()
    with torch.no_grad():
        for _ in range(steps):
            module.weight()
    return module


@pytest.mark.parametrize(
    ("kernel", "stride", "size", "padding"),
    [(3, 1, 6, 1), (3, 1, 9, 1), (3, 2, 6, 1), (3, 2, 7, 1), (5, 2, 8, 2), (3, 2, 8, 0), (3, 3, 8, 1), (1, 1, 5, 0),
     (1, 2, 5, 0)],
)  # fmt: skip
def test_the_norm_is_the_exact_one_of_the_convolution_at_its_resolution(kernel, stride, size, padding):
    module = normalised(kernel, stride, size, coeff=0.1, steps=500, padding=padding)
    with torch.no_grad():
        exact = norm(module.conv.weight, size, stride, padding)
        used = module.weight()
        torch.testing.assert_close(0.1 * module.conv.weight / used, exact.expand_as(used), rtol=2e-4, atol=0)
        assert norm(used, size, stride, padding) <= 0.1 * (1 + 2e-4)
        flat = torch.linalg.matrix_norm(module.conv.weight.flatten(1), ord=2)
    # The flattened weight, which other implementations take, has another norm, unless windows do not overlap.
    assert torch.isclose(flat, exact, rtol=1e-4) == (kernel <= stride)
    assert module.v.shape == ((1, 3, 1, 1) if kernel == 1 else (1, 3, size, size))


def test_the_estimate_comes_from_below_and_rises():
    estimates = [0.1 / (normalised(3, 1, 8, coeff=0.1, steps=steps).eval().weight().norm()) for steps in range(0, 40, 4)]
    assert estimates == sorted(estimates)


def test_a_norm_below_the_bound_changes_nothing():
    module = normalised(3, 1, 6, coeff=3.0, steps=50)
    assert norm(module.conv.weight, 6, 1, 1) < 3
    images = torch.rand(2, 3, 6, 6)
    assert torch.equal(module(images), module.conv(images))


def test_the_bias_is_left_as_it_is():
    module = normalised(3, 1, 6, coeff=0.01, steps=50)
    images = torch.rand(2, 3, 6, 6)
    expected = F.conv2d(images, module.eval().weight(), None, 1, 1) + module.conv.bias.view(1, -1, 1, 1)
    torch.testing.assert_close(module(images), expected)


@pytest.mark.parametrize("stride", [1, 2])
def test_the_gradient_flows_through_the_norm(stride):
    module = normalised(3, stride, 5, coeff=0.2, steps=0, seed=3).double()  # a seed with distinct singular values
    with torch.no_grad():
        for _ in range(1000):
            module.weight()
    images = torch.rand(2, 3, 5, 5, dtype=torch.float64)
    module(images).square().sum().backward()
    weight = module.conv.weight.detach().clone().requires_grad_()
    divided = weight / (norm(weight, 5, stride, 1) / 0.2)
    F.conv2d(images, divided, module.conv.bias.detach(), stride, 1).square().sum().backward()
    torch.testing.assert_close(module.conv.weight.grad, weight.grad, rtol=1e-5, atol=1e-8)
    # Scaling the weight scales its norm alike: there is no gradient in its direction.
    assert abs((module.conv.weight.grad * module.conv.weight).sum()) < 1e-6


def test_training_goes_one_step_and_evaluation_none():
    module = normalised(3, 2, 5, coeff=0.1, steps=3)
    u, v = module.u.clone(), module.v.clone()
    module.eval()(torch.rand(2, 3, 5, 5))
    assert torch.equal(module.u, u)
    assert torch.equal(module.v, v)
    module.train()(torch.rand(2, 3, 5, 5))
    with torch.no_grad():
        operator = matrix(module.conv.weight, 5, 2, 1)  # (inputs, outputs)
        back = F.normalize(operator @ u.flatten(), dim=0)
        forth = F.normalize(back @ operator, dim=0)
    torch.testing.assert_close(module.v.flatten(), back)
    torch.testing.assert_close(module.u.flatten(), forth)
    assert not module.u.requires_grad
    assert not module.v.requires_grad


def test_two_forward_passes_may_come_before_the_backward_pass():
    module = normalised(3, 1, 5, coeff=0.1, steps=0)
    images = torch.rand(2, 3, 5, 5)
    (module(images) + module(images)).sum().backward()
    assert module.conv.weight.grad.isfinite().all()


def test_a_weight_of_zeros_stays_finite():
    module = normalised(3, 1, 5, coeff=0.1, steps=0)
    nn.init.zeros_(module.conv.weight)
    module(torch.rand(2, 3, 5, 5)).sum().backward()
    assert module.conv.weight.grad.isfinite().all()
    assert module.u.isfinite().all()


def test_autocast_computes_the_norm_in_float32():
    module, same = normalised(3, 1, 6, coeff=0.1, steps=20), normalised(3, 1, 6, coeff=0.1, steps=20)
    images = torch.rand(2, 3, 6, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = module(images)
    assert out.dtype == torch.bfloat16
    out.float().sum().backward()
    same(images)
    assert torch.equal(module.v, same.v)
    torch.testing.assert_close(module.eval().weight(), same.eval().weight(), rtol=0, atol=0)


def test_networks_can_be_copied_pickled_saved_and_called_with_other_weights():
    torch.manual_seed(0)
    network = build("resnet8", 3, image_size=8, spectral_norm=True, coeff=0.5).train()
    images = torch.rand(4, 3, 8, 8)
    network(images).sum().backward()
    expected = network.eval()(images)
    fresh = build("resnet8", 3, image_size=8, spectral_norm=True, coeff=0.5).eval()
    assert not torch.equal(fresh(images), expected)
    fresh.load_state_dict(network.state_dict())
    called = torch.func.functional_call(build("resnet8", 3, image_size=8, spectral_norm=True, coeff=0.5).eval(),
                                        network.state_dict(), (images,))  # fmt: skip
    for found in (fresh(images), copy.deepcopy(network)(images), pickle.loads(pickle.dumps(network))(images), called):
        assert torch.equal(found, expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_network_moves_to_the_gpu_and_back():
    network = build("resnet8", 3, image_size=8, spectral_norm=True, coeff=0.5)
    images = torch.rand(4, 3, 8, 8)
    expected = network.eval()(images)
    moved = copy.deepcopy(network).to("cuda", memory_format=torch.channels_last)
    torch.testing.assert_close(moved(images.cuda()).cpu(), expected, rtol=1e-2, atol=1e-2)
    moved.train()(images.cuda()).sum().backward()
    network.load_state_dict(moved.state_dict())
    torch.testing.assert_close(network(images), moved.eval()(images.cuda()).cpu(), rtol=1e-2, atol=1e-2)


def test_every_network_of_the_table_has_it():
    """docs/methods.md, Networks: airbench, any residual net, VGG and WRN."""
    options = {name for name, function in NETWORKS.items() if "spectral_norm" in function.__annotations__}
    assert options == {"resnet18", "resnet34", "resnet50", "resnet101", "resnet", *SPECTRAL} - {"resnet8"}


@pytest.mark.parametrize("name", SPECTRAL)
def test_every_convolution_knows_its_resolution_and_the_initial_weights_are_the_plain_ones(name):
    """On 1x28x28: 28, 14, 7 and, halved upwards, 4 and 2."""
    torch.manual_seed(0)
    plain = dict(build(name, 10, in_channels=1, image_size=28).named_parameters())
    after = torch.rand(1)
    torch.manual_seed(0)
    network = build(name, 10, in_channels=1, image_size=28, spectral_norm=True)
    assert torch.equal(torch.rand(1), after)
    for key, weight in network.named_parameters():
        assert torch.equal(weight, plain[key.replace(".conv.weight", ".weight").replace(".conv.bias", ".bias")]), key
    found: dict[nn.Module, tuple] = {}
    wrapped = [module for module in network.modules() if isinstance(module, SpectralNorm)]
    for module in wrapped:
        module.register_forward_hook(lambda module, inputs, out: found.update({module: (inputs[0].shape[1:], out.shape[1:])}))
    with torch.no_grad():
        assert network.eval()(torch.rand(1, 1, 28, 28)).shape == (1, 10)
    trained = [module for module in network.modules() if isinstance(module, nn.Conv2d) and module.weight.requires_grad]
    assert len(found) == len(wrapped) == len(trained)  # airbench's first one is frozen
    for module, (seen, left) in found.items():
        assert module.coeff == 3
        if module.conv.kernel_size == (1, 1):
            assert module.v.shape[1:] == (seen[0], 1, 1)
        else:
            assert (module.v.shape[1:], module.u.shape[1:]) == (seen, left)


def test_all_norms_of_a_trained_network_are_within_the_bound():
    torch.manual_seed(0)
    network = build("resnet8", 3, image_size=8, spectral_norm=True, coeff=0.7).train()
    images, labels = torch.rand(8, 3, 8, 8), torch.arange(8) % 3
    losses = []
    for _ in range(30):
        loss = F.cross_entropy(network(images), labels)
        losses.append(loss.item())
        network.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter -= 0.02 * parameter.grad
    assert losses[-1] < losses[0]
    with torch.no_grad():
        for module in network.eval().modules():
            if isinstance(module, SpectralNorm):
                size = 8 if module.conv.kernel_size == (1, 1) else module.v.shape[-1]
                exact = norm(module.weight(), size, module.conv.stride[0], module.conv.padding[0])
                assert exact <= 0.7 * 1.03


def test_the_bound_alone_is_refused():
    with pytest.raises(UserError, match=r"network: found coeff 3\.0 without spectral_norm; allowed: coeff beside"):
        build("resnet20", 10, coeff=3.0)
    with pytest.raises(UserError, match="unknown option 'spectral_norm'"):
        build("lenet", 10, spectral_norm=True)
    for wrong in (0, -1.0):
        with pytest.raises(ValueError, match="coeff"):
            build("vgg16", 10, spectral_norm=True, coeff=wrong)


def test_the_bound_can_be_tuned():
    given = ("in_channels", "image_size", "depth")
    options = check(NETWORKS["resnet"], {"spectral_norm": True, "coeff": [1, 3.0]}, tunable=True, given=given)
    assert options["coeff"] == [1.0, 3.0]
    assert check(NETWORKS["resnet"], {}, tunable=True, given=given)["coeff"] is None


@pytest.mark.parametrize("spectral", [True, False])
@pytest.mark.parametrize("name", ["resnet8", "resnet18", "resnet56_v2", "wrn28_10"])
def test_mod_has_leaky_activations_and_shortcuts_without_weights(name, spectral):
    network = build(name, 10, image_size=8, spectral_norm=spectral, mod=True)
    plain = build(name, 10, image_size=8)
    assert not any(isinstance(module, nn.ReLU) for module in network.modules())
    assert {module.negative_slope for module in network.modules() if isinstance(module, nn.LeakyReLU)} == {0.01}
    without = sum(weight.numel() for key, weight in plain.named_parameters() if not re.search("shortcut|projection", key))
    assert sum(weight.numel() for weight in network.parameters()) == without < sum(each.numel() for each in plain.parameters())
    images = torch.rand(2, 3, 8, 8)
    assert network.eval()(images).isfinite().all()
