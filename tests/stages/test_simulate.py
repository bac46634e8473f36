"""The stages of a study of simulations, one after the other, without DVC."""

import json

import yaml

from softcifar.files import read_json, read_npz
from tests.conftest import Workspace, study_file
from tests.simulation.helpers import FILES, METHODS


def test_the_stages_run_one_after_the_other(tmp_path):
    """In one process, which imports torch only once; the simulation twice, over its own result."""
    study = yaml.safe_load(study_file("gaussians").read_text())
    study["seeds"]["runs"] = 2
    study["datasets"]["gaussians"] = {"source": "gaussians", "data_sets": 2, "train": 6, "validation": 4, "test": 20}
    study["data"]["sizes"] = {"train": 15, "validation": 12, "test": None}
    study["recipe"] |= {"network": {"name": "mlp", "layers": 1, "width": 4}, "epochs": 3}
    study["simulations"] = {"crossed": {"patience": 2, "folds": 2, "methods": METHODS}}
    workspace = Workspace.create(tmp_path / "study", study)
    done = workspace.stages(
        ("plan",), ("download", "gaussians"), ("prepare",), ("simulate", "crossed"), ("simulate", "crossed")
    )
    assert "2 data sets of 15 train, 12 validation, 60 test points" in done.stdout
    folder = workspace.folder
    out = folder / "scores/simulations/crossed"
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert read_npz(out / "figures.npz")["smoothing"].shape == (2, len(METHODS), 15)
    assert read_json(out / "about.json")["candidates"]["ils"] == [{"p1": 0.8}, {"p1": 0.9}]
    record = json.loads((folder / "scores/simulations/crossed.run.json").read_text())
    assert record["seconds"] > 0
    assert not list((folder / ".state/simulate").iterdir())
    plan = {str(path.relative_to(folder / "data/plan")) for path in (folder / "data/plan").rglob("*.json")}
    assert plan == {"params.json", "download/gaussians.json", "prepare.json", "simulate/crossed.json", "report.json"}
