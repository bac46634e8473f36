"""Networks: parameter counts of the papers, shapes, options and clear refusals."""

import pytest
import torch

from softcifar import models
from softcifar.errors import UserError
from softcifar.methods import MCDropout, Softmax
from softcifar.models.build import Networks, build, split
from softcifar.models.classifier import classifier
from softcifar.models.densenet_bc import Layer
from softcifar.models.dropout import Dropout
from softcifar.params.chosen import Chosen


def parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.fixture
def weightless(monkeypatch):
    """Networks without numbers in them, so that counting 42 million parameters takes no time."""
    for name in ("kaiming_normal_", "kaiming_uniform_", "xavier_uniform_", "uniform_", "zeros_"):
        monkeypatch.setattr(torch.nn.init, name, lambda tensor, *_, **__: tensor)
    with torch.device("meta"):
        yield


# docs/methods.md, Networks: name, options, channels, size, parameters at K = 10, features D. Each further class adds D weights
# and, but for airbench, a bias.
# shallow: the sum of its layers, 357,514, is one above the number there. All its layers have even counts (896, 18,496, 73,856,
# batch norms 64, 128, 256, 256; hidden layer 262,272; head 1,290), so 357,513 is none that they can have.
COUNTS = [
    ("airbench", {}, 3, 32, 1_971_352, 256),  # and 288 frozen ones
    ("packed_airbench", {}, 3, 32, 1_988_960, 512),  # and 1,152 frozen ones
    ("resnet20", {}, 3, 32, 272_474, 64),
    ("resnet20", {"shortcut": "pool"}, 3, 32, 269_722, 64),
    ("resnet20", {"mod": True}, 3, 32, 269_722, 64),
    ("resnet32", {}, 3, 32, 466_906, 64),
    ("resnet56", {}, 3, 32, 855_770, 64),
    ("resnet110", {}, 3, 32, 1_730_714, 64),
    ("resnet18", {}, 3, 32, 11_173_962, 512),
    ("resnet34", {}, 3, 32, 21_282_122, 512),
    ("resnet50", {}, 3, 32, 23_520_842, 2048),
    ("resnet101", {}, 3, 32, 42_512_970, 2048),
    ("resnet56_v2", {}, 3, 32, 1_663_338, 256),
    ("wrn28_10", {}, 3, 32, 36_479_194, 640),
    ("vgg16", {}, 3, 32, 14_724_042, 512),
    ("vgg16_dropout", {}, 3, 32, 14_991_946, 512),
    ("densenet_bc_100_12", {}, 3, 32, 769_162, 342),
    ("densenet_bc_40_12", {}, 3, 32, 176_122, 132),
    ("inception_v4", {}, 3, 32, 41_158_186, 1536),  # "about 41.16 M"; at K = 1000 the 42,679,816 of the paper's network
    ("pyramidnet272", {}, 3, 32, 26_210_842, 864),
    ("resnet110_sd", {}, 3, 32, 1_727_962, 64),
    ("lenet", {}, 1, 28, 44_426, 84),
    ("lenet", {}, 3, 32, 62_006, 84),
    ("convnet", {}, 3, 32, 288_746, 128),  # the project's own: 286,560 in convolutions, 896 in batch norms, 1,290 in the head
    ("mlp", {}, 1, 28, 1_863_690, 1024),
    ("shallow", {}, 3, 32, 357_514, 128),
    ("spectral_batch_norm", {}, 3, 32, 11_173_962, 512),
    ("spectral_batch_norm", {"of": "resnet20"}, 3, 32, 272_474, 64),
    ("spectral_batch_norm", {"of": "wrn28_10"}, 3, 32, 36_479_194, 640),
]


@pytest.mark.parametrize(("name", "options", "channels", "size", "ten", "width"), COUNTS)
@pytest.mark.usefixtures("weightless")
def test_parameter_counts(name, options, channels, size, ten, width):
    assert parameters(build(name, 10, in_channels=channels, image_size=size, **options)) == ten
    of_class = width + ("airbench" not in name)
    assert parameters(build(name, 100, in_channels=channels, image_size=size, **options)) == ten + 90 * of_class


def test_every_name_is_counted():
    families = {split(name)[0] for name, *_ in COUNTS}
    assert families == set(models.NETWORKS)


def test_the_default_resnet20_draws_the_numbers_it_always_drew():
    """What options and new networks must not change: its weights, and where it leaves the generator. (Taken before them.)"""
    torch.manual_seed(0)
    network = build("resnet20", 10)
    after = torch.rand(1).item()
    weights = network.state_dict()
    assert len(weights) == 128
    assert weights["stem.weight"].flatten()[:3].tolist() == pytest.approx([0.0895624, 0.0904991, -0.0659080], abs=1e-6)
    assert weights["head.weight"].flatten()[:3].tolist() == pytest.approx([0.0164433, -0.0133844, 0.1040561], abs=1e-6)
    assert weights["stem.weight"].double().square().sum().item() == pytest.approx(5.9002254, abs=1e-5)
    assert after == pytest.approx(0.9832592, abs=1e-6)


@pytest.fixture
def drawn_once(monkeypatch):
    """Without torch's own draw of every convolution, which these networks draw anew: half of the time to build one."""
    draw = torch.nn.init.kaiming_uniform_
    monkeypatch.setattr(torch.nn.init, "kaiming_uniform_", lambda weight, a: weight if weight.dim() == 4 else draw(weight, a))


@pytest.mark.parametrize(
    "name",
    ["resnet18", "resnet34", "resnet50", "resnet101", "resnet56_v2", "resnet110_sd", "wrn28_10", "vgg16", "vgg16_dropout",
     "inception_v4", "pyramidnet272"],
)  # fmt: skip
@pytest.mark.usefixtures("drawn_once")
def test_a_step_of_every_large_network(name):
    """On two 3x32x32: a gradient for every parameter, logits from features, channels last as good (.2 to 2 s of one core)."""
    torch.manual_seed(0)
    network = build(name, 10).train()
    images = torch.rand(2, 3, 32, 32)
    torch.nn.functional.cross_entropy(network(images), torch.tensor([1, 4])).backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
    with torch.no_grad():
        network.eval()
        features = network.features(images.contiguous(memory_format=torch.channels_last))
        logits = network(images)
    assert features.shape == (2, {row[0]: row[-1] for row in COUNTS}[name])
    # Untrained running means leave the logits of the deepest ones large.
    torch.testing.assert_close(network.head(features), logits, rtol=1e-4, atol=1e-4 * logits.abs().max().item())


@pytest.mark.parametrize(
    ("name", "channels", "size"),
    [("airbench", 1, 28), ("airbench", 1, 8), ("packed_airbench", 1, 28), ("packed_airbench", 2, 2), ("airbench", 2, 2),
     ("lenet", 1, 28), ("convnet", 1, 28), ("inception_v4", 1, 28), ("vgg16", 1, 8), ("resnet18", 1, 5), ("resnet56_v2", 1, 9),
     ("lenet", 2, 16), ("convnet", 2, 3), ("inception_v4", 1, 7)],
)  # fmt: skip
def test_other_sizes_and_channels(name, channels, size):
    network = build(name, 3, in_channels=channels, image_size=size).eval()
    assert network(torch.rand(2, channels, size, size)).shape == (2, 3)


NETWORKS = [
    ("airbench", {"width1": 32, "width2": 64, "width3": 64, "residual": True, "spectral_norm": True}, 64),
    ("resnet8", {"shortcut": "projection"}, 64),
    ("resnet8", {"shortcut": "pool"}, 64),
    ("mlp", {}, 1024),
    ("mlp", {"width": 50, "layers": 4}, 50),
    ("shallow", {}, 128),
    ("densenet_bc_40_12", {}, 132),
    ("densenet_bc_100_12", {}, 342),
    ("convnet", {}, 128),
    ("resnet8", {"mod": True, "spectral_norm": True}, 64),
    ("resnet56_v2", {}, 256),
    ("spectral_batch_norm", {"of": "resnet8", "mod": True, "coeff": 0.5}, 64),
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


@pytest.mark.parametrize("name", ["mlp", "shallow", "densenet_bc_40_12", "convnet", "resnet56_v2", "resnet18", "inception_v4"])
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


def test_lenet_is_the_stated_formula():
    """Convolution, ReLU, pooling, twice; two hidden layers; the head. Every parameter learns."""
    torch.manual_seed(0)
    network = build("lenet", 3, in_channels=1, image_size=28)
    one, two, three, four, five = (
        module for module in network.modules() if isinstance(module, torch.nn.Conv2d | torch.nn.Linear)
    )
    images = torch.rand(5, 1, 28, 28)
    hidden = images
    for layer in (one, two):
        hidden = torch.nn.functional.conv2d(hidden, layer.weight, layer.bias).clamp(min=0)
        hidden = torch.nn.functional.max_pool2d(hidden, 2)
    hidden = hidden.flatten(1)
    for layer in (three, four):
        hidden = (hidden @ layer.weight.T + layer.bias).clamp(min=0)
    logits = network(images.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(logits, hidden @ five.weight.T + five.bias)
    torch.nn.functional.cross_entropy(logits, torch.arange(5) % 3).backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in network.parameters())


def dropouts(name: str, **options) -> list[float]:
    return [module.p for module in build(name, 3, image_size=8, **options).modules() if isinstance(module, Dropout)]


@pytest.mark.usefixtures("drawn_once")
def test_where_dropout_is():
    """After every ReLU; in a wide residual network between the convolutions of a block; in vgg16_dropout as published."""
    assert dropouts("resnet18", dropout=0.2) == [0.2] * (1 + 8)  # one in the stem, one in each block, which uses it twice
    assert dropouts("vgg16", dropout=0.2) == [0.2] * 13
    assert dropouts("wrn28_10", dropout=0.3) == [0.3] * 12
    assert dropouts("pyramidnet272", dropout=0.2) == [0.2] * (2 * 90 + 1)
    assert dropouts("inception_v4") == [0.2]
    assert dropouts("vgg16_dropout") == [0.3, *[0.4] * 7, 0.5, 0.5]
    assert dropouts("vgg16_dropout", dropout=0.1) == [0.1] * 10


def test_a_dense_layer_appends_to_what_it_got():
    layer = Layer(20, dropout=0.0)
    activations = torch.rand(2, 20, 4, 4)
    out = layer(activations)
    assert out.shape == (2, 20 + 12, 4, 4)
    assert torch.equal(out[:, :20], activations)


@pytest.mark.parametrize("name", ["shallow", "vgg16_dropout"])
def test_some_networks_refuse_to_train_on_a_batch_of_one_image(name):
    network = build(name, 3, image_size=8)
    with pytest.raises(UserError, match="a batch of one image in training"):
        network.train()(torch.rand(1, 3, 8, 8))
    assert network.eval()(torch.rand(1, 3, 8, 8)).shape == (1, 3)


@pytest.mark.parametrize(("name", "size"), [("shallow", 7), ("densenet_bc_40_12", 3), ("lenet", 15), ("inception_v4", 6)])
def test_too_small_images_are_refused(name, size):
    with pytest.raises(UserError, match=rf"image_size: found {size}; allowed: {size + 1} or more"):
        build(name, 10, image_size=size)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet21", {}, "found resnet21; allowed: resnet<6n.2>, the nearest is resnet20 .of another family: resnet18, "),
        ("resnet51", {}, "found resnet51; allowed: .* the nearest is resnet50 "),
        ("resnet103", {}, "the nearest is resnet104 "),
        ("resnet0", {}, "the nearest is resnet8 "),
        ("resnett50", {}, "there is no 'resnett50'; did you mean 'resnet50'"),
        ("resnet56v2", {}, "did you mean 'resnet56_v2'"),
        ("wrn_28_10", {}, "did you mean 'wrn28_10'"),
        ("resnett20", {}, "there is no 'resnett20'; did you mean 'resnet<depth>'"),
        ("resnet", {}, "there is no 'resnet'; did you mean 'resnet<depth>'"),
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
    [("lenet", {"dropout": "much"}), ("vgg16", {"mod": 1}), ("wrn28_10", {"spectral_norm": "yes"}),
     ("resnet20", {"dropout": 1.5}), ("resnet20", {"shortcut": "none"}), ("mlp", {"layers": 0}), ("mlp", {"width": 0.5}),
     ("shallow", {"dropout": 1}), ("densenet_bc_40_12", {"dropout": -0.1})],
)  # fmt: skip
def test_wrong_option_values(name, options):
    with pytest.raises(ValueError, match=next(iter(options))):
        build(name, 10, **options)


def test_the_registry_knows_a_depth_as_build_does():
    torch.manual_seed(0)
    one = models.NETWORKS["resnet8"](10)
    torch.manual_seed(0)
    other = build("resnet8", 10)
    assert all(torch.equal(one.state_dict()[name], values) for name, values in other.state_dict().items())
    assert "resnet8" not in models.NETWORKS  # families alone are listed
    for name in ("resnet9x", "lenet5", "nothing8", "resnet"[:-1]):
        with pytest.raises(KeyError, match=name):
            models.NETWORKS[name]


def test_resnet50_is_imagenets_although_50_is_6n_plus_2():
    assert split("resnet50") == ("resnet50", {})
    assert split("resnet56") == ("resnet", {"depth": 56})
    assert Networks()["resnet50"] is models.NETWORKS["resnet50"]
    assert "resnet50" in Networks()
    with pytest.raises(UserError, match="found resnet50"):
        models.NETWORKS["resnet"](10, depth=50)


MANIFEST = {"classes": ["a", "b"], "image_shape": [32, 32, 3], "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}


def test_the_classifier_normalises_inside_and_depends_on_its_seed_alone():
    one = classifier(Chosen(name="resnet8"), MANIFEST, seed=1)
    torch.rand(5)  # a disturbed global generator
    two = classifier(Chosen(name="resnet8"), MANIFEST, seed=1)
    other = classifier(Chosen(name="resnet8"), MANIFEST, seed=2)
    images = torch.rand(3, 3, 32, 32)
    scaled = (images - torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1)) / torch.tensor([0.2, 0.3, 0.4]).view(3, 1, 1)
    torch.testing.assert_close(one(images), two(images), rtol=0, atol=0)
    assert not torch.equal(one(images), other(images))
    torch.testing.assert_close(one(images), one.network(scaled))


def test_monte_carlo_dropout_samples_differ_and_batch_norm_stays_in_evaluation():
    network = classifier(Chosen(name="resnet8", options={"dropout": 0.2}), MANIFEST, seed=0).eval()
    images = torch.rand(4, 3, 32, 32)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    samples = MCDropout(samples=5).predict(network, images)
    assert samples.shape == (5, 4, 2)
    assert samples.std(dim=0).min() > 0
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    # Dropout is off again afterwards: one pass is deterministic.
    torch.testing.assert_close(Softmax().predict(network, images), network(images)[None], rtol=0, atol=0)


def test_monte_carlo_dropout_needs_dropout():
    with pytest.raises(UserError, match="network without dropout"):
        MCDropout().predict(classifier(Chosen(name="resnet8"), MANIFEST, seed=0), torch.rand(1, 3, 32, 32))


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
