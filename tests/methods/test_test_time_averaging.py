"""Test-time averaging: which views it takes and how much each counts, what it costs, and that it trains nothing."""

import pytest
import torch

from softcifar.methods import TestTimeAveraging
from softcifar.methods.prediction import passes
from softcifar.params.chosen import Chosen


class Linear(torch.nn.Module):
    """Logits linear in the pixels, and the pictures that it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.seen = torch.randn(2, 3 * 5 * 5, generator=torch.Generator().manual_seed(0)), []

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        self.seen.append(pixels)
        return pixels.flatten(1) @ self.weight.T


def test_a_mirror_image_counts_like_the_image():
    network, pixels = Linear(), torch.rand(4, 3, 5, 5)
    found = TestTimeAveraging(views="mirror").predict(network, pixels)
    torch.testing.assert_close(found, ((network(pixels) + network(pixels.flip(3))) / 2)[None])


def test_shifted_images_have_half_the_weight():
    network, pixels = Linear(), torch.rand(4, 3, 5, 5)
    found = TestTimeAveraging().predict(network, pixels)[0]
    shown = network.seen
    assert torch.equal(shown[0], pixels)
    for plain, by in ((shown[2], 1), (shown[4], -1)):
        assert torch.equal(plain[..., 1:-1, 1:-1], torch.roll(pixels, (by, by), dims=(2, 3))[..., 1:-1, 1:-1])
    for plain, mirror in zip(shown[::2], shown[1::2], strict=True):
        assert torch.equal(plain.flip(3), mirror)
    weights = [1 / 4, 1 / 4, 1 / 8, 1 / 8, 1 / 8, 1 / 8]
    expected = sum(weight * network(each) for weight, each in zip(weights, shown[:6], strict=True))
    torch.testing.assert_close(found, expected)


def test_averaging_over_mirrors_does_not_tell_an_image_from_its_mirror_image():
    network, pixels = Linear(), torch.rand(4, 3, 5, 5)
    method = TestTimeAveraging(views="mirror")
    torch.testing.assert_close(method.predict(network, pixels), method.predict(network, pixels.flip(3)))


@pytest.mark.parametrize(("views", "count"), [("mirror", 2), ("mirror_shift", 6)])
def test_it_costs_a_pass_per_view_and_trains_nothing(views, count):
    network = Linear()
    TestTimeAveraging(views=views).predict(network, torch.rand(1, 3, 5, 5))
    assert len(network.seen) == count
    assert passes(Chosen(name="test_time_averaging", options={"views": views})) == 1 + count
    assert not TestTimeAveraging.trains()
