"""Saved states: only what this run saved, whole, is taken up again; elsewhere only in a folder of one's own."""

import os
import tempfile
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from softcifar.errors import UserError
from softcifar.training import state as module
from softcifar.training.loop import train
from softcifar.training.state import State, load_state, reachable, save_state
from tests.training.helpers import CPU, make_task, no_progress, same


def saved(path: Path) -> State:
    weights = {"w": torch.rand(3), "scale": torch.tensor(2.0, dtype=torch.bfloat16), "seen": torch.tensor(7)}
    state = State(2, weights, {"momentum": torch.rand(3)}, {"w": torch.rand(3)}, 1, [{"epoch": 1}, {"epoch": 2}], {"t": 0.5})
    save_state(path, state)
    return state


def test_every_flipped_bit_is_a_fresh_state_or_none_at_all(tmp_path, capfd):
    """The safetensors format sees most of them itself; those of weights, and of numbers in the header, only the digest does."""
    path = tmp_path / "x.safetensors"
    saved(path)
    whole = path.read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1 << (place % 8)
        path.write_bytes(changed)
        assert load_state(path) == State(), f"byte {place}"
    assert capfd.readouterr().err.count("damaged or not the state of this run; the run begins anew\n") == len(whole)
    path.write_bytes(whole)
    assert load_state(path).epoch == 2


def test_a_finished_run_with_one_bit_flipped_is_trained_again_to_the_same_weights(splits, tmp_path, capfd):
    path, told = tmp_path / "x.safetensors", []
    whole = train(make_task(splits, epochs=1), CPU, path, no_progress)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    again = train(make_task(splits, epochs=1), CPU, path, lambda done, text, rows: told.append(text))
    assert "trained before" not in told
    assert capfd.readouterr().err == f"{path}: damaged or not the state of this run; the run begins anew\n"
    assert same(again.best, whole.best)
    assert same(load_state(path).best, whole.best)


def test_another_run_s_state_and_one_of_another_time_are_fresh_states(splits, tmp_path):
    saved(tmp_path / "a.safetensors")
    os.replace(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    assert load_state(tmp_path / "b.safetensors") == State()
    train(make_task(splits, epochs=1, network="resnet14"), CPU, tmp_path / "c.safetensors", no_progress)
    os.replace(tmp_path / "c.safetensors", tmp_path / "d.safetensors")
    state = train(make_task(splits, epochs=1), CPU, tmp_path / "d.safetensors", no_progress)
    assert same(state.best, train(make_task(splits, epochs=1), CPU, tmp_path / "e.safetensors", no_progress).best)

    saved(tmp_path / "f.safetensors")
    with safe_open(tmp_path / "f.safetensors", "pt") as file:
        tensors, notes = {key: file.get_tensor(key) for key in file.keys()}, file.metadata()  # noqa: SIM118
    for older in (None, {"other": "1"}, {"state": notes["state"]}):
        save_file(tensors, tmp_path / "f.safetensors", older)
        assert load_state(tmp_path / "f.safetensors") == State()


def test_a_state_with_other_fields_is_a_fresh_state(tmp_path, monkeypatch):
    saved(tmp_path / "x.safetensors")
    with monkeypatch.context() as later:
        later.setattr(module, "State", lambda **fields: State(**fields, schedule=None) if fields else State())
        assert load_state(tmp_path / "x.safetensors") == State()
    assert load_state(tmp_path / "x.safetensors").epoch == 2


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """A temporary folder that all users share."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_where_the_study_can_be_reached_its_own_folder_keeps_the_state(shared):
    assert reachable(shared / "x.safetensors") == shared / "x.safetensors"
    assert list(shared.iterdir()) == []


def test_elsewhere_a_folder_of_this_user_alone_keeps_the_state(shared):
    own = shared / f"softcifar-{os.getuid()}"
    for _ in range(2):
        assert reachable(Path("/nowhere/runs/x.safetensors")) == own / "x.safetensors"
        assert own.stat().st_mode & 0o777 == 0o700
        own.chmod(0o777)  # made by an older version, say


@pytest.mark.parametrize("kind", ["link", "dead link", "file", "another user's"])
def test_a_folder_that_somebody_else_made_first_is_refused(shared, monkeypatch, kind):
    own = shared / f"softcifar-{os.getuid()}"
    if kind == "another user's":
        own.mkdir()
        monkeypatch.setattr(os, "getuid", lambda: own.stat().st_uid + 1)
        own = own.rename(shared / f"softcifar-{os.getuid()}")
    elif kind == "file":
        own.touch()
    else:
        (shared / "trap").mkdir()
        own.symlink_to(shared / ("trap" if kind == "link" else "gone"))
    with pytest.raises(UserError, match=f"^{own}: another user's, or no folder; remove it, or set TMPDIR"):
        reachable(Path("/nowhere/runs/x.safetensors"))
