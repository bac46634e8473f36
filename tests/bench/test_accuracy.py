"""Time to published accuracy: what the rows make of measurements, by hand."""

import dataclasses
import math

import pytest

from bench import accuracy
from softcifar.training.schedules import learning_rate

CLAIM = dataclasses.replace(accuracy.SOFT_CIFAR, accuracy=80.0, epochs=10, images=600, times=40)
RATES = {2: [100.0, 300.0, 200.0]}  # 6,000 images: 60, 20 and 30 s
SHORT = accuracy.Tried(epochs=4, seconds=1.2, accuracies=[79.0, 80.0, 78.0])


def rows_of(*tried: accuracy.Tried) -> dict[str, list]:
    found: dict[str, list] = {}
    for row in accuracy.rows(CLAIM, "ours", tried, RATES, "float32", 2):
        found.setdefault(row.quantity, []).append(row)
    return found


def test_the_first_length_that_passes_is_timed_alone():
    found = rows_of(SHORT, accuracy.Tried(epochs=8, seconds=2.4, accuracies=[79.0, 82.0, 79.0]))
    (published,) = found["published: time of a run"]
    assert (published.value, published.low, published.high, published.n) == (30.0, 20.0, 60.0, 3)
    assert "extrapolated to 10 epochs of 600 images" in published.case
    short, long = found["ours: mean accuracy"]
    assert (short.value, short.low, short.high, short.n) == (79.0, 78.0, 80.0, 3)
    assert long.value == 80.0  # just enough
    assert long.high - long.value == pytest.approx(math.sqrt(3))
    (ours,) = found["ours: time to published accuracy"]
    assert (ours.value, ours.met) == (pytest.approx(0.8), "yes")
    assert ours.case.endswith("80.00 % after 8 epochs")
    (ratio,) = found["time to accuracy, published / ours"]
    assert [ratio.value, ratio.low, ratio.high] == pytest.approx([30 / 0.8, 20 / 0.8, 60 / 0.8])
    assert (ratio.bar, ratio.met) == (">= 40", "no")


def test_an_accuracy_that_was_not_reached_is_no_success():
    found = rows_of(SHORT, accuracy.Tried(epochs=8, seconds=2.4, accuracies=[78.5, 78.5, 78.5]))
    (ours,) = found["ours: time to published accuracy"]
    assert (ours.value, ours.met) == (math.inf, "no")
    assert ours.case.endswith("not reached, best mean 79.00 % after 4 epochs")
    (ratio,) = found["time to accuracy, published / ours"]
    assert (ratio.value, ratio.high, ratio.met) == (0, 0, "no")


@pytest.mark.parametrize("claim", [accuracy.SOFT_CIFAR, accuracy.CIFAR10])
def test_a_longer_training_has_the_schedule_of_the_study_stretched(claim):
    recipe = accuracy._recipe(claim)
    twice = accuracy.lengthened(recipe, 2 * recipe.epochs)
    assert type(twice).model_validate(twice.model_dump()) == twice
    for epoch in (0.0, 1.5, recipe.epochs / 2, recipe.epochs - 0.5):
        assert learning_rate(twice, 2 * epoch) == pytest.approx(learning_rate(recipe, epoch))
    assert recipe.checkpoint == "last"  # or there would have to be validation images


def test_without_the_published_images_nothing_is_measured(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("SOFTCIFAR_MIRROR", str(tmp_path))
    assert accuracy.measure(accuracy.SOFT_CIFAR, False, None) == []
    assert "Soft CIFAR: not measured; SOFTCIFAR_MIRROR names no folder with cifar-10-batches-py" in capsys.readouterr().err
