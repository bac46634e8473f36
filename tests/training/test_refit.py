"""Training again on all images: validation images with their labels are learned too, and only then."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from softcifar.params.sections import Seeds
from softcifar.training import student
from softcifar.training.loop import train
from softcifar.training.refit import together
from tests.training.helpers import CPU, SEEDS, label_source, make_task, no_progress, run_student

REFIT = Seeds(runs=2, search=1, init=0, order=0, refit=True)


@pytest.fixture
def trained_on(monkeypatch):
    """(images, validation images) of every network that is trained, in order."""
    counts, original = [], student.train

    def counting(task, *rest):
        counts.append((len(task.images), 0 if task.validation_images is None else len(task.validation_images)))
        return original(task, *rest)

    monkeypatch.setattr(student, "train", counting)
    return counts


def test_the_value_chosen_is_trained_again_on_all_images(splits, tmp_path, trained_on):
    source = {"source": "uniform", "epsilon": [0.9, 0.1]}
    out, history, about = run_student(splits, tmp_path, source=source, seeds=REFIT, checkpoint="last", epochs=3)
    assert trained_on == [(60, 20)] * 2 + [(80, 0)] * 2  # a run of each value; then both runs of the chosen one
    assert about["choice"] == 1
    assert about["refit"]
    assert about["best_epochs"] == [3, 3]
    assert sorted(path.stem for path in out.glob("*.safetensors")) == ["run_0", "run_1", "search_0"]
    assert history.groupby(["candidate", "seed"]).ngroups == 2  # the search alone, which validation saw
    assert history.notna().all(axis=None)


def test_the_network_of_the_search_is_that_of_a_student_that_is_not_refit(splits, tmp_path):
    out, history, _ = run_student(splits, tmp_path, "refit", seeds=REFIT, checkpoint="last", epochs=2)
    plain, before, about = run_student(splits, tmp_path, "plain", seeds=SEEDS, checkpoint="last", epochs=2)
    assert (out / "search_0.safetensors").read_bytes() == (plain / "run_0.safetensors").read_bytes()
    assert (out / "run_0.safetensors").read_bytes() != (plain / "run_0.safetensors").read_bytes()
    pd.testing.assert_frame_equal(history, before[before.seed == 0].reset_index(drop=True))
    assert not about["refit"]


def test_a_refit_run_is_the_loops_own_on_both_sets(splits, tmp_path):
    train_split, validation, _ = splits
    out, _, _ = run_student(splits, tmp_path, seeds=REFIT, checkpoint="last", epochs=2)
    task = make_task(splits, checkpoint="last", epochs=2)
    both = np.concatenate([train_split.labels, validation.labels])
    task = dataclasses.replace(
        task,
        images=np.concatenate([train_split.images, validation.images]),
        targets=np.eye(2, dtype=np.float32)[both],
        validation_images=None,
        validation_labels=None,
    )
    state = train(task, CPU, tmp_path / "state", no_progress)
    student.write_tensors(tmp_path / "expected.safetensors", state.best)
    assert (out / "run_0.safetensors").read_bytes() == (tmp_path / "expected.safetensors").read_bytes()


def test_targets_of_validation_images_alone_make_another_network(splits, tmp_path):
    """Two sources with the same training targets share the search, but not the run that learns validation images too."""
    train_split, validation, manifest = splits
    votes = np.where(np.eye(2)[validation.labels] == 1, 3, 1)
    with_votes = train_split, dataclasses.replace(validation, votes=votes), manifest
    common = {"state": "shared", "seeds": REFIT, "checkpoint": "last", "epochs": 2}
    one, _, _ = run_student(with_votes, tmp_path, "one", source="hard", **common)
    two, _, _ = run_student(with_votes, tmp_path, "two", source="human", **common)
    assert (one / "search_0.safetensors").read_bytes() == (two / "search_0.safetensors").read_bytes()
    for file in ("run_0.safetensors", "run_1.safetensors"):
        assert (one / file).read_bytes() != (two / file).read_bytes()


@pytest.mark.parametrize(
    ("source", "first"),
    [
        ("hard", [0, 1]),
        ({"source": "uniform", "epsilon": 0.2}, [0.1, 0.9]),
        ("human", [0.25, 0.75]),
        ("beta_smoothing", [0, 1]),  # made in training, from one-hot labels
    ],
)
def test_validation_images_get_the_sources_labels(splits, source, first):
    train_split, validation, _ = splits
    votes = np.where(np.eye(2)[validation.labels] == 1, 3, 1)
    validation = dataclasses.replace(validation, votes=votes)
    targets = np.full((60, 2), 0.5, dtype=np.float32)
    images, wanted = together(train_split.images, targets, validation, label_source(source))
    np.testing.assert_array_equal(images[60:], validation.images)
    np.testing.assert_array_equal(wanted[:60], targets)
    np.testing.assert_allclose(wanted[61], first, atol=1e-7)  # of class 1
    assert (wanted.shape, wanted.dtype) == ((80, 2), np.float32)
