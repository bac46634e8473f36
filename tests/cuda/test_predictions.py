"""What is made of trained weights: attacks, losses, scores, heads; on the device as on the CPU."""

import copy

import numpy as np
import pytest
import torch

from softcifar import metrics
from softcifar.attacks import ATTACKS
from softcifar.attacks.apgd import difference_of_logits_ratio
from softcifar.attacks.objective import input_gradient, log_odds
from softcifar.calibrators.temperature import fit_temperature
from softcifar.evaluation.adversarial import make_surrogate, under_attack
from softcifar.evaluation.shifts import under_shift
from softcifar.files import write_npz
from softcifar.labels import LABEL_SOURCES
from softcifar.labels.source import inputs
from softcifar.losses import LOSSES
from softcifar.losses.distillation import distillation
from softcifar.methods import METHODS
from softcifar.methods.prediction import describe, penultimate, predict_logits, predictive_log_probs, to_pixels
from softcifar.models.classifier import classifier
from softcifar.params.sections import Attack, Shifts
from softcifar.scores import FEATURE_SCORES, LOGIT_SCORES
from tests.cuda.helpers import AIRBENCH, CPU, DEVICE, MANIFEST, PACKED, TRAIN, VALIDATION, apart, targets, task, trained

pytestmark = pytest.mark.usefixtures("full_float32")
QUICK = {"fgsm": {}, "pgd": {"steps": 5}, "apgd": {"steps": 8}, "random_search": {"queries": 10}}
EPS = [0.0, 2 / 255, 8 / 255]
BY_METHOD = {
    "softmax": {"method": "softmax"},
    "mc_dropout": {"method": {"name": "mc_dropout", "samples": 3}, "network": {**AIRBENCH, "dropout": 0.1}},
    "mc_filter_dropout": {
        "method": {"name": "mc_filter_dropout", "samples": 3},
        "network": {**AIRBENCH, "dropout": 0.1},
    },
    "sngp": {"method": {"name": "sngp", "features": 64, "mean_field": "fitted"}},
    "sngp_moving_average": {"method": {"name": "sngp_moving_average", "features": 64, "momentum": 0.5}},
    "sngp, softmax likelihood": {"method": {"name": "sngp", "features": 64, "likelihood": "softmax"}},
    "duq": {"method": {"name": "duq", "embedding": 16, "length_scale": 0.3, "momentum": 0.9}, "epochs": 1},
    "test_time_averaging": {"method": "test_time_averaging"},
    "laplace": {"method": "laplace"},
    "laplace, drawn": {"method": {"name": "laplace", "hessian": "kronecker", "samples": 5}},
    "swag": {"method": {"name": "swag", "start": 4, "every": 2, "rank": 3, "samples": 3}},
    "packed": {"method": "packed", "network": PACKED},
}
DRAWN = ("mc_dropout", "mc_filter_dropout", "laplace, drawn")  # predict anew by each call


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """learned(method): a classifier trained on the CPU (so that weights are the same everywhere), and the method."""
    known = {}

    def of(name: str):
        if name not in known:
            work = task(**BY_METHOD[name])
            state = trained(work, tmp_path_factory.mktemp("learned") / "state", CPU)
            network = classifier(work.recipe.network, MANIFEST, seed=0, method=work.recipe.method)
            network.load_state_dict(state.best)
            known[name] = network.eval(), work.recipe.method
        network, method = known[name]
        return copy.deepcopy(network), method

    return of


def test_every_method_is_among_these():
    assert {name.split(",")[0] for name in BY_METHOD} == set(METHODS)


def validation(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    return to_pixels(torch.as_tensor(VALIDATION.images).to(device)), torch.as_tensor(VALIDATION.labels).to(device)


@pytest.mark.parametrize("method", BY_METHOD)
@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_stay_in_their_ball_and_do_harm(name, method, learned):
    network, chosen = learned(method)
    network = network.to(DEVICE).requires_grad_(False)
    predict = lambda images: METHODS[chosen.name](**chosen.options).predict(network, images)  # noqa: E731
    images, labels = validation(DEVICE)
    torch.manual_seed(0)
    right = []
    made = ATTACKS[name](predict, images, labels, EPS, generator=torch.Generator(DEVICE).manual_seed(1), **QUICK[name])
    for eps, each in zip(EPS, made, strict=True):
        assert (each.shape, each.dtype, each.device) == (images.shape, images.dtype, images.device)
        assert (each - images).abs().max().item() <= eps + 1e-6
        assert 0 <= each.min().item() <= each.max().item() <= 1
        with torch.inference_mode():
            right.append((predictive_log_probs(predict(each)).argmax(dim=1) == labels).double().mean().item())
    assert torch.equal(made[0], images)
    assert right[2] <= right[0] + (0.05 if method in DRAWN else 0)


@pytest.mark.parametrize("method", ["softmax", "duq"])
@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_the_same_twice(name, method, learned):
    """So that a surrogate's examples are; test-time averaging is left out (see its own test)."""
    network, chosen = learned(method)
    network = network.to(DEVICE).requires_grad_(False)
    images, labels = validation(DEVICE)
    made = [
        ATTACKS[name](
            lambda x: network(x)[None], images, labels, EPS, generator=torch.Generator(DEVICE).manual_seed(1), **QUICK[name]
        )[2]
        for _ in range(2)
    ]
    assert torch.equal(*made)
    assert chosen.name == method


@pytest.mark.parametrize("method", [name for name in BY_METHOD if name not in DRAWN])
def test_gradients_by_the_pixels(method, learned):
    network, chosen = learned(method)
    found = []
    for device in (DEVICE, DEVICE, CPU):
        own = copy.deepcopy(network).to(device)
        predict = lambda images, own=own: METHODS[chosen.name](**chosen.options).predict(own, images)  # noqa: E731
        found.append(input_gradient(predict, *validation(device)))
    assert apart(found[0], found[2]) < 2e-2
    assert torch.equal(found[0], found[1])


@pytest.mark.parametrize("method", BY_METHOD)
def test_images_under_shift_as_the_stage_has_them(method, learned):
    network, chosen = learned(method)
    network.to(DEVICE, memory_format=torch.channels_last)
    known = penultimate(network, TRAIN.images, batch_size=50)
    settings = Shifts(corruptions=["fog", "gaussian_blur"], severities=[3], covered=[0.2], visible=[0.5], images=40)
    common = {"fill": MANIFEST["mean"], "batch_size": 25, "images_seed": 1, "seed": 2}
    one, two = (under_shift(network, known, TRAIN, VALIDATION, chosen, settings, {}, **common)[0] for _ in range(2))
    for name in ("log_probs", "scores"):
        assert np.isfinite(one[name]).all()
        np.testing.assert_array_equal(one[name], two[name])


@pytest.mark.parametrize("method", BY_METHOD)
def test_images_under_attack_as_the_stage_has_them(method, learned, tmp_path):
    network, chosen = learned(method)
    network.to(DEVICE, memory_format=torch.channels_last)
    attacks = {name: Attack(eps_255=[2.0, 16.0], images=30, options=each) for name, each in QUICK.items()}
    of_surrogate = make_surrogate(network, VALIDATION, chosen, attacks["pgd"], [30], batch_size=25, seed=3)
    write_npz(tmp_path / "a.npz", **of_surrogate)
    arrays, cost = under_attack(network, VALIDATION, chosen, attacks, {"other": tmp_path / "a.npz"}, batch_size=25, seed=3)
    assert cost > 0
    assert {name.removesuffix("_log_probs") for name in arrays if "log_probs" in name} == {*QUICK, "transfer_other"}
    labels = VALIDATION.labels[arrays["pgd_index"]]
    for name in (*QUICK, "transfer_other"):
        log_probs = arrays[f"{name}_log_probs"]
        assert log_probs.shape == (3, 30, 3)
        right = (log_probs.argmax(axis=2) == labels).mean(axis=1)
        assert right[2] <= right[0] + (0.1 if method in DRAWN else 0)


@pytest.mark.parametrize("method", [name for name in BY_METHOD if name not in DRAWN])
def test_predictions_features_and_own_scores(method, learned):
    """SNGP's variance and DUQ's kernels among them."""
    network, chosen = learned(method)
    on_cpu = describe(copy.deepcopy(network), VALIDATION.images, chosen, batch_size=25, seed=0)
    made = describe(network.to(DEVICE), VALIDATION.images, chosen, batch_size=25, seed=0)
    for ours, theirs in zip(made[:2], on_cpu[:2], strict=True):
        assert apart(torch.tensor(ours), torch.tensor(theirs)) < 5e-4
    assert made[2].keys() == on_cpu[2].keys()
    assert all(apart(torch.tensor(made[2][name]), torch.tensor(on_cpu[2][name])) < 1e-3 for name in made[2])


@pytest.mark.parametrize("likelihood", ["gaussian", "softmax"])
def test_the_precision_of_sngp(likelihood, learned):
    network, _ = learned("sngp" if likelihood == "gaussian" else "sngp, softmax likelihood")
    work = task(method={"name": "sngp", "features": 64, "likelihood": likelihood, "mean_field": "fitted"})
    fitted = {}
    for device in (DEVICE, CPU):
        own = copy.deepcopy(network).to(device)
        own.network.head.precision.zero_()
        method = METHODS["sngp"](**work.recipe.method.options)
        batches = [[to_pixels(torch.as_tensor(each).to(device)) for each in np.array_split(split.images, 3)]
                   for split in (TRAIN, VALIDATION)]  # fmt: skip
        with torch.no_grad():
            numbers = method.finish(own, *batches, VALIDATION.labels)
            head = own.network.head
            fitted[device] = head.precision, head.variance(head.phi(own.features(batches[1][0])))
        assert np.isfinite(list(numbers.values())).all()
    ours, theirs = fitted[DEVICE], fitted[CPU]
    assert apart(ours[0], theirs[0]) < 1e-3
    assert apart(ours[1], theirs[1]) < 1e-3


def test_the_centroids_of_duq(learned):
    network, _ = learned("duq")
    moved = []
    for device in (DEVICE, CPU):
        own = copy.deepcopy(network).to(device)
        images, labels = validation(device)
        with torch.no_grad():
            METHODS["duq"](momentum=0.9).end_step(own, images, torch.eye(3, device=device)[labels])
        moved.append(own.network.head)
    for name in ("count", "total"):
        assert apart(getattr(moved[0], name), getattr(moved[1], name)) < 1e-4


@pytest.mark.parametrize("score", FEATURE_SCORES)
def test_densities(score, learned):
    """From features of the device, as tensors there and as arrays."""
    network, _ = learned("softmax")
    values = []
    for device in (DEVICE, CPU):
        network = network.to(device)
        known, seen = (penultimate(network, each.images, batch_size=50) for each in (TRAIN, VALIDATION))
        values.append(FEATURE_SCORES[score](known, TRAIN.labels, seen))
    np.testing.assert_allclose(*values, rtol=0.02, atol=0.5)
    tensors = [torch.as_tensor(each).to(DEVICE) for each in (known, TRAIN.labels, seen)]
    np.testing.assert_array_equal(FEATURE_SCORES[score](*tensors), values[1])


SAMPLES = (2, 40, 10)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return 3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("score", LOGIT_SCORES)
def test_scores_of_logits_of_the_device(score):
    logits = drawn(*SAMPLES)
    np.testing.assert_array_equal(LOGIT_SCORES[score](logits.to(DEVICE)), LOGIT_SCORES[score](logits.numpy()))


def test_metrics_of_tensors_of_the_device():
    logits, labels = drawn(*SAMPLES), torch.arange(40) % 10
    probs = torch.as_tensor(metrics.predictive(logits.to(DEVICE)))
    np.testing.assert_array_equal(probs.numpy(), metrics.predictive(logits))
    on_device = probs.to(DEVICE), labels.to(DEVICE)
    for metric in (metrics.accuracy, metrics.brier_score, metrics.negative_log_likelihood):
        assert metric(*on_device) == metric(probs, labels)
    assert metrics.expected_calibration_error(*on_device, bins=15) == metrics.expected_calibration_error(probs, labels, bins=15)
    assert fit_temperature(logits.to(DEVICE), labels.to(DEVICE)) == fit_temperature(logits, labels)
    assert apart(predictive_log_probs(logits.to(DEVICE)), predictive_log_probs(logits)) < 1e-6


@pytest.mark.parametrize("kind", ["labels", "targets"])
@pytest.mark.parametrize("loss", [*LOSSES, "distillation"])
def test_losses_and_their_gradients(loss, kind):
    found = []
    for device in (DEVICE, DEVICE, CPU):
        logits = drawn(64, 10).to(device).requires_grad_()
        wanted = (targets(64) if kind == "targets" else torch.arange(64) % 10).to(device)
        if loss == "distillation":
            value = distillation(logits, drawn(64, 10, seed=1).to(device), wanted, reduction="none")
        else:
            value = LOSSES[loss](logits, wanted, reduction="none")
        value.mean().backward()
        found.append((value, logits.grad))
    for ours, again, theirs in zip(*found, strict=True):
        assert torch.equal(ours, again)
        assert apart(ours, theirs) < 1e-5


@pytest.mark.parametrize("loss", [log_odds, difference_of_logits_ratio])
def test_losses_of_attacks(loss):
    logits, labels = drawn(64, 10), torch.arange(64) % 10
    assert apart(loss(logits.to(DEVICE), labels.to(DEVICE)), loss(logits, labels)) < 1e-5


@pytest.mark.parametrize("source", LABEL_SOURCES)
def test_label_sources_take_tensors_of_the_device(source):
    function = LABEL_SOURCES[source]
    votes = (targets(64) * 50).round() + 1
    given = {
        "labels": torch.arange(64) % 10, "num_classes": 10, "votes": votes, "teacher_logits": drawn(64, 10),
        "calibrated_logits": drawn(64, 10) / 2, "student_logits": drawn(64, 10, seed=2), "seed": 3,
    }  # fmt: skip
    on_cpu = function(*(given[name] for name in inputs(function)))
    moved = {name: value.to(DEVICE) if isinstance(value, torch.Tensor) else value for name, value in given.items()}
    made = function(*(moved[name] for name in inputs(function)))
    assert made.device.type == DEVICE.type
    assert torch.equal(made.cpu(), on_cpu)


def test_predictions_do_not_hang_on_what_ran_before(learned):
    network, chosen = learned("mc_dropout")
    network.to(DEVICE)
    one = predict_logits(network, VALIDATION.images, chosen, batch_size=25, seed=0)
    torch.rand(100, device=DEVICE)
    assert (predict_logits(network, VALIDATION.images, chosen, batch_size=25, seed=0) == one).all()
    assert len(one) == 3
    assert not (one[0] == one[1]).all()
