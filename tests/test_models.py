"""Networks: parameter counts of the papers, shapes, options and clear refusals."""

import pytest
import torch

from softcifar.errors import UserError
from softcifar.methods import mc_dropout, softmax
from softcifar.models import build
from softcifar.models.classifier import classifier
from softcifar.models.dropout import Dropout
from softcifar.params import Method


def parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("depth", "shortcut", "expected"),
    [(20, "projection", 272_474), (20, "pool", 269_722), (32, "projection", 466_906), (56, "projection", 855_770),
     (110, "projection", 1_730_714)],
)  # fmt: skip
def test_parameter_counts(depth, shortcut, expected):
    """methods.md 4, K = 10; each further class adds 64 weights and a bias."""
    assert parameters(build(f"resnet{depth}", 10, shortcut=shortcut)) == expected
    assert parameters(build(f"resnet{depth}", 100, shortcut=shortcut)) == expected + 90 * 65


@pytest.mark.parametrize("shortcut", ["projection", "pool"])
@pytest.mark.parametrize(("channels", "size"), [(3, 32), (1, 28)])
def test_features_and_head_give_the_logits(shortcut, channels, size):
    network = build("resnet8", 7, in_channels=channels, image_size=size, shortcut=shortcut).eval()
    images = torch.rand(2, channels, size, size)
    assert network.features(images).shape == (2, 64)
    torch.testing.assert_close(network.head(network.features(images)), network(images))
    assert network(images).shape == (2, 7)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet21", {}, "found resnet21; allowed: resnet<6n.2>, the nearest is resnet20"),
        ("resnett20", {}, "there is no 'resnett20'; did you mean 'resnet<depth>'"),
        ("resnet", {}, "there is no 'resnet'"),
        ("resnet20", {"droput": 0.1}, "unknown option 'droput'; did you mean 'dropout'"),
    ],
)
def test_wrong_names_and_options(name, options, message):
    with pytest.raises(UserError, match=message):
        build(name, 10, **options)


@pytest.mark.parametrize("options", [{"dropout": 1.5}, {"shortcut": "none"}])
def test_wrong_option_values(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        build("resnet20", 10, **options)


MANIFEST = {"classes": ["a", "b"], "image_shape": [32, 32, 3], "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}


def test_the_classifier_normalises_inside_and_depends_on_its_seed_alone():
    one = classifier(Method(name="resnet8"), MANIFEST, seed=1)
    torch.rand(5)  # a disturbed global generator
    two = classifier(Method(name="resnet8"), MANIFEST, seed=1)
    other = classifier(Method(name="resnet8"), MANIFEST, seed=2)
    images = torch.rand(3, 3, 32, 32)
    scaled = (images - torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1)) / torch.tensor([0.2, 0.3, 0.4]).view(3, 1, 1)
    torch.testing.assert_close(one(images), two(images), rtol=0, atol=0)
    assert not torch.equal(one(images), other(images))
    torch.testing.assert_close(one(images), one.network(scaled))


def test_monte_carlo_dropout_samples_differ_and_batch_norm_stays_in_evaluation():
    network = classifier(Method(name="resnet8", options={"dropout": 0.2}), MANIFEST, seed=0).eval()
    images = torch.rand(4, 3, 32, 32)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    samples = mc_dropout(network, images, samples=5)
    assert samples.shape == (5, 4, 2)
    assert samples.std(dim=0).min() > 0
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    # Dropout is off again afterwards: one pass is deterministic.
    torch.testing.assert_close(softmax(network, images), softmax(network, images), rtol=0, atol=0)


def test_monte_carlo_dropout_needs_dropout():
    with pytest.raises(UserError, match="network without dropout"):
        mc_dropout(classifier(Method(name="resnet8"), MANIFEST, seed=0), torch.rand(1, 3, 32, 32))


@pytest.mark.parametrize("shape", [(64, 16, 8, 8), (500, 33), (7, 3, 5, 3)])
def test_dropout_zeroes_the_stated_share_and_keeps_the_mean(shape):
    torch.manual_seed(0)
    layer = Dropout(0.3).train()
    ones = torch.ones(shape)
    dropped = torch.stack([layer(ones) for _ in range(200)])
    assert dropped.unique().tolist() == pytest.approx([0, 1 / 0.7])
    assert dropped.mean().item() == pytest.approx(1, abs=0.01)
    # Independent between activations: the share of zeros varies as a binomial's does.
    shares = (dropped == 0).double().mean(dim=0)
    assert shares.var().item() == pytest.approx(0.3 * 0.7 / 200, rel=0.25)


def test_dropout_drops_the_gradient_with_the_activation_and_nothing_in_evaluation():
    layer = Dropout(0.5)
    values = torch.rand(4, 8, 4, 4, requires_grad=True)
    out = layer(values)
    out.sum().backward()
    torch.testing.assert_close(values.grad, (out != 0) * 2.0)
    assert layer.eval()(values) is values
    assert Dropout(0.0).train()(values) is values
