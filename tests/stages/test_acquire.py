"""The stages of a study of active learning alone, from params to page, without DVC."""

import json

import numpy as np
import pandas as pd
import yaml

from tests.conftest import Workspace, study_file

ONE = {"strategy": "random", "pool": "dirty", "clean": 60, "start": 2, "buy": 10, "budget": 40, "draws": 64}
ACQUISITIONS = {
    "random": ONE,
    "entropy": ONE | {"strategy": "softmax_entropy"},
    "density": ONE | {"strategy": "density"},
    "panel": ONE | {"strategy": {"name": "panel", "people": 3}},
    "entropy_clean": ONE | {"strategy": "softmax_entropy", "pool": "clean", "clean": None},
    "density_clean": ONE | {"strategy": "density", "pool": "clean", "clean": None},
}


def study() -> dict:
    study = yaml.safe_load(study_file("active_learning_quick").read_text())
    study["seeds"]["runs"] = 3
    study["datasets"] = {"shapes": {"source": "shapes", "train": 240, "test": 80}}
    study["data"] |= {"images": "shapes", "sizes": {"train": 200, "validation": 40, "test": 80}}
    study["recipe"] |= {"network": {"name": "mlp", "layers": 1, "width": 16}, "epochs": 1}
    return study | {"acquisitions": ACQUISITIONS, "report": {"bins": 15, "reference": "random"}}


def test_the_stages_run_one_after_the_other(tmp_path):
    workspace = Workspace.create(tmp_path / "study", study())
    learned = [("acquire", name) for name in ACQUISITIONS]
    workspace.stages(("plan",), ("download", "shapes"), ("prepare",), *learned, ("report",))
    folder = workspace.folder
    plan = {str(path.relative_to(folder / "data/plan")) for path in (folder / "data/plan").rglob("*.json")}
    acquired = {f"acquire/{name}.json" for name in ACQUISITIONS}
    assert plan == {"params.json", "download/shapes.json", "prepare.json", "report.json", *acquired}
    assert json.loads((folder / "scores/acquisitions/density.run.json").read_text())["seconds"] > 0
    assert len(list((folder / ".state/runs").glob("*.safetensors"))) == 3 * len(ACQUISITIONS)

    tables = {path.stem: pd.read_csv(path) for path in (folder / "reports/tables").glob("*.csv")}
    assert tables.keys() == {"summary", "labels_needed", "acquisition_comparisons", "claims"}  # shapes: nothing is published
    summary = tables["summary"].set_index("acquisition")
    train = np.load(folder / "data/study/train.npz")
    for name in ACQUISITIONS:
        curve = pd.read_csv(folder / f"scores/acquisitions/{name}/curve.csv")
        bought = pd.read_csv(folder / f"scores/acquisitions/{name}/bought.csv")
        last = curve[curve["labels"] == 40]
        assert len(last) == 3
        np.testing.assert_allclose(summary.loc[name, "accuracy"], last["accuracy"].mean())
        later = bought[bought["step"] > 0]
        doubted = later["index"].map(dict(zip(train["index"], train["exact"].max(axis=1) <= 0.8, strict=True)))
        np.testing.assert_allclose(summary.loc[name, "bought_ambiguous"], doubted.mean())
    assert list(tables["claims"]["claim"]) == ["D4"] * 4 + ["D4, clean pool"] * 2  # of the dirty pool, all rivals at once first
    effect = 100 * (summary.loc["density", "accuracy"] - summary.loc["entropy", "accuracy"])
    np.testing.assert_allclose(tables["claims"].loc[2, "effect"], effect, atol=1e-9)
    compared = tables["acquisition_comparisons"]
    assert set(compared["acquisition"]) == {"entropy", "density", "panel"}  # the clean pool lacks the reference's strategy

    page = (folder / "reports/index.html").read_text()
    for words in (
        "Active learning",
        "asks several people about",
        "Of the first 20 images bought from the dirty pool",
        "Dirty pool: at 40 labels",
    ):
        assert words in page
    assert {path.name for path in (folder / "reports/figures").iterdir()} == {"acquisition.svg", "first_bought.png"}
    assert len(pd.read_csv(folder / "reports/plots/acquisition.csv")) == 3 * 3 * len(ACQUISITIONS)
    metrics = json.loads((folder / "reports/metrics.json").read_text())
    assert metrics["density"]["accuracy"] == round(summary.loc["density", "accuracy"], 6)


def test_a_pool_that_is_too_small_ends_in_one_sentence_and_status_2(tmp_path):
    params = study()
    params["acquisitions"] = {"random": ONE | {"clean": 180}}
    workspace = Workspace.create(tmp_path / "study", params)
    commands = (("plan",), ("download", "shapes"), ("prepare",), ("acquire", "random"))
    done = workspace.stages(*commands, check=False)
    assert done.returncode == 2
    assert "error: acquisitions.random.clean: found 180; allowed: at most" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (workspace.folder / "scores/acquisitions/random").exists()
