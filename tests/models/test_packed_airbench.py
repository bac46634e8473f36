"""The packed network: its members know nothing of each other, and alone one is airbench."""

import pytest
import torch

from softcifar.errors import UserError
from softcifar.models.airbench import airbench
from softcifar.models.packed_airbench import packed_airbench

SMALL = {"width1": 8, "width2": 16, "width3": 16}


def packed(**options: object) -> torch.nn.Module:
    torch.manual_seed(0)
    return packed_airbench(5, **{**SMALL, "members": 4, "alpha": 2.0, **options})


@pytest.mark.parametrize("options", [{}, {"whitening": False}, {"gamma": 2}, {"norm_scale": True}, {"alpha": 1.0}])
def test_the_loss_of_a_member_has_no_gradient_in_another_ones_weights(options):
    network = packed(**options)
    logits = network(torch.randn(6, 3, 32, 32))
    assert logits.shape == (6, 4, 5)
    for member in range(4):
        network.zero_grad()
        logits[:, member].square().sum().backward(retain_graph=True)
        for name, parameter in network.named_parameters():
            assert len(parameter) % 4 == 0, name
            moved = [bool((part != 0).any()) for part in parameter.grad.chunk(4)]
            assert moved == [each == member for each in range(4)], name


@pytest.mark.parametrize("size", [8, 32])
@pytest.mark.parametrize("options", [{}, {"whitening": False, "dirac": False}, {"norm_scale": True}])
def test_one_member_of_full_width_is_airbench(options, size):
    torch.manual_seed(0)
    alone = airbench(5, image_size=size, **SMALL, **options)
    network = packed(members=1, alpha=1.0, image_size=size, **options)
    pixels = torch.randn(6, 3, size, size)
    torch.testing.assert_close(network(pixels)[:, 0], alone(pixels))  # in training, from the same seed
    alone.eval(), network.eval()
    torch.testing.assert_close(network.features(pixels), alone.features(pixels))
    torch.testing.assert_close(network(pixels), alone(pixels).log_softmax(dim=1))


def test_every_member_is_an_airbench_of_its_share_of_the_widths():
    network, pixels = packed().eval(), torch.randn(6, 3, 32, 32)
    members = network.head.members(network.features(pixels))
    tensors = network.state_dict()
    for number in range(4):
        alone = airbench(5, width1=4, width2=8, width3=8).eval()
        own = {name: tensor.chunk(4)[number] if tensor.ndim else tensor for name, tensor in tensors.items()}
        own["head.weight"] = own["head.weight"][0]
        alone.load_state_dict(own)
        torch.testing.assert_close(members[:, number], alone(pixels))
    assert sum(each.numel() for each in network.parameters()) == 4 * sum(each.numel() for each in alone.parameters())


def test_in_evaluation_it_gives_the_mean_probability_of_its_members():
    network, pixels = packed().eval(), torch.randn(6, 3, 32, 32)
    mean = network.head.members(network.features(pixels)).softmax(dim=2).mean(dim=1)
    torch.testing.assert_close(network(pixels).exp(), mean)


def test_the_whitening_is_every_members():
    covariance = torch.diag(torch.arange(1.0, 13.0)).tolist()
    network, alone = packed(covariance=covariance), airbench(5, **SMALL, covariance=covariance)
    assert "stem.weight" not in dict(network.named_parameters())
    for filters in network.stem.weight.chunk(4):
        assert torch.equal(filters, alone.stem.weight)


def test_parameters_of_the_default():
    assert sum(each.numel() for each in packed_airbench(10).parameters()) == 1_988_960


@pytest.mark.parametrize("options", [{"members": 3}, {"width2": 15}, {"alpha": 0.3}, {"members": 4, "gamma": 5}])
def test_widths_that_members_do_not_divide_are_refused(options):
    with pytest.raises(UserError, match=r"^network packed_airbench: found .* allowed: multiples of \d+ \(members \d times"):
        packed(**options)
