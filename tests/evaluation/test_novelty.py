"""The novelty stage's work: every score of the networks' own features and last layer, run by run, of the sets it is given."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from softcifar.errors import UserError
from softcifar.evaluation.novelty import linear_layer, score_novelty
from softcifar.methods import METHODS
from softcifar.methods.prediction import to_pixels
from softcifar.models.airbench import Head
from softcifar.models.classifier import classifier
from softcifar.params.chosen import Chosen
from softcifar.params.sections import Novelty, Student
from softcifar.scores.fdbd import fdbd
from softcifar.scores.gaussian import oas
from softcifar.scores.knn import knn
from softcifar.scores.mahalanobis import mahalanobis
from softcifar.scores.rmds import rmds
from softcifar.scores.vim import vim
from tests.methods.helpers import SWAG_SMALL
from tests.training.helpers import SMALL

ALL = [
    Chosen(name="knn", options={"neighbours": 3}),
    Chosen(name="vim", options={"dimension": None}),
    Chosen(name="rmds", options={}),
    Chosen(name="fdbd", options={}),
    Chosen(name="mahalanobis_perturbed", options={"eps_255": 0.5}),
]
RUNS = 2
NETWORK = Chosen(name="resnet8", options={})


@pytest.fixture
def trained(tmp_path, splits):
    """Untrained networks of two runs, as training leaves them, by method."""

    def make(method: Chosen) -> list:
        networks = [classifier(NETWORK, splits[2], seed=run, method=method).eval() for run in range(RUNS)]
        for run, network in enumerate(networks):
            save_file(network.state_dict(), tmp_path / f"run_{run}.safetensors")
        about = {"network": {"name": "resnet8", "options": {}}, "method": {"name": method.name, "options": method.options}}
        (tmp_path / "about.json").write_text(json.dumps(about))
        return networks

    return make


def score(folder, splits, scores):
    train, novel, manifest = splits
    score_novelty(
        "a", scores, RUNS, train=train, sets={"test": train.images[:7], "ood_noise": novel.images[:5]}, manifest=manifest,
        models=folder, batch_size=6, out=folder / "out",
    )  # fmt: skip
    return np.load(folder / "out/novelty.npz")


def features(network, images):
    with torch.no_grad():
        return network.features(to_pixels(torch.as_tensor(images))).numpy()


def stepped(network, known, labels, images, step):
    """Features after each image by itself took a step towards its nearest class, the distance's derivative written out."""
    classes, place = np.unique(labels, return_inverse=True)
    means = np.stack([known[labels == number].mean(axis=0) for number in classes])
    precision = np.linalg.inv(oas(known.astype(np.float64) - means[place])[0])
    found = []
    for image in images:
        pixels = to_pixels(torch.as_tensor(image[None])).requires_grad_()
        seen = network.features(pixels)
        away = seen.detach().numpy().astype(np.float64)[0] - means
        nearest = away[np.einsum("kd,de,ke->k", away, precision, away).argmin()]
        seen.backward(torch.as_tensor(2 * precision @ nearest, dtype=torch.float32)[None])
        with torch.no_grad():
            found.append(network.features(pixels - step * pixels.grad.sign())[0].numpy())
    return np.stack(found)


def test_every_score_is_of_the_runs_own_features_and_last_layer(tmp_path, splits, trained):
    networks = trained(Chosen(name="softmax", options={}))
    found = score(tmp_path, splits, ALL)
    assert found["names"].tolist() == ["knn", "vim", "rmds", "fdbd", "mahalanobis_perturbed"]
    assert {name: (found[name].shape, found[name].dtype) for name in ("test", "ood_noise")} == {
        "test": ((RUNS, 5, 7), np.float64), "ood_noise": ((RUNS, 5, 5), np.float64)
    }  # fmt: skip
    train, novel, _ = splits
    for run, network in enumerate(networks):
        known, judged = features(network, train.images), features(network, novel.images[:5])
        layer = network.network.head.weight.detach().numpy(), network.network.head.bias.detach().numpy()
        expected = [
            knn(known, judged, neighbours=3),
            vim(known, judged, *layer),
            rmds(known, train.labels, judged),
            fdbd(known, judged, *layer),
            mahalanobis(known, train.labels, stepped(network, known, train.labels, novel.images[:5], 0.5 / 255)),
        ]
        for ours, theirs in zip(found["ood_noise"][run], expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)
    assert not np.allclose(found["test"][0], found["test"][1])


@pytest.mark.parametrize(
    "method",
    [Chosen(name="duq", options={"embedding": 8}), Chosen(name="sngp", options={"features": 16})],
    ids=["duq", "sngp"],
)
def test_networks_with_another_last_layer_have_the_scores_of_features_alone(tmp_path, splits, trained, method):
    trained(method)
    found = score(tmp_path, splits, [ALL[0], ALL[2], ALL[4]])
    assert found["names"].tolist() == ["knn", "rmds", "mahalanobis_perturbed"]
    assert np.isfinite(found["test"]).all()


def test_a_mistake_names_the_score_the_run_and_the_student(tmp_path, splits, trained):
    trained(Chosen(name="softmax", options={}))
    with pytest.raises(UserError, match=r"novelty\.scores\.knn: of run 0 of a: neighbours: found 61 with 60 training images"):
        score(tmp_path, splits, [Chosen(name="knn", options={"neighbours": 61})])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", METHODS)
def test_params_name_the_scores_that_the_stage_can_compute(tmp_path, splits, name):
    """Of every method: `packed` leaves its last layer, which is not linear; `laplace` and `swag` keep things beside theirs."""
    changes = {
        "mc_dropout": {"network": {"name": "resnet8", "dropout": 0.1}},
        "mc_filter_dropout": {"network": {"name": "resnet8", "dropout": 0.1}},
        "packed": {"network": {"name": "packed_airbench", "width1": 4, "width2": 4, "width3": 8}},
        "swag": {"method": SWAG_SMALL, "checkpoint": "last"},
    }.get(name, {})
    student = Student.model_validate({**SMALL, "method": name, "labels": "hard", **changes})
    manifest = splits[2] | {"covariance": np.eye(12).tolist()}
    network = classifier(student.network, manifest, seed=0, method=student.method).eval()
    save_file(network.state_dict(), tmp_path / "run_0.safetensors")
    about = {"network": student.network.model_dump(), "method": student.method.model_dump()}
    (tmp_path / "about.json").write_text(json.dumps(about))

    def compute(score: Chosen) -> None:
        score_novelty(
            "a", [score], 1, train=splits[0], sets={"test": splits[1].images[:3]}, manifest=manifest, models=tmp_path,
            batch_size=60, out=tmp_path / "out",
        )  # fmt: skip

    scores = [
        {"name": "knn", "neighbours": 3},
        {"name": "vim", "dimension": 4},
        "rmds",
        "fdbd",
        {"name": "mahalanobis_perturbed", "eps_255": 1},
    ]
    asked = Novelty.model_validate({"scores": scores})
    found = asked.of(student)
    assert ("vim" in [score.name for score in found]) is (name not in ("duq", "sngp", "sngp_moving_average", "packed"))
    for score in asked.scores:
        if score in found:
            compute(score)
        else:
            with pytest.raises(UserError, match=rf"novelty\.scores\.{score.name}: of run 0 of a: found no weight and no bias"):
                compute(score)


def test_a_layer_counts_as_what_it_computes():
    torch.manual_seed(0)
    plain, scaled = torch.nn.Linear(5, 3), Head(5, 3, bias=False)
    inputs = torch.randn(4, 5)
    for layer in (plain, scaled):
        weight, bias = linear_layer(layer)
        assert (weight.shape, bias.shape) == ((3, 5), (3,))
        np.testing.assert_allclose(inputs.numpy() @ weight.T + bias, layer(inputs).detach().numpy(), atol=1e-5)
