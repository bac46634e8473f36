"""What was run: a table tells what differs between students."""

from softcifar.report.chapters.run.facts import students
from tests.report.fixture import read


def test_page_tells_what_differs_between_students(study):
    root, params = study
    header, rows = students(read(root, params))
    assert header[:5] == ["student", "labels", "loss", "network", "method"]
    assert "network.dropout" in header
    assert "epochs" not in header
    assert rows[3][header.index("method.samples")] == "4"
    assert rows[0][header.index("method.samples")] == "–"
    chosen = [row[header.index("chosen on validation")] for row in rows]
    assert chosen[-2:] == ["loss.alpha 0.05", "loss.alpha 0.2"]
    assert [row[header.index("choose_by")] for row in rows[-3:]] == ["–", "accuracy", "ece"]  # nothing to choose; two criteria
