"""What a table may point at: marks follow from paired tests by run, and reach every form of the table."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from softcifar import metrics
from softcifar.metrics.statistics import LEVEL
from softcifar.report.core.columns import ACCURACY, Column
from softcifar.report.core.comparisons import against, marks
from softcifar.report.core.design import Design
from softcifar.report.core.long_table import typed
from softcifar.report.core.tables import means_table
from softcifar.report.core.verdicts import SIDED
from tests.report.fixture import STUDENTS, make_study, numbers, read, row, write
from tests.report.page import Page


def by_run(**values: list[float]) -> pd.DataFrame:
    return pd.DataFrame(values)


def marked(values: pd.DataFrame, *, higher: bool) -> dict[str, str]:
    return marks(values, Design(), higher=higher)


def test_a_clear_winner_is_best():
    values = by_run(a=[0.9, 0.901, 0.902], b=[0.5, 0.501, 0.5021], c=[0.6, 0.6011, 0.602])
    assert marked(values, higher=True) == {"a": "best"}
    assert marked(values, higher=False) == {"b": "best"}


def test_a_tie_is_not_best():
    values = by_run(a=[0.90, 0.80, 0.85], b=[0.80, 0.91, 0.83], c=[0.1, 0.1001, 0.1])
    assert marked(values, higher=True) == dict.fromkeys("ab", "not separated")


def test_no_mark_without_a_test():
    assert marked(by_run(a=[0.9], b=[0.1]), higher=True) == {}
    assert marked(by_run(a=[0.9, 0.8]), higher=True) == {}
    assert marked(by_run(a=[0.9, 0.91], b=[0.1, 0.12]), higher=True) == {}  # two runs are too few


def test_holm_counts_the_rivals():
    """p of about .01 against each of three rivals: enough for one comparison, not for three."""
    rivals = {name: [0.0, 0.0, 0.0] for name in "bcd"}
    wins = [1.0, 1.2, 0.85]
    p = metrics.over_runs(wins).p_equal()
    assert LEVEL / 3 < p < LEVEL
    assert marked(by_run(a=wins, b=rivals["b"]), higher=True) == {"a": "best"}
    assert marked(by_run(a=wins, **rivals), higher=True) == {}


def test_a_column_in_which_nobody_is_separated_has_no_marks():
    """Else every row would carry a tilde, which tells nothing; the sentence on the best mean says it once."""
    runs = {"a": [0.90, 0.80, 0.85], "b": [0.80, 0.91, 0.83], "c": [0.1, 0.1001, 0.1]}

    def shown(names: str) -> dict[str, str]:
        rows = [(name, "run", run, "accuracy", "test", "", value) for name in names for run, value in enumerate(runs[name])]
        frame = means_table(typed(rows), Design(), "means", "Means", [ACCURACY], note="").frame
        return dict(zip(frame["student"], frame["accuracy_mark"], strict=True))

    assert shown("ab") == {"a": "", "b": ""}
    assert shown("abc") == {"a": "not separated", "b": "not separated", "c": ""}


def test_marks_reach_every_form_of_the_table(tmp_path):
    """A student without noise between runs, far better than its rivals, is bold in csv, Markdown, LaTeX and page."""
    params = make_study(tmp_path, students={"hard": (1, 3, 1), "human": (1, 0.02, 1)}, images=150)
    reports = write(tmp_path, params, only=("summary",))
    found = pd.read_csv(reports / "tables" / "summary.csv")
    assert row(found, student="human", kind="run")["human_cross_entropy_mark"] == "best"
    assert "**" in (reports / "tables" / "summary.md").read_text()
    assert r"\textbf{" in (reports / "tables" / "summary.tex").read_text()
    best = [attrs for tag, attrs in Page((reports / "index.html").read_text()).tags if "best" in (attrs.get("class") or "")]
    assert best


def test_comparisons_are_paired_with_the_reference(study):
    root, params = study
    table = numbers(read(root, params))
    found = {row.compared: row for row in against(table, [ACCURACY], "hard", Design())}
    values = table[(table["metric"] == "accuracy") & (table["set"] == "test") & (table["kind"] == "run")].pivot(
        index="seed", columns="student", values="value"
    )
    differences = 100 * (values["human"] - values["hard"])  # as printed: points
    expected = stats.ttest_1samp(differences, 0)
    interval = expected.confidence_interval(0.95)
    assert set(found) == set(STUDENTS) - {"hard"}
    assert found["human"].effect == pytest.approx(differences.mean())
    assert (found["human"].low, found["human"].high) == pytest.approx((interval.low, interval.high))
    assert found["human"].claim == "accuracy"


def test_rows_of_one_column_are_corrected_together():
    """A difference that would be decided alone is not among twenty others; nor does another column count."""
    steps = np.array([0.8, 1.0, 1.4, 0.9])
    runs = {"ref": 0 * steps, "good": steps} | {f"s{number}": 5 * (-1) ** np.arange(4) for number in range(20)}
    rows = [
        (name, "run", run, metric, "test", "", value)
        for name, values in runs.items()
        for metric in ("accuracy", "nll")
        if metric == "accuracy" or name in ("ref", "good")
        for run, value in enumerate(values)
    ]
    columns = [ACCURACY, Column("nll", "NLL", "", "nll")]
    p = stats.ttest_1samp(steps, 0).pvalue / 2
    assert SIDED / 21 < p < SIDED
    found = {(row.claim, row.compared): row.verdict for row in against(typed(rows), columns, "ref", Design())}
    assert found["accuracy", "good"] == "undecided"
    assert found["nll", "good"] == "contradicted on these images"  # less is better


def test_named_students_alone_are_compared(study):
    table = numbers(read(*study))
    assert [row.compared for row in against(table, [ACCURACY], "hard", Design(), ["human", "hard"])] == ["human"]
