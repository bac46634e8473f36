"""Networks: parameter counts of the papers, shapes, options and clear refusals."""

import pytest
import torch

from softcifar.errors import UserError
from softcifar.methods import mc_dropout, softmax
from softcifar.models import build
from softcifar.models.classifier import classifier
from softcifar.models.densenet_bc import Layer
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


@pytest.mark.parametrize(
    ("name", "channels", "size", "ten", "hundred"),
    [
        ("mlp", 1, 28, 1_863_690, 1_863_690 + 90 * 1025),
        ("shallow", 3, 32, 357_514, 357_514 + 90 * 129),
        ("densenet_bc_40_12", 3, 32, 176_122, 176_122 + 90 * 133),
        ("densenet_bc_100_12", 3, 32, 769_162, 769_162 + 90 * 343),
    ],
)
def test_parameter_counts_of_the_other_networks(name, channels, size, ten, hundred):
    """methods.md 4; the shallow network's is its layers' sum, one above the number there (all its layers' counts are even)."""
    assert parameters(build(name, 10, in_channels=channels, image_size=size)) == ten
    assert parameters(build(name, 100, in_channels=channels, image_size=size)) == hundred


NETWORKS = [
    ("resnet8", {"shortcut": "projection"}, 64),
    ("resnet8", {"shortcut": "pool"}, 64),
    ("mlp", {}, 1024),
    ("mlp", {"width": 50, "layers": 4}, 50),
    ("shallow", {}, 128),
    ("densenet_bc_40_12", {}, 132),
    ("densenet_bc_100_12", {}, 342),
]


@pytest.mark.parametrize(("name", "options", "width"), NETWORKS)
@pytest.mark.parametrize(("channels", "size"), [(3, 32), (1, 28), (3, 8)])
def test_features_and_head_give_the_logits(name, options, width, channels, size):
    network = build(name, 7, in_channels=channels, image_size=size, **options).eval()
    images = torch.rand(2, channels, size, size).contiguous(memory_format=torch.channels_last)
    assert network.features(images).shape == (2, width)
    torch.testing.assert_close(network.head(network.features(images)), network(images))
    assert network(images).shape == (2, 7)
    torch.testing.assert_close(network(images), network(images.contiguous()), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "options", "width"), NETWORKS)
def test_every_parameter_learns(name, options, width):
    """No parameter is left without a gradient; a convolution's bias before batch norm has one of zero."""
    torch.manual_seed(0)
    network = build(name, 5, image_size=8, **options).train()
    torch.nn.functional.cross_entropy(network(torch.rand(6, 3, 8, 8)), torch.arange(6) % 5).backward()
    for key, parameter in network.named_parameters():
        cancelled = name == "shallow" and key.endswith("bias") and key.startswith(("convolutions", "hidden"))
        assert parameter.grad is not None, key
        assert cancelled or parameter.grad.abs().max() > 0, key


@pytest.mark.parametrize("name", ["mlp", "shallow", "densenet_bc_40_12"])
def test_dropout_is_an_option_of_every_network_and_off_in_evaluation(name):
    torch.manual_seed(0)
    network = build(name, 3, image_size=8, dropout=0.5)
    images = torch.rand(4, 3, 8, 8)
    network.train()
    assert not torch.equal(network(images), network(images))
    network.eval()
    torch.testing.assert_close(network(images), network(images), rtol=0, atol=0)
    plain = build(name, 3, image_size=8, dropout=0.0).train()
    torch.testing.assert_close(plain(images), plain(images), rtol=0, atol=0)


def test_the_mlp_is_the_stated_formula():
    """Two hidden layers: W3 relu(W2 relu(W1 x + b1) + b2) + b3 on the flattened image."""
    network = build("mlp", 3, in_channels=1, image_size=4, width=6)
    one, two, three = (layer for layer in network.modules() if isinstance(layer, torch.nn.Linear))
    images = torch.rand(5, 1, 4, 4)
    hidden = (images.flatten(1) @ one.weight.T + one.bias).clamp(min=0)
    hidden = (hidden @ two.weight.T + two.bias).clamp(min=0)
    torch.testing.assert_close(network(images), hidden @ three.weight.T + three.bias)


def test_a_dense_layer_appends_to_what_it_got():
    layer = Layer(20, dropout=0.0)
    activations = torch.rand(2, 20, 4, 4)
    out = layer(activations)
    assert out.shape == (2, 20 + 12, 4, 4)
    assert torch.equal(out[:, :20], activations)


def test_the_shallow_network_refuses_to_train_on_a_batch_of_one_image():
    network = build("shallow", 3, image_size=8)
    with pytest.raises(UserError, match="a batch of one image in training"):
        network.train()(torch.rand(1, 3, 8, 8))
    assert network.eval()(torch.rand(1, 3, 8, 8)).shape == (1, 3)


@pytest.mark.parametrize(("name", "size"), [("shallow", 7), ("densenet_bc_40_12", 3)])
def test_too_small_images_are_refused(name, size):
    with pytest.raises(UserError, match=rf"image_size: found {size}; allowed: {size + 1} and more"):
        build(name, 10, image_size=size)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet21", {}, "found resnet21; allowed: resnet<6n.2>, the nearest is resnet20"),
        ("resnett20", {}, "there is no 'resnett20'; did you mean 'resnet<depth>'"),
        ("resnet", {}, "there is no 'resnet'"),
        ("densenet_bc_41_12", {}, "there is no 'densenet_bc_41_12'; did you mean 'densenet_bc_40_12'"),
        ("mlp2", {}, "there is no 'mlp2'; did you mean 'mlp'"),
        ("mlp", {"depth": 3}, "unknown option 'depth'"),
        ("shallow", {"width": 3}, "unknown option 'width'"),
        ("resnet20", {"droput": 0.1}, "unknown option 'droput'; did you mean 'dropout'"),
    ],
)
def test_wrong_names_and_options(name, options, message):
    with pytest.raises(UserError, match=message):
        build(name, 10, **options)


@pytest.mark.parametrize(
    ("name", "options"),
    [("resnet20", {"dropout": 1.5}), ("resnet20", {"shortcut": "none"}), ("mlp", {"layers": 0}), ("mlp", {"width": 0.5}),
     ("shallow", {"dropout": 1}), ("densenet_bc_40_12", {"dropout": -0.1})],
)  # fmt: skip
def test_wrong_option_values(name, options):
    with pytest.raises(ValueError, match=next(iter(options))):
        build(name, 10, **options)


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
