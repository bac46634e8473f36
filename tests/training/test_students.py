"""Students: the same bytes every time, runs apart from each other, tuning, labels made during training, wrong input."""

import functools
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch

from softcifar.errors import UserError
from softcifar.params.chosen import Chosen
from softcifar.params.sections import Seeds, Student
from softcifar.training import loop
from softcifar.training.loop import train
from softcifar.training.state import Store
from softcifar.training.student import APART, best_candidate, train_student
from softcifar.training.trained import load_classifier
from tests.training.helpers import CPU, SEEDS, SMALL, label_source, make_task, run_student


def test_a_student_is_the_same_bytes_every_time(splits, tmp_path):
    one, _, _ = run_student(splits, tmp_path, "one", epochs=2)
    two, _, _ = run_student(splits, tmp_path, "two", epochs=2)
    files = sorted(path.name for path in one.iterdir())
    assert files == ["about.json", "history.csv", "run_0.safetensors", "run_1.safetensors"]
    assert all((one / file).read_bytes() == (two / file).read_bytes() for file in files)
    assert (one / files[2]).read_bytes() != (one / files[3]).read_bytes()


def test_a_run_does_not_depend_on_the_runs_beside_it(splits, tmp_path):
    """Run 0 alone (as another student's only choice) equals run 0 among choices and runs."""
    alone, _, _ = run_student(splits, tmp_path, "alone", epochs=1)
    tuned, _, about = run_student(splits, tmp_path, "tuned", epochs=1, lr=[0.05, 1e-9])
    assert about["choice"] == 0
    assert (alone / "run_1.safetensors").read_bytes() == (tuned / "run_1.safetensors").read_bytes()


def test_every_epoch_is_told_as_it_ends_and_again_where_it_was_trained_before(splits, tmp_path):
    for _ in range(2):
        rows = []
        _, history, _ = run_student(splits, tmp_path, epochs=2, lr=[0.05, 0.01], curves=lambda *each, to=rows: to.append(each))
        told = {(values, run, row["epoch"], row["validation_nll"]) for values, run, epochs in rows for row in epochs}
        values = history["candidate"].map({0: "lr 0.05", 1: "lr 0.01"})
        assert told == set(zip(values, history["seed"], history["epoch"], history["validation_nll"], strict=True))


def test_two_stages_that_need_the_same_network_train_it_once(splits, tmp_path):
    """At the same time, in processes of their own that share their states."""
    states, epochs = tmp_path / "run.safetensors", 30
    code = functools.partial(_train_in_a_process, splits, states, epochs)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        told = list(pool.map(code, range(2)))
    first, second = sorted(told, key=lambda each: each.count(1), reverse=True)
    assert first.count(1) == epochs
    assert [each for each in second if each] == [epochs]  # all of them trained before


def _train_in_a_process(splits, states, epochs, _):
    torch.set_num_threads(1)  # as a stage's; two processes with a thread per core hinder each other
    told = []
    train(make_task(splits, epochs=epochs), CPU, states, lambda done, *_: told.append(done))
    return told


def test_validation_chooses_among_listed_values(splits, tmp_path):
    """A learning rate of nothing cannot win; every choice is in the history, the winner is marked."""
    out, history, about = run_student(splits, tmp_path, lr=[1e-9, 0.05], epochs=3)
    assert about["candidates"] == [{"lr": 1e-9}, {"lr": 0.05}]
    assert about["choice"] == 1
    assert about["validation"]["nll"][1] < about["validation"]["nll"][0]
    assert history.groupby(["candidate", "seed"]).ngroups == 3  # a run of each value, then the second run of the better one
    assert len(history) == 3 * 3
    assert set(history[history.chosen == 1].candidate) == {1}
    best = history[history.chosen == 1].groupby("seed").validation_nll.idxmin()
    assert history.epoch[best].tolist() == about["best_epochs"]
    network = load_classifier(out / "run_0.safetensors", Chosen(name="resnet8"), splits[2], CPU)
    assert network(torch.zeros(1, 3, 8, 8)).shape == (1, 2)


def test_options_of_the_label_source_are_tuned_with_the_recipe(splits, tmp_path):
    source = {"source": "uniform", "epsilon": [0.01, 0.9]}
    _, history, about = run_student(splits, tmp_path, source=source, lr=[1e-9, 0.05], epochs=3)
    assert about["candidates"] == [{"labels.epsilon": epsilon, "lr": lr} for epsilon in (0.01, 0.9) for lr in (1e-9, 0.05)]
    assert about["choice"] == 1
    last = history[history.epoch == 3].groupby("candidate").train_loss.first()
    assert last[3] > last[1] + 0.2  # labels of nearly one bit: the files' candidates reach their own runs


def test_an_untuned_student_chooses_among_initialisations(splits, tmp_path):
    alone, _, _ = run_student(splits, tmp_path, "alone", epochs=2)
    out, history, about = run_student(splits, tmp_path, "chooses", epochs=2, initialisations=3)
    assert about["candidates"] == [{"initialisation": c} for c in range(3)]
    scores = about["validation"]["nll"]
    assert len(set(scores)) == 3  # three networks
    assert about["choice"] == int(np.argmin(scores))
    assert history.groupby(["candidate", "seed"]).ngroups == 3 + 1  # a run of each, then the second run of the chosen one
    # The first initialisation is the student that does not choose; the chosen one's weights are its own in both runs, while
    # batches, augmentation and dropout are those of every student.
    first = history[(history.candidate == 0) & (history.seed == 0)].drop(columns="chosen").reset_index(drop=True)
    before = pd.read_csv(alone / "history.csv")
    pd.testing.assert_frame_equal(first, before[before.seed == 0].drop(columns="chosen").reset_index(drop=True))
    shifted = Seeds(runs=2, search=1, init=about["choice"] * APART, order=0)
    same, _, _ = run_student(splits, tmp_path, "same", epochs=2, seeds=shifted)
    for file in ("run_0.safetensors", "run_1.safetensors"):
        assert (out / file).read_bytes() == (same / file).read_bytes()
    assert about["choice"] != 0  # otherwise nothing above would tell the chosen one from the first
    assert (out / "run_1.safetensors").read_bytes() != (alone / "run_1.safetensors").read_bytes()


def test_a_tuned_student_has_no_initialisations_to_choose_from(splits, tmp_path):
    _, _, about = run_student(splits, tmp_path, lr=[0.05, 0.01], epochs=1, initialisations=5)
    assert about["candidates"] == [{"lr": 0.05}, {"lr": 0.01}]


def test_what_validation_looks_at_is_a_param():
    scores = {"nll": [0.5, 0.4, 0.6], "accuracy": [0.7, 0.8, 0.9], "ece": [0.01, 0.03, 0.02]}
    assert [best_candidate(scores, criterion) for criterion in ("nll", "accuracy", "ece")] == [1, 2, 0]
    assert best_candidate({"nll": [0.4, 0.4]}, "nll") == 0


def test_the_choice_follows_the_students_criterion(splits, tmp_path):
    """Smoothing by nearly everything leaves the right class on top but the confidence far too low."""
    loss = {"name": "label_relaxation", "alpha": [0.49, 0.01]}
    _, _, about = run_student(splits, tmp_path, "ece", loss=loss, epochs=6, choose_by="ece")
    assert about["choose_by"] == "ece"
    assert about["choice"] == int(np.argmin(about["validation"]["ece"])) == 1


def test_students_share_the_runs_that_they_have_in_common(splits, tmp_path, monkeypatch):
    trained = []
    original = loop._epoch
    monkeypatch.setattr(loop, "_epoch", lambda *a: trained.append(a[4].name) or original(*a))
    common = {"state": "shared", "epochs": 1}
    one, _, _ = run_student(splits, tmp_path, "one", lr=[0.05, 1e-9], choose_by="accuracy", **common)
    assert len(trained) == 3
    two, _, _ = run_student(splits, tmp_path, "two", lr=0.05, **common)
    assert len(trained) == 3  # nothing new
    assert (one / "run_1.safetensors").read_bytes() == (two / "run_1.safetensors").read_bytes()
    more = Seeds(runs=3, search=1, init=0, order=0)
    run_student(splits, tmp_path, "three", lr=0.05, seeds=more, **common)
    assert len(trained) == 4  # the third run
    run_student(splits, tmp_path, "four", lr=0.05, loss="label_relaxation", **common)
    assert len(trained) == 6


def test_labels_made_during_training_change_it_and_repeat(splits, tmp_path):
    plain, _, _ = run_student(splits, tmp_path, "plain", epochs=2)
    one, history, _ = run_student(splits, tmp_path, "one", epochs=2, source="beta_smoothing")
    two, _, _ = run_student(splits, tmp_path, "two", epochs=2, source="beta_smoothing")
    files = [folder / "run_0.safetensors" for folder in (plain, one, two)]
    assert files[1].read_bytes() == files[2].read_bytes() != files[0].read_bytes()
    assert np.isfinite(history.train_loss).all()


def test_a_diverged_student_that_makes_its_labels_says_so_as_any_other(splits, tmp_path):
    with pytest.raises(UserError, match="the loss is no longer finite in epoch 1"):
        run_student(splits, tmp_path, "one", epochs=1, source="beta_smoothing", lr=1000, weight_decay=100)


def test_labels_made_during_training_need_one_class_per_image(splits, tmp_path):
    with pytest.raises(UserError, match=r"students.a.labels: source 'beta_smoothing' needs one class per image"):
        run_student(splits, tmp_path, augment=["mixup"], source="beta_smoothing")


def test_a_tuned_network_is_written_as_the_chosen_one(splits, tmp_path):
    network = {"name": "resnet8", "dropout": [0.0, 0.3]}
    out, _, about = run_student(splits, tmp_path, network=network, epochs=1)
    assert about["network"]["options"]["dropout"] == about["candidates"][about["choice"]]["network.dropout"]
    load_classifier(out / "run_0.safetensors", Chosen(**about["network"]), splits[2], CPU)


def test_wrong_weights_are_one_sentence(splits, tmp_path):
    out, _, _ = run_student(splits, tmp_path, epochs=1)
    for path, network, message in (
        (out / "run_9.safetensors", "resnet8", "not found"),
        (out / "history.csv", "resnet8", "not a readable safetensors file"),
        (out / "run_0.safetensors", "resnet14", "holds another network than resnet14"),
    ):
        with pytest.raises(UserError, match=message):
            load_classifier(path, Chosen(name=network), splits[2], CPU)


def test_targets_of_another_number_of_classes_are_refused(splits, tmp_path):
    train_split, validation, manifest = splits
    with pytest.raises(UserError, match=r"found targets of shape \(1, 60, 3\); allowed: \(1, 60, 2\)"):
        train_student(
            "a", Student.model_validate({**SMALL, "labels": "hard"}), SEEDS, train_split=train_split,
            validation=validation, targets=np.zeros((1, 60, 3)), manifest=manifest, states=Store(tmp_path / "s", "x"),
            source=label_source("hard"), out=tmp_path / "out",
        )  # fmt: skip
    assert not (tmp_path / "out").exists()
