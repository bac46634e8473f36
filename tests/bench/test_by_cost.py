"""Accuracy against cost: what is measured in miniature, and what the figure shows of rows."""

import xml.etree.ElementTree as ET

import pytest

from bench import by_cost
from bench.rows import Row

SURROUNDINGS = {"device": "cpu", "precision": "float32", "threads": 1, "workers": 2}


def row(quantity: str, network: str, epochs: int, values: list[float], unit: str) -> Row:
    case, mean = f"CIFAR-10, {network}, {epochs} epochs", sum(values) / len(values)
    return Row(quantity, case, mean, min(values), max(values), unit, len(values), by_cost.SPREAD, **SURROUNDINGS)


ROWS = [
    row(by_cost.ACCURACY, "ResNet-20", 4, [81.0, 83.0], "%"),
    row(by_cost.COST, "ResNet-20", 4, [9.0, 11.0], "core-minutes"),
    row(by_cost.ACCURACY, "ResNet-20", 2, [70.0, 72.0], "%"),
    row(by_cost.COST, "ResNet-20", 2, [5.0, 5.5], "core-minutes"),
    row(by_cost.ACCURACY, "airbench 8/32/32", 2, [78.0, 79.0], "%"),
    row(by_cost.COST, "airbench 8/32/32", 2, [1.0, 1.2], "core-minutes"),
]


def test_a_curve_is_a_networks_points_by_cost():
    assert by_cost.curves(ROWS) == {
        "ResNet-20": [(5.25, 71.0, 70.0, 72.0, 2), (10.0, 82.0, 81.0, 83.0, 4)],
        "airbench 8/32/32": [(1.1, 78.5, 78.0, 79.0, 2)],
    }


def test_the_figure_names_every_network_and_its_unit(tmp_path):
    by_cost.draw(ROWS, tmp_path / "figure.svg")
    text = (tmp_path / "figure.svg").read_text()
    ET.fromstring(text)
    for words in ("ResNet-20", "airbench 8/32/32", "core-minutes a network", "as published, best of 200 epochs: 91.73 %"):
        assert words in text


def test_in_miniature_every_length_has_its_accuracies_and_its_cost():
    rows = by_cost.measure(True, None)
    assert [(row.quantity, row.case) for row in rows] == [
        (quantity, f"noise, airbench 2/4/4, {epochs} epochs")
        for epochs in (2, 3)
        for quantity in (by_cost.ACCURACY, by_cost.COST)
    ]
    assert all(row.n == by_cost.RUNS and row.low <= row.value <= row.high for row in rows)
    assert all(row.low > 0 and row.unit.endswith("minutes") for row in rows if row.quantity == by_cost.COST)


def test_what_was_measured_before_it_is_stopped_is_kept(monkeypatch, capsys):
    def measured(images, recipe, epochs, *_):
        if epochs == 3:
            raise KeyboardInterrupt
        return ROWS[:2]

    monkeypatch.setattr(by_cost, "_measured", measured)
    assert by_cost.measure(True, None) == ROWS[:2]
    assert "stopped; kept is what was measured before airbench 2/4/4, 3 epochs" in capsys.readouterr().err
    monkeypatch.setattr(by_cost, "_measured", lambda *_: measured(*_[:2], 3))
    with pytest.raises(KeyboardInterrupt):
        by_cost.measure(True, None)


def test_without_the_images_nothing_is_measured(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("SOFTCIFAR_MIRROR", str(tmp_path))
    assert by_cost.measure(False, None) == []
    assert "not measured; SOFTCIFAR_MIRROR names no folder with cifar-10-batches-py" in capsys.readouterr().err
