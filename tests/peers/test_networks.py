"""Networks against torchvision and torch-uncertainty: with their weights, in their order, ours give the same logits."""

import pytest
import torch
import torchvision
from torch import nn

from softcifar.models.build import build
from tests.peers.conftest import peer

SIZE = 16  # small images for the large networks


def parameters(network: nn.Module) -> int:
    return sum(each.numel() for each in network.parameters())


def assert_same(ours: nn.Module, theirs: nn.Module, size: int = SIZE) -> None:
    """Their random weights and statistics in our network: the same logits in training and in evaluation, and gradients."""
    torch.manual_seed(0)
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
    state = list(theirs.state_dict().values())
    assert [each.shape for each in ours.state_dict().values()] == [each.shape for each in state]
    ours.load_state_dict(dict(zip(ours.state_dict(), state, strict=True)))
    ours.double(), theirs.double()
    images = torch.rand(3, 3, size, size, dtype=torch.float64)
    torch.testing.assert_close(ours.eval()(images), theirs.eval()(images), rtol=1e-9, atol=1e-10)
    slopes = []
    for network in (ours.train(), theirs.train()):
        network(images).logsumexp(dim=1).sum().backward()
        slopes.append(torch.cat([each.grad.flatten() for each in network.parameters()]))
    torch.testing.assert_close(*slopes, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(ours.eval()(images), theirs.eval()(images), rtol=1e-9, atol=1e-10)  # statistics moved alike


LARGE = pytest.mark.slow


@pytest.mark.parametrize(
    "depth", [18, pytest.param(34, marks=LARGE), pytest.param(50, marks=LARGE), pytest.param(101, marks=LARGE)]
)
def test_resnets_are_torchvisions_with_another_stem(depth):
    theirs = getattr(torchvision.models, f"resnet{depth}")(num_classes=10)
    theirs.conv1, theirs.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    ours = build(f"resnet{depth}", 10)
    assert parameters(ours) == parameters(theirs)
    assert_same(ours, theirs)


@pytest.mark.parametrize(("depth", "layers"), [(40, 6), (100, 16)])
def test_densenets_are_torchvisions_with_another_stem(depth, layers):
    theirs = torchvision.models.DenseNet(12, (layers,) * 3, num_init_features=24, bn_size=4, num_classes=10)
    theirs.features.conv0 = nn.Conv2d(3, 24, 3, padding=1, bias=False)
    del theirs.features.norm0, theirs.features.relu0, theirs.features.pool0
    ours = build(f"densenet_bc_{depth}_12", 10)
    assert parameters(ours) == parameters(theirs)
    assert_same(ours, theirs)


def test_vgg16_is_torchvisions_without_biases_and_hidden_layers():
    theirs = torchvision.models.vgg16_bn(num_classes=10)
    for module in theirs.features:
        if isinstance(module, nn.Conv2d):
            module.bias = None
    theirs.avgpool, theirs.classifier = nn.AdaptiveAvgPool2d(1), nn.Linear(512, 10)
    ours = build("vgg16", 10)
    assert parameters(ours) == parameters(theirs)
    assert_same(ours, theirs, size=32)


@pytest.mark.parametrize("depth", [20, 32, 56, 110])
def test_small_resnets_are_torch_uncertaintys(depth):
    style = peer("torch_uncertainty.models.classification.resnet.utils").ResNetStyle.CIFAR
    std = peer("torch_uncertainty.models.classification.resnet.std")
    theirs = std._ResNet(
        std._BasicBlock, [(depth - 2) // 6] * 3, 3, 10, conv_bias=False, dropout_rate=0.0, groups=1,
        style=style, in_planes=16,
    )  # fmt: skip
    ours = build(f"resnet{depth}", 10)
    assert parameters(ours) == parameters(theirs)
    assert_same(ours, theirs)


def test_lenet_is_torch_uncertaintys():
    theirs = peer("torch_uncertainty.models.classification").lenet(1, 10)
    ours = build("lenet", 10, in_channels=1, image_size=28)
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    images = torch.rand(20, 1, 28, 28)
    torch.testing.assert_close(ours(images), theirs(images))


def test_wide_resnet_has_the_convolutions_of_torch_uncertaintys():
    """Not the same logits: batch norm and ReLU come after the convolutions there, before them here, as in the paper."""
    theirs = peer("torch_uncertainty.models.classification").wideresnet28x10(3, 10, conv_bias=False, style="cifar")
    ours = build("wrn28_10", 10)
    assert abs(parameters(ours) - parameters(theirs)) < 0.001 * parameters(theirs)
    convolutions = [sum(m.weight.numel() for m in net.modules() if isinstance(m, nn.Conv2d)) for net in (ours, theirs)]
    assert convolutions[0] == convolutions[1]
