"""Corruptions: what all of them promise, and each one's own arithmetic against a definition or another implementation."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from softcifar.corruptions import CORRUPTIONS
from softcifar.corruptions.blur import smooth
from softcifar.corruptions.cover import crop, occlude
from softcifar.corruptions.fog import clouds
from softcifar.corruptions.pixelate import box_weights
from softcifar.data.shapes import SHAPES
from softcifar.errors import UserError
from softcifar.methods.prediction import to_pixels

SEVERITIES = (1, 2, 3, 4, 5)
EVERY = pytest.mark.parametrize("name", CORRUPTIONS)
RGB_ONLY = {"saturate"}
# As published: paler before it is more colourful; the largest affine map at severity 1, the least displacement there.
NOT_MONOTONE = {"saturate", "elastic_transform"}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> torch.Tensor:
    """60 images of the shapes data set: (60, 3, 32, 32)."""
    folder = tmp_path_factory.mktemp("shapes")
    SHAPES.fetch(folder, train=60, test=60)
    return to_pixels(torch.as_tensor(SHAPES.read(folder)["train"].images))


def corrupted(name: str, images: torch.Tensor, severity: int, seed: int = 0) -> torch.Tensor:
    return CORRUPTIONS[name](images, severity, generator(seed))


@EVERY
class TestEveryCorruption:
    def test_it_stays_in_range_changes_images_and_leaves_its_input(self, name, images):
        before = images.clone()
        for severity in SEVERITIES:
            found = corrupted(name, images, severity)
            assert found.shape == images.shape
            assert found.dtype == torch.float32
            assert found.min() >= 0
            assert found.max() <= 1
            assert (found - images).abs().mean() > 1e-3
        assert torch.equal(images, before)

    def test_a_higher_severity_changes_more(self, name, images):
        change = [(corrupted(name, images, severity) - images).square().mean().item() for severity in SEVERITIES]
        if name not in NOT_MONOTONE:
            assert change == sorted(change)
        assert len(set(change)) == 5

    def test_the_generator_alone_decides(self, name, images):
        first = corrupted(name, images, 3)
        torch.rand(7)
        assert torch.equal(first, corrupted(name, images, 3))
        draws = not torch.equal(first, corrupted(name, images, 3, seed=1))
        assert draws == (
            name not in {"gaussian_blur", "defocus_blur", "brightness", "contrast", "saturate", "pixelate", "jpeg_dct"}
        )

    def test_every_image_has_its_own_draw(self, name, images):
        twins = images[:1].expand(2, -1, -1, -1).contiguous()
        one, other = corrupted(name, twins, 3)
        draws = not torch.equal(corrupted(name, images, 3), corrupted(name, images, 3, seed=1))
        assert torch.allclose(one, other, atol=1e-6) == (not draws)

    def test_images_of_one_channel_and_other_sizes(self, name, images):
        grey = images.mean(dim=1, keepdim=True)[:, :, :28, :24]
        if name in RGB_ONLY:
            with pytest.raises(UserError, match=r"found images of 1 channel\(s\); allowed: 3"):
                corrupted(name, grey, 2)
            return
        found = corrupted(name, grey, 2)
        assert found.shape == grey.shape
        assert 1e-4 < (found - grey).abs().mean() < 0.5

    @pytest.mark.parametrize("severity", [0, 6, 2.5])
    def test_another_severity_is_an_error(self, name, images, severity):
        with pytest.raises(UserError, match="severity: found"):
            corrupted(name, images, severity)


# Noise


@pytest.mark.parametrize("severity", SEVERITIES)
def test_noise_has_the_published_variance(severity):
    """At .4 no draw is clipped, and variances are known: sigma^2, mean / photons, (mean sigma)^2, and of two-point noise."""
    level = 0.4
    flat = torch.full((20, 3, 64, 64), level)
    place = severity - 1
    share = [0.01, 0.02, 0.03, 0.05, 0.07][place]
    expected = {
        "gaussian_noise": [0.04, 0.06, 0.08, 0.09, 0.1][place] ** 2,
        "shot_noise": level / [500, 250, 100, 75, 50][place],
        "speckle_noise": (level * [0.06, 0.1, 0.12, 0.16, 0.2][place]) ** 2,
        "impulse_noise": share / 2 * (level**2 + (1 - level) ** 2) - (share * (0.5 - level)) ** 2,
    }
    for name, variance in expected.items():
        found = corrupted(name, flat, severity)
        assert found.var().item() == pytest.approx(variance, rel=0.03), name
        bias = share * (0.5 - level) if name == "impulse_noise" else 0
        assert found.mean().item() == pytest.approx(level + bias, abs=1e-3), name


def test_impulses_are_black_or_white_and_the_rest_stays():
    flat = torch.full((20, 3, 32, 32), 0.4)
    found = corrupted("impulse_noise", flat, 5)
    assert set(found.unique().tolist()) == {0.0, flat[0, 0, 0, 0].item(), 1.0}
    assert (found == 0).float().mean().item() == pytest.approx((found == 1).float().mean().item(), abs=0.005)


# Blur


@pytest.mark.parametrize(
    "name", ["gaussian_blur", "defocus_blur", "motion_streak", "pixelate", "elastic_transform", "contrast"]
)
@pytest.mark.parametrize("severity", SEVERITIES)
def test_what_mixes_pixels_keeps_constant_images(name, severity):
    flat = torch.tensor([0.1, 0.5, 0.9]).view(1, 3, 1, 1).expand(2, -1, 32, 32)
    torch.testing.assert_close(corrupted(name, flat, severity), flat.contiguous(), atol=1e-5, rtol=0)


def test_gaussian_blur_is_scipys(images):
    from scipy.ndimage import gaussian_filter

    for severity, spread in zip(SEVERITIES, (0.4, 0.6, 0.7, 0.8, 1.0), strict=True):
        expected = gaussian_filter(images.double().numpy(), (0, 0, spread, spread), mode="nearest", truncate=4)
        np.testing.assert_allclose(corrupted("gaussian_blur", images, severity).numpy(), expected, atol=1e-6)


def test_mirrored_smoothing_is_scipys(images):
    from scipy.ndimage import gaussian_filter

    expected = gaussian_filter(images.double().numpy(), (0, 0, 6.4, 6.4), mode="reflect", truncate=3)
    np.testing.assert_allclose(smooth(images, 6.4, cut=3, edges="symmetric").numpy(), expected, atol=1e-6)


def test_defocus_spreads_a_point_over_its_disk():
    """Radius 1.5 covers the 3x3 pixels around a point; the softening leaks next to nothing; .3 is the softening alone."""
    point = torch.zeros(1, 1, 15, 15)
    point[0, 0, 7, 7] = 1
    wide = corrupted("defocus_blur", point, 5)[0, 0]
    torch.testing.assert_close(wide[6:9, 6:9], torch.full((3, 3), 1 / 9), atol=1e-6, rtol=0)
    weights = torch.exp(-0.5 * torch.tensor([1.0, 0.0, 1.0]) / 0.4**2)
    narrow = corrupted("defocus_blur", point, 1)[0, 0]
    torch.testing.assert_close(narrow[6:9, 6:9], torch.outer(weights, weights) / weights.sum() ** 2)
    assert narrow.sum().item() == pytest.approx(1)


def test_a_streak_is_one_sided_along_its_angle():
    points = torch.zeros(200, 1, 41, 41)
    points[:, 0, 20, 20] = 1
    found = corrupted("motion_streak", points, 5)[:, 0]
    torch.testing.assert_close(found.sum(dim=(1, 2)), torch.ones(200), atol=1e-4, rtol=0)
    centre_x = (found.sum(dim=1) * (torch.arange(41) - 20)).sum(dim=1)
    centre_y = (found.sum(dim=2) * (torch.arange(41) - 20)).sum(dim=1)
    steps = np.arange(10)
    weights = np.exp(-0.5 * (steps / 2.5) ** 2)
    torch.testing.assert_close(
        torch.hypot(centre_x, centre_y), torch.full((200,), float((steps * weights).sum() / weights.sum())), atol=1e-3, rtol=0
    )
    angles = torch.rad2deg(torch.atan2(centre_y, centre_x.abs()))
    assert (centre_x < 0).all()  # one side only
    assert -45.1 <= angles.min() < -35
    assert 35 < angles.max() <= 45.1


# Colour


def test_brightness_and_saturation_are_those_of_hsv(images):
    import colorsys

    pixels = images[0].permute(1, 2, 0).reshape(-1, 3)
    pixels = torch.cat([pixels, torch.tensor([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5], [1.0, 0.2, 0.2]])])
    for severity, more, factor, added in ((2, 0.1, 0.1, 0.0), (5, 0.3, 2.5, 0.2)):
        bright, vivid = [], []
        for h, s, v in (colorsys.rgb_to_hsv(*pixel.tolist()) for pixel in pixels):
            bright.append(colorsys.hsv_to_rgb(h, s, min(v + more, 1)))
            vivid.append(colorsys.hsv_to_rgb(h, min(s * factor + added, 1), v))
        as_image = pixels.T[None, :, :, None]
        for name, expected in (("brightness", bright), ("saturate", vivid)):
            found = corrupted(name, as_image, severity)[0, :, :, 0].T
            torch.testing.assert_close(found, torch.tensor(expected), atol=1e-5, rtol=0)


def test_contrast_keeps_the_mean_and_shrinks_the_spread(images):
    for severity, left in zip(SEVERITIES, (0.75, 0.5, 0.4, 0.3, 0.15), strict=True):
        found = corrupted("contrast", images, severity)
        torch.testing.assert_close(found.mean(dim=(2, 3)), images.mean(dim=(2, 3)), atol=1e-5, rtol=0)
        torch.testing.assert_close(found.std(dim=(2, 3)), left * images.std(dim=(2, 3)), atol=1e-5, rtol=0)


# Fog, pixelate, JPEG, elastic


def test_clouds_span_the_range_tile_and_are_smoother_where_they_decay_faster():
    found = {decay: clouds(50, 32, decay, generator(), torch.device("cpu")) for decay in (3.0, 1.75)}
    for heights in found.values():
        assert heights.amin(dim=(1, 2)).tolist() == [0] * 50
        assert heights.amax(dim=(1, 2)).tolist() == pytest.approx([1] * 50)
    rough = {decay: heights.diff(dim=2).abs().mean() for decay, heights in found.items()}
    assert rough[1.75] > 1.3 * rough[3.0]
    seam = (found[3.0][:, :, 0] - found[3.0][:, :, -1]).abs().mean()
    assert seam < 2 * rough[3.0]


def test_fog_on_a_flat_image_is_the_clouds_scaled():
    flat = torch.full((4, 3, 32, 32), 0.5)
    expected = (0.5 + 0.75 * clouds(4, 32, 2.5, generator(), torch.device("cpu"))) * 0.5 / 1.25
    found = corrupted("fog", flat, 3)
    torch.testing.assert_close(found, expected[:, None].expand(-1, 3, -1, -1))


def to_pillow(images: torch.Tensor) -> list[Image.Image]:
    return [Image.fromarray((255 * image).round().byte().permute(1, 2, 0).numpy()) for image in images]


def test_pixelate_is_pillows_box_filter(images):
    for severity, side in zip(SEVERITIES, (30, 28, 27, 24, 20), strict=True):
        expected = [np.asarray(i.resize((side, side), Image.BOX).resize((32, 32), Image.BOX)) for i in to_pillow(images)]
        found = 255 * corrupted("pixelate", images, severity).permute(0, 2, 3, 1).numpy()
        assert np.abs(found - np.stack(expected)).max() <= 1.01  # Pillow rounds twice
    assert box_weights(4, 2) == [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]]


@pytest.mark.parametrize("grey", [False, True])
def test_jpeg_loses_what_a_library_loses(images, grey):
    """Our float arithmetic and a library's integers agree within a level or two on average, far closer than the loss itself."""
    for severity, quality in zip(SEVERITIES, (80, 65, 58, 50, 40), strict=True):
        given = images.mean(dim=1, keepdim=True) if grey else images
        expected = []
        for image in to_pillow(given.expand(-1, 3, -1, -1)):
            buffer = io.BytesIO()
            (image.convert("L") if grey else image).save(buffer, "JPEG", quality=quality)
            expected.append(np.asarray(Image.open(buffer).convert("RGB")))
        found = 255 * corrupted("jpeg_dct", given, severity).expand(-1, 3, -1, -1).permute(0, 2, 3, 1).numpy()
        errors = np.abs(found - np.stack(expected))
        assert np.quantile(errors, 0.99) <= 9  # 8 and 4 of photographs
        error = errors.mean()
        loss = np.abs(255 * given.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).numpy() - np.stack(expected)).mean()
        assert error < min(2, loss / 4)


def test_an_elastic_image_keeps_its_content(images):
    """What moves is the place, not the colours: the histogram of a smooth image stays."""
    ramp = torch.linspace(0, 1, 32).expand(8, 1, 32, 32)
    for severity in SEVERITIES:
        found = corrupted("elastic_transform", ramp, severity)
        assert (found - ramp).abs().max() < 0.5
        assert (found.mean(dim=(1, 2, 3)) - 0.5).abs().max() < 0.12
    # At severity 1 there is no displacement: the image of a ramp is a ramp, its second differences 0 but for the mirrored edge.
    bends = corrupted("elastic_transform", ramp, 1)[:, 0, 12:20, 12:20].diff(n=2, dim=2)
    assert bends.abs().max() < 1e-4


# Occlusion and crop

FILL = torch.tensor([0.2, 0.4, 0.6])


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8, 1.0])
def test_occlusion_covers_one_square_of_that_share(share):
    images = torch.ones(50, 3, 32, 32)
    found = occlude(images, share, generator(), FILL)
    hidden = (found == FILL.view(1, 3, 1, 1)).all(dim=1)
    side = round(32 * share**0.5)
    assert (hidden.sum(dim=(1, 2)) == side**2).all()
    assert ((hidden.any(dim=1).sum(dim=1) == side) & (hidden.any(dim=2).sum(dim=1) == side)).all()
    if 0 < share < 1:
        assert len({tuple(row.tolist()) for row in hidden.any(dim=1)}) > 3  # at several places


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9, 1.0])
def test_a_crop_shows_a_shifted_part_of_that_share(share):
    images = torch.arange(32 * 32.0).view(1, 1, 32, 32).expand(100, 3, -1, -1)
    found = crop(images, share, generator(), torch.full((3,), -1.0))
    inside = found[:, 0] >= 0
    shown = inside.float().mean(dim=(1, 2))
    assert (shown - share).abs().max() < 0.035  # whole pixels
    # Every pixel that is seen has moved by the same shift.
    for one, mask in zip(found[:, 0], inside, strict=True):
        assert len((one - images[0, 0])[mask].unique()) == 1
    corners = {(mask[0, 0].item(), mask[0, -1].item(), mask[-1, 0].item(), mask[-1, -1].item()) for mask in inside}
    assert len(corners) >= (1 if share == 1 else 4)  # in all directions


@pytest.mark.parametrize("cover", [occlude, crop])
def test_a_share_out_of_range(cover):
    with pytest.raises(UserError, match=r"found 1\.2; allowed: 0 to 1"):
        cover(torch.ones(1, 3, 8, 8), 1.2, generator(), FILL)
