"""What a student costs beside what it scores: weights, images seen in training, forward passes per prediction."""

from collections.abc import Mapping
from typing import Any

from softcifar.report.core.columns import Column
from softcifar.report.core.kinds import PLAIN
from softcifar.report.core.long_table import Row
from softcifar.report.core.origins import seen
from softcifar.report.core.predictions import Prediction
from softcifar.report.core.results import Results

COLUMNS = [
    Column(key, title, meaning, key, higher=None, scale=scale, digits=0, spread=False)
    for key, title, meaning, scale in (
        ("parameters", "Weights, thousand", "weights and biases", 1e-3),
        ("seen", "Training images, thousand", "images seen in training: epochs × images × networks, with those that validation "
         "did not choose, without its teacher, for each run that was kept", 1e-3),
        ("passes", "Passes", "forward passes of one prediction", 1),
    )
]  # fmt: skip


def rows(results: Results, prediction: Prediction) -> list[Row]:
    """Of one run, or of all networks of an ensemble together."""
    student = results.students[prediction.student]
    networks = len(student.seeds[prediction.runs])
    each = {
        "parameters": student.about["parameters"],
        "seen": seen(results, prediction.student) / len(student.seeds),
        "passes": passes(student.options["method"]),
    }
    return [(metric, "test", "", float(networks * value)) for metric, value in each.items()]


def passes(method: Mapping[str, Any]) -> int:
    """Forward passes of one prediction by an uncertainty method with its options, as params have it."""
    if method["name"] == PLAIN:
        return 1
    from softcifar.methods import METHODS  # it brings torch, which the report needs for nothing else

    return METHODS[method["name"]](**method["options"]).passes
