"""Augmentations, corruptions and covers run on the device and keep what they promise."""

import functools

import pytest
import torch

from softcifar.augment import AUGMENTATIONS
from softcifar.augment.mixing import draw_pairs
from softcifar.augment.operations import GEOMETRIC, OPERATIONS, PHOTOMETRIC, amounts, apply
from softcifar.augment.policy import augment
from softcifar.augment.trivialaugment import WIDE
from softcifar.corruptions import CORRUPTIONS
from softcifar.corruptions.cover import crop, occlude
from softcifar.corruptions.severity import SEVERITIES
from softcifar.evaluation.shifts import shifted
from softcifar.methods.prediction import to_pixels
from softcifar.models.dropout import Dropout
from softcifar.params.chosen import Chosen
from tests.cuda.helpers import CPU, DEVICE, VALIDATION, apart, pixels, targets

STEPS = [
    *(Chosen(name=name) for name in AUGMENTATIONS),
    Chosen(name="crop_flip", options={"fill": "reflect", "padding": 2}),
    Chosen(name="crop_flip", options={"flip": "alternate"}),
    Chosen(name="mixup", options={"alpha": 0.02, "q": 0.5}),
    Chosen(name="cutmix", options={"alpha": 1.0, "q": 0.5}),
    Chosen(name="soft_crop", options={"mode": "published"}),
    Chosen(name="randaugment", options={"ops": 3, "magnitude": 20}),
]
STILL = ("gaussian_blur", "defocus_blur", "brightness", "contrast", "saturate", "pixelate", "jpeg_dct")  # draw nothing


def generator(seed: int = 0, device: torch.device = DEVICE) -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


def shown(step: Chosen) -> str:
    return "-".join([step.name, *(f"{key}={value}" for key, value in step.options.items())])


@pytest.mark.skipif(DEVICE.type != "cuda", reason="needs a CUDA device: set_sync_debug_mode finds what waits for one")
def test_images_without_a_label_are_left_out_without_waiting_for_the_device():
    images, wanted = pixels(64).to(DEVICE), targets(64).to(DEVICE)
    wanted[::3] = 0
    draws = generator()
    torch.cuda.set_sync_debug_mode("error")
    try:
        AUGMENTATIONS["labelled_only"](images, wanted, draws)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize("step", STEPS, ids=shown)
def test_augmentations(step, channels_last):
    images, wanted = pixels(64).to(DEVICE), targets(64).to(DEVICE)
    images = images if channels_last else images.contiguous()
    turn = torch.arange(64, device=DEVICE) % 2 == 0
    if step.name == "labelled_only":
        wanted[::3] = 0  # images without a label, else it draws nothing
    before, before_wanted = images.clone(), wanted.clone()
    results = [augment([step], images, wanted, generator(seed), turn) for seed in (1, 1, 2)]
    for made, mixed, weights in results:
        assert (made.shape, made.dtype, made.device) == (images.shape, images.dtype, images.device)
        assert (mixed.shape, mixed.dtype, mixed.device) == (wanted.shape, wanted.dtype, wanted.device)
        assert (weights.shape, weights.dtype, weights.device) == ((64,), wanted.dtype, wanted.device)
        assert made.isfinite().all()
        assert -1e-6 <= made.min().item() <= made.max().item() <= 1 + 1e-6
        assert mixed.min().item() >= 0
        torch.testing.assert_close(mixed.sum(dim=1), torch.ones(64, device=DEVICE))
        assert 0 < weights.min().item() <= weights.max().item() <= 1 + 1e-6
    assert all(torch.equal(one, two) for one, two in zip(*results[:2], strict=True))
    assert not torch.equal(results[0][0], results[2][0])
    assert torch.equal(images, before)
    assert torch.equal(wanted, before_wanted)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_equal_the_cpus(name, channels):
    """All magnitudes. Where a sum is rounded otherwise, a level or a nearest pixel may be the next one: in few places."""
    number = OPERATIONS.index(name)
    table = amounts(WIDE)[number]
    images = pixels(len(table), channels=channels)
    chosen = torch.full((len(table),), number)
    on_cpu = apply(images, chosen, table)
    made = apply(images.to(DEVICE), chosen.to(DEVICE), table.to(DEVICE)).cpu()
    assert (made.shape, made.dtype) == (on_cpu.shape, on_cpu.dtype)
    assert ((made - on_cpu).abs() > 1e-5).double().mean().item() < (0.03 if name in GEOMETRIC else 0.002)
    assert name == "identity" or name in GEOMETRIC or name in PHOTOMETRIC


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", CORRUPTIONS)
def test_corruptions(name, severity):
    images = pixels(32).to(DEVICE)
    before = images.clone()
    one, two, other = (CORRUPTIONS[name](images, severity, generator(seed)) for seed in (1, 1, 2))
    assert (one.shape, one.dtype, one.device) == (images.shape, images.dtype, images.device)
    assert 0 <= one.min().item() <= one.max().item() <= 1
    assert torch.equal(one, two)
    assert torch.equal(images, before)
    assert torch.equal(one, other) == (name in STILL)
    assert not torch.equal(one, images)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", STILL)
@pytest.mark.usefixtures("full_float32")
def test_corruptions_that_draw_nothing_equal_the_cpus(name, severity):
    """Within 1e-5; a coefficient of jpeg_dct at the middle of two steps may be rounded to the other one."""
    made, on_cpu = (CORRUPTIONS[name](pixels(32).to(each), severity, generator(0, each)).cpu() for each in (DEVICE, CPU))
    assert ((made - on_cpu).abs() > 1e-5).double().mean().item() < (0.02 if name == "jpeg_dct" else 1e-12)


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if name not in STILL])
def test_corruptions_that_draw_have_the_cpus_strength(name):
    """Mean and spread of the change over many images, for the draws themselves differ."""
    moments = []
    for device in (DEVICE, CPU):
        images = pixels(256).to(device)
        change = (CORRUPTIONS[name](images, 3, generator(4, device)) - images).cpu()
        moments.append((change.mean().item(), change.std().item()))
    assert moments[0][0] == pytest.approx(moments[1][0], abs=0.02)
    assert moments[0][1] == pytest.approx(moments[1][1], rel=0.1)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("cover", [occlude, crop])
def test_covers(cover, share):
    images, fill = pixels(16).to(DEVICE), torch.tensor([0.5, 0.4, 0.3])  # the fill lies on the CPU, as in an evaluation
    made = cover(images, share, generator(), fill)
    assert (made.shape, made.dtype, made.device) == (images.shape, images.dtype, images.device)
    nothing = share == (0.0 if cover is occlude else 1.0)
    assert torch.equal(made, images) == nothing


@pytest.mark.parametrize(("shift", "level"), [("none", 0), ("fog", 3), ("pixelate", 2), ("occlusion", 0.2), ("crop", 0.5)])
def test_shifted_images_are_the_same_twice(shift, level):
    made = functools.partial(shifted, VALIDATION.images, shift, level, fill=[0.5] * 3, device=DEVICE, batch_size=25, seed=1)
    assert (made() == made()).all()
    assert made().shape == VALIDATION.images.shape


def test_pixels_are_the_cpus():
    images = torch.as_tensor(VALIDATION.images)
    assert apart(to_pixels(images.to(DEVICE)), to_pixels(images)) < 1e-7


@pytest.mark.parametrize("alpha", [0.01, 0.2, 1.0, 20.0])
def test_shares_of_mixing_have_their_law(alpha):
    partner, share = draw_pairs(20_000, alpha, 1.0, generator(), DEVICE)
    assert partner.device.type == share.device.type == DEVICE.type
    assert partner.sort().values.tolist() == list(range(20_000))
    assert share.mean().item() == pytest.approx(0.5, abs=0.02)
    assert share.var().item() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.05)


@pytest.mark.parametrize("p", [0.1, 0.5])
@pytest.mark.parametrize("shape", [(64, 33), (16, 7, 9, 9)])
def test_dropout_has_its_share(shape, p):
    torch.manual_seed(0)
    made = Dropout(p).train()(torch.ones(400, *shape, device=DEVICE).flatten(0, 1))
    assert (made == 0).double().mean().item() == pytest.approx(p, abs=0.01)
    assert made.mean().item() == pytest.approx(1, abs=0.02)
