"""Evaluation: the arrays it writes are what the networks say, at the right place, whatever ran before."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from softcifar.errors import UserError
from softcifar.evaluation.evaluate import evaluate
from softcifar.files import write_npz
from softcifar.models.classifier import classifier
from softcifar.params.sections import Seeds, Student
from softcifar.scores import FEATURE_SCORES
from tests.evaluation.helpers import SETTINGS
from tests.training.helpers import SMALL


@pytest.fixture
def study(tmp_path, splits):
    """Two untrained runs with dropout, beside a validation and a test split and one novel set."""
    train_split, validation, manifest = splits
    for name, split in (("train", validation), ("validation", validation), ("test", train_split)):
        write_npz(tmp_path / f"study/{name}.npz", images=split.images, labels=split.labels, index=split.index)
    write_npz(tmp_path / "ood/noise.npz", images=validation.images[:5])
    student = {**SMALL, "labels": "hard", "network": {"name": "resnet8", "dropout": 0.2}}
    models = tmp_path / "models"
    models.mkdir()
    for run in range(2):
        network = classifier(Student.model_validate(student).network, manifest, seed=run)
        save_file(network.state_dict(), models / f"run_{run}.safetensors")
    (models / "history.csv").write_text("epoch\n1\n")
    about = {"network": {"name": "resnet8", "options": {"dropout": 0.2}}, "method": {"name": "softmax", "options": {}}}
    (models / "about.json").write_text(json.dumps(about | {"search_runs": 1, "refit": False}))
    return tmp_path, student, manifest


def run(study, method, out="scores"):
    folder, student, manifest = study
    evaluate(
        "a", Student.model_validate({**student, "method": method}).method, Seeds(runs=2, search=1, init=0, order=0), SETTINGS,
        study=folder / "study", ood={"noise": folder / "ood/noise.npz"}, manifest=manifest, models=folder / "models",
        surrogates={}, corrupted={}, out=folder / out,
    )  # fmt: skip
    return np.load(folder / out / "logits.npz"), np.load(folder / out / "adversarial.npz")


def test_after_a_refit_the_network_of_the_search_predicts_validation(study):
    """Run 0 and 1 have been validated by one network of the search; its weights here are those of run 1."""
    before, _ = run(study, "softmax", "before")
    models = study[0] / "models"
    about = json.loads((models / "about.json").read_text())
    (models / "about.json").write_text(json.dumps(about | {"refit": True}))
    (models / "search_0.safetensors").write_bytes((models / "run_1.safetensors").read_bytes())
    after, _ = run(study, "softmax", "after")
    for number in range(2):
        np.testing.assert_array_equal(after["validation"][number], before["validation"][1])
    np.testing.assert_array_equal(after["test"], before["test"])
    assert not np.array_equal(before["validation"][0], before["validation"][1])


def test_logits_are_the_networks_on_every_set(study, splits):
    logits, attacked = run(study, "softmax")
    assert {name: logits[name].shape for name in logits.files} == {
        "validation": (2, 1, 20, 2), "test": (2, 1, 60, 2), "ood_noise": (2, 1, 5, 2)
    }  # fmt: skip
    train_split, _, manifest = splits
    network = classifier(Student.model_validate(study[1]).network, manifest, seed=1).eval()
    pixels = torch.as_tensor(train_split.images).permute(0, 3, 1, 2) / 255
    np.testing.assert_allclose(logits["test"][1, 0], network(pixels).detach().numpy(), atol=1e-4)
    assert attacked["fgsm_eps_255"].tolist() == [0, 2, 8]
    assert attacked["fgsm_log_probs"].shape == (2, 3, 10, 2)
    # Evenly spaced test images; at eps 0 they are the images themselves.
    index = attacked["fgsm_index"]
    assert index.tolist() == [0, 7, 13, 20, 26, 33, 39, 46, 52, 59]
    expected = torch.log_softmax(torch.as_tensor(logits["test"][:, 0, index]), dim=-1).numpy()
    np.testing.assert_allclose(attacked["fgsm_log_probs"][:, 0], expected, atol=1e-5)
    # A larger step costs the true class more on average.
    rows = np.arange(10)
    true = attacked["fgsm_log_probs"][:, :, rows, train_split.labels[index]].mean(axis=(0, 2))
    assert true[0] > true[1] > true[2]


def test_novelty_scores_are_those_of_the_features(study, splits):
    run(study, {"name": "mc_dropout", "samples": 2})
    found = np.load(study[0] / "scores/novelty.npz")
    assert found["names"].tolist() == list(FEATURE_SCORES)
    assert {name: found[name].shape for name in ("test", "ood_noise")} == {"test": (2, 2, 60), "ood_noise": (2, 2, 5)}
    train_split, validation, manifest = splits
    network = classifier(Student.model_validate(study[1]).network, manifest, seed=1).eval()

    def features(images):
        return network.features(torch.as_tensor(images).permute(0, 3, 1, 2) / 255).detach().numpy()

    expected = FEATURE_SCORES["ddu"](features(validation.images), validation.labels, features(train_split.images))
    np.testing.assert_allclose(found["test"][1, 0], expected, rtol=1e-3)


def test_stochastic_methods_have_samples_and_repeat_exactly(study):
    one, attacked = run(study, {"name": "mc_dropout", "samples": 3}, "one")
    torch.rand(3)
    two, again = run(study, {"name": "mc_dropout", "samples": 3}, "two")
    assert one["test"].shape == (2, 3, 60, 2)
    assert one["test"].std(axis=1).min() > 0
    for name in one.files:
        np.testing.assert_array_equal(one[name], two[name])
    for name in attacked.files:
        np.testing.assert_array_equal(attacked[name], again[name])
    np.testing.assert_allclose(np.exp(attacked["pgd_log_probs"]).sum(axis=-1), 1, atol=1e-5)


def test_shifts_and_costs_are_of_all_runs(study):
    logits, attacked = run(study, "softmax")
    shifts = np.load(study[0] / "scores/shifts.npz")
    assert shifts["shift"].tolist() == ["none", "contrast"]
    assert shifts["log_probs"].shape == (2, 2, 6, 2)
    assert shifts["scores"].shape == (2, 2, 2, 6)
    expected = torch.log_softmax(torch.as_tensor(logits["test"][:, 0, shifts["index"]]), dim=-1).numpy()
    np.testing.assert_allclose(shifts["log_probs"][:, 0], expected, atol=1e-5)
    assert attacked["pgd_log_probs"].shape == (2, 2, 4, 2)
    cost = json.loads((study[0] / "scores/about.json").read_text())["cost"]
    assert cost == {"adversarial": 2 * (10 * (3 + 3) + 4 * (2 * 3 + 2) + 4 * (4 + 2)), "shifts": 2 * 2 * 6}


def test_a_missing_run_leaves_nothing_behind(study):
    (study[0] / "models/run_1.safetensors").unlink()
    with pytest.raises(UserError, match=r"run_1\.safetensors: not found"):
        run(study, "softmax")
    assert not (study[0] / "scores").exists()
