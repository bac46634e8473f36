"""The stage download: a failed fetch leaves neither a data set nor remains of one."""

import importlib.util
import os
import sys

import numpy as np
import pytest
import yaml

from softcifar.files import write_json
from softcifar.params.sections import Dataset
from softcifar.pipeline.stage import of_params
from tests.conftest import ROOT


def stage(monkeypatch, tmp_path, params, *arguments):
    spec = importlib.util.spec_from_file_location("download_stage", ROOT / "stages/download.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "params.yaml").write_text(params)
    monkeypatch.chdir(tmp_path)
    for name, given in yaml.safe_load(params)["datasets"].items():  # as stage plan does
        planned = {"params": Dataset.model_validate(given).model_dump(), "code": ""}
        write_json(f"data/plan/download/{name}.json", planned)
    write_json("data/plan/params.json", of_params())
    monkeypatch.setattr(sys, "argv", ["download.py", *arguments])
    module.run(module.main)


def test_stage_writes_a_data_set(tmp_path, monkeypatch):
    stage(monkeypatch, tmp_path, "datasets: {mine: {source: shapes, train: 20, test: 10}}", "mine")
    assert {path.name for path in (tmp_path / "data/raw/mine").iterdir()} == {"train.npz", "test.npz"}


@pytest.mark.parametrize(
    ("entry", "name", "message"),
    [
        ("{source: npz, path: none.npz}", "mine", "datasets.mine: path: there is no file 'none.npz'"),
        ("{source: shapes, train: 20}", "mime", "did you mean 'mine'?"),
    ],
)
def test_stage_ends_with_one_sentence_and_status_2(tmp_path, monkeypatch, capsys, entry, name, message):
    with pytest.raises(SystemExit) as caught:
        stage(monkeypatch, tmp_path, f"datasets: {{mine: {entry}}}", name)
    assert caught.value.code == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1
    assert not (tmp_path / "data/raw/mine").exists()


def test_stage_without_space_leaves_nothing(tmp_path, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "images")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(SystemExit) as caught:
        stage(monkeypatch, tmp_path, "datasets: {mine: {source: noise, count: 5}}", "mine")
    assert caught.value.code == 2
    assert "No space left on device" in capsys.readouterr().err
    assert list((tmp_path / "data/raw").iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_stage_into_a_folder_that_cannot_be_written(tmp_path, monkeypatch, capsys):
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "data/raw").chmod(0o500)
    with pytest.raises(SystemExit) as caught:
        stage(monkeypatch, tmp_path, "datasets: {mine: {source: noise, count: 5}}", "mine")
    assert caught.value.code == 2
    assert "cannot be written" in capsys.readouterr().err
