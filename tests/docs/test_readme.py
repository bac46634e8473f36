"""The README's worked examples: its code, put where it says, and run."""

import re

import pandas as pd
import pytest
import yaml

from tests.conftest import ROOT, Workspace, study_file

README = (ROOT / "README.md").read_text()
EXAMPLES = dict(re.findall(r"<!-- example: (\S+) -->\n```python\n(.*?)```", README, flags=re.DOTALL))


def register(workspace: Workspace, file: str, imported: str, after: str, entry: str) -> None:
    """Add an import and an entry behind the line that ends in `after`, as the README tells."""
    path = workspace.folder / file
    text = path.read_text()
    assert text.count(after) == 1, (file, after)
    docstring, rest = text.split('"""\n', 1)
    path.write_text(f'{docstring}"""\n{imported}\n{rest}'.replace(after, f"{after}\n{entry}"))


def test_the_examples_are_found():
    assert [path.split("/")[1] for path in EXAMPLES] == ["labels", "losses", "models", "metrics"]


@pytest.mark.slow
def test_the_examples_work_as_told(tmp_path):
    study = yaml.safe_load(study_file("smoke").read_text())
    study["seeds"]["runs"] = 1
    study["data"]["ood"] = {}
    study["datasets"] = {"shapes": study["datasets"]["shapes"]}
    study["teachers"], study["illustrations"], study["distillation"]["students"] = {}, {}, {}
    study["labels"] = {"hard": {"source": "hard"}, "sharp": {"source": "sharpened", "power": 3}}
    study["surrogates"] = {}
    # Only one is linear: its features are the pixels, and densities of so many dimensions take long.
    study["students"] = {
        "hard": {"labels": "hard"},
        "new": {"labels": "sharp", "network": "linear", "loss": {"name": "squared_error", "scale": 2}},
    }
    workspace = Workspace.create(tmp_path / "study", study)
    for file, code in EXAMPLES.items():
        (workspace.folder / file).write_text(code)
    names = (
        ("labels", "sharpened", "LABEL_SOURCES"), ("losses", "squared_error", "LOSSES"), ("models", "linear", "NETWORKS")
    )  # fmt: skip
    for package, name, table in names:
        imported = f"from softcifar.{package}.{name} import {name}"
        entry = f'    "{name}": {name},'
        assert f"`{imported}`" in README or f"{package}/__init__.py`: the import" in README
        assert f'`"{name}": {name}`' in README
        register(workspace, f"softcifar/{package}/__init__.py", imported, f"{table} = {{", entry)
    entry = '"shortfall": shortfall(probs, labels)'
    assert entry in README
    imported = "from softcifar.metrics.shortfall import shortfall"
    register(workspace, "softcifar/report/summary.py", imported, "        values = {", f"            {entry},")
    entry = '"shortfall": ("shortfall", "what the label\'s probability lacks to 1")'
    assert entry in README
    register(workspace, "softcifar/report/columns.py", "", "QUALITY = {", f"    {entry},")
    workspace.stages(
        ("plan",),
        ("download", "shapes"),
        ("prepare",),
        *(("soften", name) for name in study["labels"]),
        *(("train", name) for name in study["students"]),
        *(("evaluate", name) for name in study["students"]),
        ("report",),
    )
    table = pd.read_csv(workspace.folder / "reports/tables/calibration.csv")
    assert table["shortfall"].between(0, 1).all()
    assert set(table["student"]) == {"hard", "new"}
