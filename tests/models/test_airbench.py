"""airbench: its layers, the whitening, the identities it starts from, and what its options change."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from softcifar.data.patches import patch_covariance
from softcifar.errors import UserError
from softcifar.models.airbench import DIVISOR, RIDGE, whitened
from softcifar.models.build import build
from softcifar.models.classifier import classifier
from softcifar.models.spectral import SpectralNorm
from softcifar.params.chosen import Chosen

SMALL = {"width1": 8, "width2": 16, "width3": 16}


def natural(count: int = 200, side: int = 8, channels: int = 3) -> np.ndarray:
    """uint8 images whose neighbouring pixels and channels resemble each other."""
    noise = np.random.default_rng(0).normal(size=(count, side + 3, side + 3, channels))
    smooth = sum(noise[:, y : y + side, x : x + side] for y in range(4) for x in range(4)) / 4
    return np.clip(128 + 40 * (smooth + smooth.mean(axis=3, keepdims=True)), 0, 255).astype(np.uint8)


def manifest(images: np.ndarray) -> dict:
    mean, std = [(images / 255).mean(axis=(0, 1, 2)).tolist(), (images / 255).std(axis=(0, 1, 2)).tolist()]
    covariance = patch_covariance(images, mean, std)
    return {"classes": ["a", "b"], "image_shape": list(images.shape[1:]), "mean": mean, "std": std, "covariance": covariance}


def test_the_published_sizes():
    """1,971,640 numbers in all, of which the 24 x 12 of the whitening filters are not trained."""
    network = build("airbench", 10)
    assert network.stem.weight.numel() + sum(each.numel() for each in network.parameters()) == 1_971_640
    assert "stem.weight" not in dict(network.named_parameters())
    assert "stem.weight" in network.state_dict()
    sides = []
    for group in network.groups:
        group.register_forward_hook(lambda *passed: sides.append(tuple(passed[2].shape[1:])))
    assert network.features(torch.rand(2, 3, 32, 32)).shape == (2, 256)
    assert sides == [(64, 15, 15), (256, 7, 7), (256, 3, 3)]


def test_it_computes_what_the_paper_draws():
    """Layer by layer with torch's functions, in evaluation mode, from the network's own weights."""
    torch.manual_seed(0)
    network = build("airbench", 4, **SMALL).train()
    images = torch.randn(16, 3, 32, 32)
    for _ in range(3):
        network(images)  # running statistics other than 0 and 1
    network.eval()
    weights, found = network.state_dict(), F.gelu(F.conv2d(images, network.stem.weight, network.stem.bias))
    for number in range(3):
        for layer in (1, 2):
            own = {key: weights[f"groups.{number}.norm{layer}.{key}"] for key in ("running_mean", "running_var", "bias")}
            found = F.conv2d(found, weights[f"groups.{number}.conv{layer}.weight"], padding=1)
            found = F.max_pool2d(found, 2) if layer == 1 else found
            found = F.gelu(F.batch_norm(found, own["running_mean"], own["running_var"], None, own["bias"], eps=1e-12))
    expected = F.max_pool2d(found, 3).flatten(1) @ weights["head.weight"].T / 9
    torch.testing.assert_close(network(images), expected)
    assert DIVISOR == 9


def test_running_statistics_move_by_two_fifths():
    network = build("airbench", 4, **SMALL).train()
    network(torch.randn(16, 3, 32, 32))
    norm = network.groups[0].norm1
    assert norm.momentum == 0.4
    assert norm.eps == 1e-12
    assert torch.equal(norm.weight, torch.ones(8))
    assert not norm.weight.requires_grad
    assert not any(name.endswith("norm1.weight") for name in network.state_dict())


def test_the_first_convolution_starts_without_a_bias():
    assert not build("airbench", 4, **SMALL).stem.bias.any()


def test_whitening_does_not_depend_on_the_signs_of_eigenvectors(monkeypatch):
    covariance = np.array(manifest(natural())["covariance"])
    expected, original = whitened(covariance), np.linalg.eigh

    def flipped(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, vectors = original(matrix)
        return values, vectors * np.resize([1, -1, -1], len(values))

    monkeypatch.setattr(np.linalg, "eigh", flipped)
    np.testing.assert_array_equal(whitened(covariance), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_step_on_a_gpu():
    network = build("airbench", 2, **SMALL).to("cuda", memory_format=torch.channels_last).train()
    images = torch.randn(8, 3, 32, 32, device="cuda").contiguous(memory_format=torch.channels_last)
    F.cross_entropy(network(images), torch.arange(8, device="cuda") % 2).backward()
    assert all(each.grad.isfinite().all() and each.grad.shape == each.shape for each in network.parameters())


@pytest.mark.parametrize("channels", [1, 3])
def test_whitened_patches_are_uncorrelated_with_variance_near_one(channels):
    images = natural(channels=channels)
    about = manifest(images)
    network = classifier(Chosen(name="airbench", options=SMALL), about, seed=0).network
    pixels = torch.tensor(images.transpose(0, 3, 1, 2) / 255.0).float()
    mean, std = (torch.tensor(about[key]).view(1, -1, 1, 1) for key in ("mean", "std"))
    out = F.conv2d((pixels - mean) / std, network.stem.weight).transpose(0, 1).flatten(1).double()  # (8C, patches)
    half = 4 * channels
    torch.testing.assert_close(out[:half], -out[half:])
    second = out[:half] @ out[:half].T / out.shape[1]
    values = torch.tensor(np.linalg.eigvalsh(np.array(about["covariance"]))[::-1].copy())
    torch.testing.assert_close(second, torch.diag(values / (values + RIDGE)), atol=2e-4, rtol=1e-3)


def test_a_direction_without_variance_is_not_blown_up():
    """Grey images in three channels have four directions with variance out of twelve."""
    covariance = np.kron(np.ones((3, 3)), np.eye(4))
    filters = whitened(covariance)
    assert np.isfinite(filters).all()
    assert np.abs(filters).max() <= 1 / np.sqrt(RIDGE) + 1e-6


def test_training_leaves_the_whitening_and_moves_its_bias():
    network = build("airbench", 2, **SMALL).train()
    F.cross_entropy(network(torch.randn(8, 3, 32, 32)), torch.arange(8) % 2).backward()
    assert network.stem.bias.grad.abs().sum() > 0
    assert not network.stem.weight.requires_grad


def test_without_whitening_the_first_convolution_is_trained():
    network = build("airbench", 2, whitening=False, **SMALL)
    assert network.stem.weight.requires_grad


def test_identity_filters_pass_the_inputs_on_and_the_others_are_drawn():
    torch.manual_seed(0)
    group = build("airbench", 2, **SMALL | {"width1": 32}).groups[0]
    images = torch.rand(2, 24, 9, 9)
    out = group.conv1(images)
    torch.testing.assert_close(out[:, :24], images)
    assert (out[:, 24:].std(dim=(0, 2, 3)) > 0).all()
    assert not torch.allclose(build("airbench", 2, dirac=False, **SMALL).groups[0].conv2(images[:, :8]), images[:, :8])


def test_fewer_filters_than_inputs_start_as_the_first_inputs():
    group = build("airbench", 2, **SMALL).groups[0]
    images = torch.rand(2, 24, 9, 9)
    torch.testing.assert_close(group.conv1(images), images[:, :8])


def test_a_residual_group_adds_its_pooled_input():
    network = build("airbench", 2, residual=True, width1=32, width2=32, width3=40).eval()
    group = network.groups[0]
    torch.nn.init.zeros_(group.conv2.weight)
    images = torch.rand(2, 24, 31, 31)
    expected = F.gelu(torch.cat([F.avg_pool2d(images, 2), torch.zeros(2, 8, 15, 15)], dim=1))
    torch.testing.assert_close(group(images), expected)


def test_shrinking_widths_are_refused_with_a_residual():
    with pytest.raises(UserError, match="found widths 64, 32, 64 with residual: true"):
        build("airbench", 2, residual=True, width1=64, width2=32, width3=64)


def test_a_single_pixel_is_refused():
    with pytest.raises(UserError, match="found images of 1 x 1 pixels"):
        build("airbench", 2, image_size=1)


def test_spectral_normalisation_is_of_the_trained_convolutions():
    network = build("airbench", 2, spectral_norm=True, coeff=2.0, residual=True, width1=32, width2=32, width3=32)
    assert sum(isinstance(module, SpectralNorm) for module in network.modules()) == 6
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 2)
    without = build("airbench", 2, spectral_norm=True, whitening=False, width1=32, width2=32, width3=32)
    assert isinstance(without.stem, SpectralNorm)
    assert without(torch.rand(2, 3, 32, 32)).shape == (2, 2)


def test_a_classifier_needs_the_covariance():
    about = manifest(natural())
    del about["covariance"]
    with pytest.raises(KeyError, match="covariance"):
        classifier(Chosen(name="airbench"), about, seed=0)
    classifier(Chosen(name="mlp"), about, seed=0)
