"""Robustness as evaluated: attacks and shifts measured at the right place, at a known cost, the same whatever ran before."""

import numpy as np
import pytest
import torch

from softcifar.corruptions import CORRUPTIONS
from softcifar.data.splits import spaced
from softcifar.errors import UserError
from softcifar.evaluation.adversarial import LEVELS, Target, attacked, make_surrogate, nested, under_attack
from softcifar.evaluation.shifts import conditions, shifted, under_shift
from softcifar.files import write_npz
from softcifar.methods.prediction import describe, passes, penultimate, predict_logits
from softcifar.models.classifier import classifier
from softcifar.params.chosen import Chosen
from softcifar.params.sections import Attack, Shifts
from softcifar.scores import FEATURE_SCORES

ATTACKS = {
    "fgsm": Attack(eps_255=[2.0, 8.0], images=12),
    "pgd": Attack(eps_255=[4.0, 8.0], images=6, options={"steps": 3}),
    "apgd": Attack(eps_255=[8.0], images=6, options={"steps": 3, "loss": "ce", "eot": 2}),
    "random_search": Attack(eps_255=[4.0, 8.0], images=6, options={"queries": 5}),
}
SHIFTS = Shifts(corruptions=["contrast", "gaussian_noise"], severities=[1, 5], covered=[0.5], visible=[0.25], images=20)
SOFTMAX, SAMPLES = Chosen(name="softmax"), Chosen(name="mc_dropout", options={"samples": 3})
CPU = torch.device("cpu")


@pytest.fixture
def network(splits):
    return classifier(Chosen(name="resnet8", options={"dropout": 0.2}), splits[2], seed=1).eval()


def attack(network, splits, method=SOFTMAX, surrogates=None, settings=ATTACKS, seed=0):
    return under_attack(network, splits[0], method, settings, surrogates or {}, batch_size=5, seed=seed)


def test_every_attack_is_on_its_images_and_starts_from_no_attack(network, splits, tmp_path):
    write_npz(tmp_path / "a.npz", **make_surrogate(network, splits[0], SOFTMAX, ATTACKS["pgd"], [12, 6], batch_size=5, seed=3))
    found, _ = attack(network, splits, surrogates={"a": tmp_path / "a.npz"})
    shapes = {name: found[f"{name}_log_probs"].shape for name in ("fgsm", "pgd", "apgd", "random_search", "transfer_a")}
    assert shapes == {"fgsm": (3, 12, 2), "apgd": (2, 6, 2), **dict.fromkeys(("pgd", "random_search", "transfer_a"), (3, 6, 2))}
    assert found["fgsm_eps_255"].tolist() == [0, 2, 8]
    assert found["pgd_eps_255"].tolist() == [0, 4, 8]
    assert set(found["pgd_index"]) < set(found["fgsm_index"])
    logits = torch.as_tensor(predict_logits(network, splits[0].images, SOFTMAX, batch_size=60, seed=0)[0])
    for name in shapes:
        index = found[f"{name}_index"]
        expected = torch.log_softmax(logits[index], dim=-1).numpy()
        np.testing.assert_allclose(found[f"{name}_log_probs"][0], expected, atol=1e-5)
        own = found[f"{name}_log_probs"][:, np.arange(len(index)), splits[0].labels[index]].mean(axis=1)
        assert own[-1] < own[0], name  # the true class pays
    # Made on this very network, transferred images hurt it like its own (other starts; changes stored in 127ths).
    own, moved = (found[f"{name}_log_probs"][1:] for name in ("pgd", "transfer_a"))
    np.testing.assert_allclose(own.mean(axis=(1, 2)), moved.mean(axis=(1, 2)), atol=0.05)


def test_a_surrogates_images_lie_in_the_ball(network, splits):
    made = make_surrogate(network, splits[0], SOFTMAX, ATTACKS["pgd"], [12, 6], batch_size=5, seed=3)
    assert made["change"].dtype == np.int8
    assert made["change"].shape == (2, 6, 3, 8, 8)
    assert np.abs(made["change"]).max() == LEVELS
    assert (np.abs(made["change"]) == LEVELS).mean() > 0.5  # most pixels end on the boundary


@pytest.mark.parametrize("key", ["eps_255", "index"])
def test_a_surrogate_of_other_images_or_radii_is_an_error(network, splits, tmp_path, key):
    made = make_surrogate(network, splits[0], SOFTMAX, ATTACKS["pgd"], [12, 6], batch_size=5, seed=3)
    write_npz(tmp_path / "a.npz", **made | {key: made[key] + 1})
    with pytest.raises(UserError, match=r"a\.npz: was made for other test images or radii"):
        attack(network, splits, surrogates={"a": tmp_path / "a.npz"})


def test_the_cost_counts_passes_of_one_image(network, splits):
    """A gradient costs 3. FGSM: 1, 3 predictions on 12; PGD: 2 times 3 and 3 on 6; APGD: 4 and 2; search: 2 x 6 and 3.

    Of a stochastic network all is times the samples, and APGD's gradients times `eot` too.
    """
    passes_of_one_sample = 12 * (3 + 3) + 6 * (2 * 3 * 3 + 3) + 6 * (4 * 3 + 2) + 6 * (2 * 6 + 3)
    assert attack(network, splits)[1] == passes_of_one_sample
    assert attack(network, splits, SAMPLES)[1] == 3 * (passes_of_one_sample + 6 * 4 * 3)


def test_only_the_named_attacks_run_each_on_some_images_of_the_larger(network, splits):
    def left(*names):
        settings = {name: ATTACKS[name] for name in names}
        arrays = attack(network, splits, settings=settings)[0]
        return {name.removesuffix("_index"): index for name, index in arrays.items() if name.endswith("_index")}

    assert left().keys() == set()
    assert left("pgd").keys() == {"pgd"}
    both = left("fgsm", "random_search")
    assert set(both["random_search"]) < set(both["fgsm"])
    assert nested(ATTACKS) == {"fgsm": [12], "pgd": [12, 6], "apgd": [12, 6], "random_search": [12, 6]}
    assert attacked(60, [12, 6]).tolist() == attacked(60, [12])[[0, 2, 4, 7, 9, 11]].tolist()


@pytest.mark.parametrize("method", [SOFTMAX, SAMPLES], ids=["softmax", "mc_dropout"])
def test_the_seed_alone_decides(network, splits, method):
    first, _ = attack(network, splits, method)
    torch.rand(3)
    again, _ = attack(network, splits, method)
    other, _ = attack(network, splits, method, seed=1)
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
    assert not np.array_equal(first["pgd_log_probs"], other["pgd_log_probs"])


def test_a_target_predicts_by_the_mean_probability(network, splits):
    target = Target(network, SAMPLES)
    pixels = torch.as_tensor(splits[0].images[:4]).permute(0, 3, 1, 2) / 255
    torch.manual_seed(0)
    found = target.log_probs(pixels)
    torch.manual_seed(0)
    expected = torch.softmax(target.uncertainty.predict(network, pixels), dim=-1).mean(dim=0).log()
    torch.testing.assert_close(found, expected)


# Shifts


def shift(network, splits, method=SOFTMAX, settings=SHIFTS, seed=0, corrupted=None):
    known = penultimate(network, splits[0].images, batch_size=60)
    return under_shift(
        network, known, splits[0], splits[0], method, settings, corrupted or {},
        fill=[0.4] * 3, batch_size=7, images_seed=5, seed=seed,
    )  # fmt: skip


def test_published_copies_are_shifts_like_others(network, splits, tmp_path):
    images = splits[0].images
    copies = np.stack([np.full_like(images, 50 * severity) for severity in range(1, 6)])
    copies[4] = images  # severity 5 as if nothing had happened
    write_npz(tmp_path / "fog.npz", images=copies)
    found, _ = shift(network, splits, corrupted={"cifar10c_fog": tmp_path / "fog.npz"})
    at = {(name, level): place for place, (name, level) in enumerate(zip(found["shift"], found["level"], strict=True))}
    log_probs = found["log_probs"]
    np.testing.assert_allclose(log_probs[at["cifar10c_fog", 5]], log_probs[at["none", 0]], atol=1e-5)
    flat = log_probs[at["cifar10c_fog", 1]]
    np.testing.assert_allclose(flat, np.broadcast_to(flat[0], flat.shape), atol=1e-5)  # images all alike
    assert not np.allclose(flat[0], log_probs[at["none", 0]][0])


def test_conditions_are_every_corruption_at_every_severity_and_the_shares():
    assert conditions(SHIFTS) == [
        ("none", 0), ("contrast", 1), ("contrast", 5), ("gaussian_noise", 1), ("gaussian_noise", 5),
        ("occlusion", 0.5), ("crop", 0.25),
    ]  # fmt: skip
    assert conditions(Shifts(corruptions=[], severities=[], covered=[], visible=[], images=1)) == []


def test_log_probs_and_scores_are_those_of_the_shifted_images(network, splits):
    train = splits[0]
    found, cost = shift(network, splits)
    assert found["log_probs"].shape == (7, 20, 2)
    assert found["scores"].shape == (7, 2, 20)
    assert found["names"].tolist() == list(FEATURE_SCORES)
    assert cost == 7 * 20
    assert found["index"].tolist() == spaced(60, 20).tolist()
    images = train.images[found["index"]]
    pixels = torch.as_tensor(images).permute(0, 3, 1, 2) / 255
    grey = (255 * CORRUPTIONS["contrast"](pixels, 5, torch.Generator())).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    for place, expected in ((0, images), (2, grey)):
        logits = torch.as_tensor(predict_logits(network, expected, SOFTMAX, batch_size=60, seed=0)[0])
        np.testing.assert_allclose(found["log_probs"][place], torch.log_softmax(logits, dim=-1), atol=1e-5)
        features = penultimate(network, expected, batch_size=60)
        density = FEATURE_SCORES["ddu"](penultimate(network, train.images, batch_size=60), train.labels, features)
        np.testing.assert_allclose(found["scores"][place, 0], density, rtol=1e-3)


def test_every_network_meets_the_same_images(network, splits):
    """Shifted images hang on images_seed, shift and level, not on the network's own draws."""
    images = splits[0].images

    def noisy(seed, level=3.0):
        return shifted(images, "gaussian_noise", level, fill=[0.4] * 3, device=CPU, batch_size=7, seed=seed)

    assert noisy(5).dtype == np.uint8
    assert noisy(5).shape == images.shape
    np.testing.assert_array_equal(noisy(5), noisy(5))
    assert not np.array_equal(noisy(5), noisy(6))
    first, other = shift(network, splits, SAMPLES)[0], shift(network, splits, SAMPLES, seed=1)[0]
    np.testing.assert_array_equal(first["scores"], other["scores"])  # of deterministic features
    assert not np.array_equal(first["log_probs"], other["log_probs"])
    covered = shifted(images, "occlusion", 0.5, fill=[0.2, 0.4, 0.6], device=CPU, batch_size=7, seed=0)
    assert (covered == [51, 102, 153]).all(axis=-1).mean() == pytest.approx(36 / 64, abs=0.01)


@pytest.mark.parametrize("method", [SOFTMAX, SAMPLES], ids=["softmax", "mc_dropout"])
def test_describe_is_predict_and_penultimate_in_fewer_passes(network, splits, method):
    images = splits[0].images
    logits, features, own = describe(network, images, method, batch_size=7, seed=3)
    np.testing.assert_allclose(logits, predict_logits(network, images, method, batch_size=7, seed=3), atol=1e-6)
    np.testing.assert_array_equal(features, penultimate(network, images, batch_size=7))
    assert own == {}
    assert passes(method) == {"softmax": 1, "mc_dropout": 4}[method.name]


def test_the_own_score_of_a_method_is_kept(splits):
    method = Chosen(name="sngp", options={"features": 16})
    network = classifier(Chosen(name="resnet8"), splits[2], seed=1, method=method).eval()
    found, cost = shift(network, splits, method)
    assert found["names"].tolist() == [*FEATURE_SCORES, "variance"]
    assert found["scores"].shape == (7, 3, 20)
    assert (found["scores"][:, 2] > 0).all()
    assert cost == 7 * 20 * 3  # prediction, features, variance


def test_no_shift_is_no_array(network, splits):
    none = Shifts(corruptions=[], severities=[], covered=[], visible=[], images=5)
    assert shift(network, splits, settings=none) == ({}, 0)
