"""Uncertainty methods: closed forms on toy problems, and the mistakes that published implementations made."""

import dataclasses
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from scipy.special import log_softmax, softmax

from softcifar.evaluation.evaluate import evaluate
from softcifar.files import write_npz
from softcifar.methods import METHODS
from softcifar.methods.duq import DUQ, Kernels
from softcifar.methods.prediction import predict_logits, to_pixels
from softcifar.methods.sngp import SNGP, RandomFeatureGP, fit_mean_field, orthogonal_features
from softcifar.metrics.likelihood import negative_log_likelihood
from softcifar.metrics.predictive import predictive
from softcifar.models.classifier import classifier
from softcifar.params.chosen import Chosen
from softcifar.params.options import checked
from softcifar.params.sections import Seeds, Student
from softcifar.training.loop import train
from tests.evaluation.helpers import SETTINGS
from tests.training.helpers import CPU, SMALL, Killed, make_task, no_progress, run_student, same

SNGP_SMALL = {"name": "sngp", "features": 64}
DUQ_SMALL = {"name": "duq", "embedding": 16, "length_scale": 0.3, "momentum": 0.9}
TRAINED = pytest.mark.parametrize("method", [SNGP_SMALL, DUQ_SMALL], ids=["sngp", "duq"])


# SNGP


def gp(inputs: int = 3, features: int = 50, likelihood: str = "gaussian") -> RandomFeatureGP:
    torch.manual_seed(0)
    return RandomFeatureGP(inputs, 4, features, 1.0, 0.7, likelihood)


def test_the_precision_is_that_of_bayesian_linear_regression():
    layer = gp().eval()
    batches = [torch.randn(20, 3), torch.randn(7, 3)]
    phi = torch.cat([layer.phi(batch).detach().double() for batch in batches])
    for _ in range(2):  # a second fit takes the place of the first
        layer.fit_precision(batches)
        torch.testing.assert_close(layer.precision.double(), phi.T @ phi, rtol=1e-4, atol=1e-5)
    test = layer.phi(torch.randn(5, 3)).detach()
    # Prior N(0, 1 / ridge), noise 1: the posterior covariance is (ridge I + Phi^T Phi)^-1.
    covariance = torch.linalg.inv(0.7 * torch.eye(50, dtype=torch.float64) + phi.T @ phi)
    expected = (test.double() @ covariance * test.double()).sum(dim=1)
    torch.testing.assert_close(layer.variance(test), expected.float(), rtol=1e-3, atol=1e-5)


def test_the_softmax_likelihood_weighs_by_its_curvature():
    layer = gp(likelihood="softmax").eval()
    batch = torch.randn(9, 3)
    phi = layer.phi(batch).detach()
    top = layer.mean(phi).softmax(dim=1).amax(dim=1)
    layer.fit_precision([batch])
    torch.testing.assert_close(layer.precision, (phi * (top * (1 - top))[:, None]).T @ phi, rtol=1e-4, atol=1e-6)


def test_the_variance_is_of_the_present_precision():
    layer, other = gp().eval(), gp().eval()
    layer.fit_precision([torch.randn(20, 3)])
    phi = layer.phi(torch.randn(5, 3))
    first = layer.variance(phi)
    other.fit_precision([torch.randn(200, 3) * 2])
    layer.load_state_dict(other.state_dict())
    assert (layer.variance(phi) < first).all()  # of the loaded precision, not of the one before


def test_random_features_approximate_the_gaussian_kernel():
    torch.manual_seed(0)
    weight = orthogonal_features(4000, 5)
    torch.testing.assert_close(weight[:5] @ weight[:5].T, torch.diag((weight[:5] ** 2).sum(dim=1)), atol=1e-5, rtol=0)
    a, b = torch.randn(2, 5) * 0.5
    phase = 2 * math.pi * torch.rand(4000)
    phi = [math.sqrt(2 / 4000) * torch.cos(weight @ each + phase) for each in (a, b)]
    assert phi[0] @ phi[1] == pytest.approx(float(torch.exp(-((a - b) ** 2).sum() / 2)), abs=0.05)


def test_variance_grows_away_from_the_data():
    layer = gp(inputs=2, features=256)
    points = torch.randn(500, 2)
    layer(points)  # in training mode: the norm learns the spread of the features
    layer.eval()
    layer.fit_precision([points])
    radii = torch.tensor([0.0, 2.0, 6.0])
    variances = layer.variance(layer.phi(radii[:, None] * torch.tensor([[0.6, 0.8]])))
    assert (variances.diff() > 0).all()
    assert variances[2] > 10 * variances[0]


@pytest.mark.parametrize("mean_field", [0.0, math.pi / 8, 3.0])
def test_the_prediction_is_the_mean_field_one(mean_field):
    options = {"features": 64, "mean_field": mean_field}
    network = classifier(Chosen(name="resnet8"), MANIFEST, seed=0, method=Chosen(name="sngp", options=options)).eval()
    pixels = torch.rand(6, 3, 32, 32)
    method = SNGP(**options)
    variance = method.scores(network, pixels)["variance"]
    expected = network(pixels) / torch.sqrt(1 + mean_field * variance)[:, None]
    torch.testing.assert_close(method.predict(network, pixels)[0], expected)


def drawn(mean_field: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits, variances, and labels that are as likely as the mean-field prediction says."""
    rng = np.random.default_rng(0)
    logits, variance = 4 * rng.normal(size=(20_000, 3)), rng.uniform(0, 1, 20_000)
    probs = softmax(logits / np.sqrt(1 + mean_field * variance)[:, None], axis=1)
    return logits, variance, (rng.random((len(probs), 1)) > probs.cumsum(axis=1)).sum(axis=1)


@pytest.mark.parametrize("mean_field", [0.3, 10.0, 200.0])
def test_the_fitted_mean_field_is_the_one_that_labels_were_drawn_with(mean_field):
    logits, variance, labels = drawn(mean_field)
    found = fit_mean_field(logits, variance, labels)
    assert found == pytest.approx(mean_field, rel=0.15)

    def nll(value: float) -> float:
        return -log_softmax(logits / np.sqrt(1 + value * variance)[:, None], axis=1)[np.arange(len(labels)), labels].mean()

    assert nll(found) <= min(map(nll, np.geomspace(1e-3, 1e5, 200))) + 1e-9


def test_networks_that_are_not_sure_enough_get_no_mean_field():
    logits, variance, labels = drawn(10.0)
    assert fit_mean_field(logits / 100, variance, labels) == 0


@pytest.mark.parametrize("found", ["fit", -1.0])
def test_a_mean_field_is_a_number_or_fitted(found):
    with pytest.raises(ValueError, match=rf"mean_field: found {found!r}; .* or 'fitted'$"):
        checked(SNGP, {"mean_field": found})


def test_the_factor_of_the_precision_serves_gradients_after_inference():
    network = classifier(Chosen(name="resnet8"), MANIFEST, seed=0, method=Chosen(name="sngp", options={"features": 64})).eval()
    pixels = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        SNGP(features=64).predict(network, pixels)
    pixels.requires_grad_()
    SNGP(features=64).predict(network, pixels).sum().backward()
    assert pixels.grad.abs().sum() > 0


MANIFEST = {"classes": ["a", "b"], "image_shape": [32, 32, 3], "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}


# DUQ


def kernels() -> tuple[Kernels, torch.Tensor]:
    torch.manual_seed(0)
    return Kernels(6, 3, 5, 0.3), torch.randn(8, 6)


def test_log_kernels_have_the_papers_form():
    layer, features = kernels()
    for number in range(3):
        embedded = features @ layer.weight[number].T
        centroid = layer.total[number] / layer.count[number]
        kernel = torch.exp(-((embedded - centroid) ** 2).mean(dim=1) / (2 * 0.3**2))
        torch.testing.assert_close(layer(features)[:, number].exp(), kernel)


def test_centroids_are_moving_averages_with_fractional_counts():
    layer, features = kernels()
    targets = torch.tensor([[0.5, 0.25, 0.25]]).expand(8, 3)
    count, total = layer.count.clone(), layer.total.clone()
    layer.move(features, targets, 0.9)
    torch.testing.assert_close(layer.count, 0.9 * count + 0.1 * torch.tensor([4.0, 2.0, 2.0]))
    sums = torch.stack([targets[0, k] * (features @ layer.weight[k].T).sum(dim=0) for k in range(3)])
    torch.testing.assert_close(layer.total, 0.9 * total + 0.1 * sums)


def test_initial_weights_and_centroids_are_the_authors():
    torch.manual_seed(0)
    layer = Kernels(512, 10, 256, 0.1)
    assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / (10 * 512)), rel=0.01)
    assert set(layer.count.tolist()) == {13.0}
    assert (layer.total / layer.count[:, None]).std().item() == pytest.approx(0.05, rel=0.05)


def test_centroids_move_by_an_evaluation_pass_of_the_batch():
    method = DUQ(embedding=16, momentum=0.9)
    network = network_with(method)
    head = network.network.head
    pixels, targets = torch.rand(6, 3, 32, 32), torch.eye(2).repeat(3, 1)
    network(pixels)  # so that running statistics are not the batch's
    expected = network_with(method)
    expected.load_state_dict(network.state_dict())
    expected.eval()
    sums = torch.einsum("bk,bke->ke", targets, expected.network.head.embed(expected.features(pixels)))
    method.end_step(network, pixels, targets)
    torch.testing.assert_close(head.total, 0.9 * expected.network.head.total + 0.1 * sums)
    assert network.training
    assert all(torch.equal(one, other) for one, other in zip(network.parameters(), expected.parameters(), strict=True))
    assert torch.equal(network.network.stem.weight, expected.network.stem.weight)


def test_far_images_are_still_ranked():
    """1 - max k is 1 for all of them in float32."""
    method = DUQ(embedding=16)
    network = network_with(method).eval()
    score = method.scores(network, torch.rand(1, 3, 32, 32) * torch.tensor([1.0, 10.0, 30.0, 100.0])[:, None, None, None])
    assert (score["kernel"].diff() > 0).all()
    assert (-torch.expm1(-score["kernel"][1:])).unique().tolist() == [1.0]


def network_with(method: DUQ):
    options = {"embedding": method.embedding, "length_scale": method.length_scale}
    return classifier(Chosen(name="resnet8"), MANIFEST, seed=0, method=Chosen(name="duq", options=options)).train()


def test_the_loss_is_binary_cross_entropy_of_the_kernels():
    method = DUQ(embedding=16, length_scale=2.0, gradient_penalty=0.0)
    network = network_with(method)
    pixels, targets = torch.rand(6, 3, 32, 32), torch.rand(6, 2).softmax(dim=1)
    logits = network(pixels)
    expected = F.binary_cross_entropy(logits.exp(), targets, reduction="none").mean(dim=1)
    torch.testing.assert_close(method.loss(network, pixels, logits, targets, base=None), expected)


def test_kernels_of_one_and_of_zero_have_finite_gradients():
    logits = torch.tensor([[0.0, -1e4]], requires_grad=True)
    method = DUQ(gradient_penalty=0.0)
    loss = method.loss(None, None, logits, torch.tensor([[0.2, 0.8]]), base=None).mean()
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_the_penalty_reaches_the_weights_and_is_two_sided():
    pixels, targets = torch.rand(6, 3, 32, 32).requires_grad_(), torch.eye(2).repeat(3, 1)
    found = {}
    for strength in (0.0, 0.5):
        method = DUQ(embedding=16, length_scale=2.0, gradient_penalty=strength)
        network = network_with(method)
        loss = method.loss(network, pixels, network(pixels), targets, base=None).mean()
        loss.backward()
        found[strength] = loss.item(), network.network.stem.weight.grad.clone()
    assert (found[0.5][1] - found[0.0][1]).abs().max() > 1e-6
    logits = network(pixels)
    (slope,) = torch.autograd.grad(logits.exp().sum(), pixels)
    norms = (slope * torch.tensor(MANIFEST["std"]).view(3, 1, 1)).flatten(1).norm(dim=1)
    assert found[0.5][0] - found[0.0][0] == pytest.approx(0.5 * ((norms - 1) ** 2).mean().item(), rel=1e-3)


# Every method


def chosen(method: dict) -> Chosen:
    return Student.model_validate({**SMALL, "labels": "hard", "method": method}).method


@pytest.mark.parametrize("name", METHODS)
def test_a_plain_pass_changes_nothing(name):
    """Whatever a method does, the plain network's initial weights are drawn before."""
    plain = classifier(Chosen(name="resnet8"), MANIFEST, seed=3)
    network = classifier(Chosen(name="resnet8"), MANIFEST, seed=3, method=Chosen(name=name))
    assert torch.equal(plain.network.stem.weight, network.network.stem.weight)


@TRAINED
def test_it_learns_two_easy_classes_and_is_sure_of_them(splits, tmp_path, method):
    state = train(make_task(splits, method=method, epochs=5), CPU, tmp_path / "state", no_progress)
    assert state.history[-1]["validation_accuracy"] == 1.0
    resolved = chosen(method)
    network = classifier(Chosen(name="resnet8"), splits[2], seed=0, method=resolved)
    network.load_state_dict(state.best)
    network.eval()
    images = torch.as_tensor(splits[1].images).permute(0, 3, 1, 2) / 255
    with torch.inference_mode():
        uncertainty = METHODS[method["name"]](**resolved.options)
        confidence = uncertainty.predict(network, images)[0].softmax(dim=1).amax(dim=1)
        ((_, known),) = uncertainty.scores(network, images).items()
        ((_, novel),) = uncertainty.scores(network, torch.rand(20, 3, 32, 32)).items()
    assert confidence.max() > 0.9
    assert known.mean() < novel.mean()


@TRAINED
def test_soft_and_mixed_targets_work(splits, tmp_path, method):
    state = train(make_task(splits, method=method, augment=["crop_flip", "mixup"], epochs=2), CPU, tmp_path / "s", no_progress)
    assert np.isfinite([row["train_loss"] for row in state.history]).all()


@TRAINED
def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(splits, tmp_path, method):
    task = make_task(splits, method=method, epochs=2)
    whole = train(task, CPU, tmp_path / "whole", no_progress)

    def kill(*_: object) -> None:
        raise Killed

    with pytest.raises(Killed):
        train(task, CPU, tmp_path / "killed", kill)
    assert same(train(task, CPU, tmp_path / "killed", no_progress).best, whole.best)


def test_centroids_are_those_of_training(splits, tmp_path):
    """The trap: a centroid that is never updated."""
    fresh = classifier(Chosen(name="resnet8"), splits[2], seed=0, method=chosen(DUQ_SMALL))
    trained = train(make_task(splits, method=DUQ_SMALL, epochs=1), CPU, tmp_path / "state", no_progress).best
    name = "network.head.total"
    assert (trained[name] - fresh.state_dict()[name]).abs().max() > 1e-3


@pytest.mark.parametrize("checkpoint", ["best", "last"])
def test_the_precision_is_of_plain_training_images_and_the_kept_weights(splits, tmp_path, checkpoint):
    """And of one evaluation-mode pass: the traps are drifting weights, batch statistics, augmented images."""
    task = make_task(splits, method=SNGP_SMALL, augment=["crop_flip"], epochs=3, checkpoint=checkpoint, lr=0.3)
    state = train(task, CPU, tmp_path / "state", no_progress)
    network = classifier(Chosen(name="resnet8"), splits[2], seed=0, method=chosen(SNGP_SMALL)).eval()
    network.load_state_dict(state.best)
    phi = network.network.head.phi(network.features(to_pixels(torch.as_tensor(splits[0].images))))
    torch.testing.assert_close(state.best["network.head.precision"], phi.T @ phi, rtol=1e-3, atol=1e-4)


def test_what_is_fitted_after_training_is_saved_and_fitted_once(splits, tmp_path, monkeypatch):
    calls = []
    finish = SNGP.finish
    monkeypatch.setattr(SNGP, "finish", lambda self, *args: calls.append(args[0].training) or finish(self, *args))
    task = make_task(splits, method={**SNGP_SMALL, "mean_field": "fitted"}, epochs=1)
    state = train(task, CPU, tmp_path / "state", no_progress)
    again = train(task, CPU, tmp_path / "state", no_progress)
    assert calls == [False]
    assert same(again.best, state.best)
    assert again.fitted == state.fitted == {"mean_field": state.best["network.head.mean_field"].item()}


def test_a_fitted_mean_field_does_not_raise_the_validation_nll(splits, tmp_path):
    _, validation, manifest = splits
    labels = np.where(np.arange(20) % 5, validation.labels, 1 - validation.labels)  # a fifth are wrong: too sure a network
    task = dataclasses.replace(
        make_task(splits, method={**SNGP_SMALL, "mean_field": "fitted"}, epochs=4, checkpoint="last"), validation_labels=labels
    )
    weights = train(task, CPU, tmp_path / "state", no_progress).best
    nll = {}
    for mean_field in (0.0, weights["network.head.mean_field"].item()):
        method = Chosen(name="sngp", options={"features": 64, "mean_field": mean_field})
        network = classifier(Chosen(name="resnet8"), manifest, seed=0, method=method)
        network.load_state_dict(weights | {"network.head.mean_field": torch.tensor(mean_field)})
        logits = predict_logits(network, validation.images, method, batch_size=500, seed=0)
        nll[mean_field] = negative_log_likelihood(predictive(logits), labels)
    assert len(nll) == 2
    assert min(nll, key=nll.get) > 0


def test_what_was_fitted_is_told_beside_the_networks(splits, tmp_path):
    method = {**SNGP_SMALL, "mean_field": "fitted"}
    out, _, about = run_student(splits, tmp_path, "one", epochs=1, method=method)
    saved = [load_file(out / f"run_{run}.safetensors")["network.head.mean_field"].item() for run in range(2)]
    assert about["fitted"] == {"mean_field": saved}
    _, _, plain = run_student(splits, tmp_path, "plain", epochs=1)
    assert plain["fitted"] == {}


@TRAINED
def test_a_student_is_trained_and_evaluated_with_its_method(splits, tmp_path, method):
    out, _, about = run_student(splits, tmp_path, "one", epochs=1, method=method)
    assert about["method"]["name"] == method["name"]
    train_split, validation, manifest = splits
    for name, split in (("train", train_split), ("validation", validation), ("test", validation)):
        write_npz(tmp_path / f"study/{name}.npz", images=split.images, labels=split.labels, index=split.index)
    evaluate(
        "one",
        Student.model_validate({**SMALL, "labels": "hard", "method": method}).method,
        Seeds(runs=2, search=1, init=0, order=0),
        SETTINGS,
        study=tmp_path / "study",
        ood={},
        manifest=manifest,
        models=out,
        surrogates={},
        corrupted={},
        out=tmp_path / "scores",
    )
    names = np.load(tmp_path / "scores/novelty.npz")["names"].tolist()
    assert names == ["ddu", "mahalanobis", {"sngp": "variance", "duq": "kernel"}[method["name"]]]


def test_what_only_predicts_trains_the_same_network(splits, tmp_path):
    dropout = {"name": "resnet8", "dropout": 0.2}
    plain, _, _ = run_student(splits, tmp_path, "plain", epochs=1, network=dropout)
    sampled, _, about = run_student(
        splits, tmp_path, "mc", epochs=1, network=dropout, method={"name": "mc_dropout", "samples": 3}
    )
    assert (plain / "run_0.safetensors").read_bytes() == (sampled / "run_0.safetensors").read_bytes()
    assert about["method"] == {"name": "softmax", "options": {}}
