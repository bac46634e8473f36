"""Teachers: folds that cover every image, logits from networks that did not see it."""

import numpy as np
import pytest
import torch

from softcifar.errors import UserError
from softcifar.training import loop
from softcifar.training.crossfit import fold_of
from softcifar.training.sgd import SGD
from softcifar.training.trained import load_classifier
from tests.training.helpers import CPU, run_teacher


def test_folds_are_stratified_and_cover_every_image():
    labels = np.repeat([0, 1, 2], [30, 60, 90])
    fold = fold_of(labels, 3, seed=0)
    for number in range(3):
        assert np.bincount(labels[fold == number]).tolist() == [10, 20, 30]
    assert not np.array_equal(fold, fold_of(labels, 3, seed=1))
    with pytest.raises(UserError, match="found folds 31, but a class has 30"):
        fold_of(labels, 31, seed=0)


def test_out_of_fold_logits_come_from_the_network_that_did_not_see_the_image(splits, tmp_path, monkeypatch):
    seen = []
    original = loop.train
    monkeypatch.setattr("softcifar.training.crossfit.train", lambda task, *a: seen.append(task) or original(task, *a))
    found, teacher = run_teacher(splits, tmp_path, folds=3)
    train_split, _, manifest = splits
    images = train_split.images.reshape(60, -1)
    for number, task in enumerate(seen):
        held_out = found["fold"] == number
        assert held_out.sum() == 20
        trained_on = {row.tobytes() for row in task.images.reshape(len(task.images), -1)}
        assert trained_on == {row.tobytes() for row in images[~held_out]}
        network = load_classifier(tmp_path / f"3/fold_{number}.safetensors", teacher.network, manifest, CPU)
        pixels = torch.as_tensor(train_split.images[held_out]).permute(0, 3, 1, 2) / 255
        np.testing.assert_allclose(found["logits"][held_out], network(pixels).detach().numpy(), atol=1e-4)
    np.testing.assert_array_equal(found["index"], train_split.index)
    assert found["temperature"] > 0


@pytest.mark.parametrize("folds", [1, 3, 5])
def test_every_network_makes_as_many_steps_as_one_that_sees_all_images(splits, tmp_path, monkeypatch, folds):
    """60 images in batches of 16 are 4 steps an epoch, 3 epochs; a fold has 40 or 48 images of its own."""
    steps, original = [], SGD.step
    monkeypatch.setattr(SGD, "step", lambda self, lr: steps.append(lr) or original(self, lr))
    run_teacher(splits, tmp_path, folds=folds)
    assert len(steps) == folds * 3 * 4
    assert all(steps[fold * 12 : fold * 12 + 12] == steps[:12] for fold in range(folds))  # at the same learning rates


def test_one_fold_is_the_in_sample_teacher(splits, tmp_path):
    found, _ = run_teacher(splits, tmp_path, folds=1)
    assert (found["fold"] == 0).all()
    assert sorted(path.name for path in (tmp_path / "1").iterdir()) == [
        "about.json",
        "fold_0.safetensors",
        "logits.npz",
    ]
