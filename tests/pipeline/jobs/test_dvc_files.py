"""DVC's own files that softcifar.pipeline.jobs puts in order: dvc.lock and the list of paths in use."""

import json

import pytest

from softcifar.pipeline.jobs import dvc_lock, rwlock

LOCK = {name: f"  {name}:\n    cmd: x\n    outs:\n    - path: {name}\n" for name in ("plan", "train@a", "train@b", "old")}
HEAD = "schema: '2.0'\nstages:\n"


def test_new_entries_of_dvc_lock_stand_in_the_order_of_dvc_yaml_and_old_ones_where_they_were():
    before = HEAD + LOCK["old"] + LOCK["plan"]
    after = before + LOCK["train@b"] + LOCK["train@a"]
    order = ["plan", "train@a", "train@b"]
    assert dvc_lock.in_order(before, after, order) == before + LOCK["train@a"] + LOCK["train@b"]
    assert dvc_lock.in_order(after, after, order) == after
    assert dvc_lock.in_order("", after + "x: 1\n", order) == HEAD + "".join(map(LOCK.get, [*order, "old"])) + "x: 1\n"
    assert dvc_lock.in_order("", "", order) == ""


@pytest.mark.parametrize("kept", range(len(LOCK["train@a"])))
def test_a_dvc_lock_that_was_cut_short_keeps_its_whole_entries(tmp_path, monkeypatch, kept):
    monkeypatch.chdir(tmp_path)
    text = HEAD + LOCK["old"] + LOCK["plan"] + LOCK["train@a"][:kept]
    dvc_lock.FILE.write_text(text)
    cut = not text.endswith("\n")
    # One or two spaces may have been the next line of plan.
    whole = HEAD + LOCK["old"] + ("" if kept in (1, 2) else LOCK["plan"]) if cut else text
    assert dvc_lock.mend() == (whole, cut)
    assert dvc_lock.FILE.read_text() == whole


def test_of_a_dvc_lock_without_a_whole_entry_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert dvc_lock.mend() == ("", False)
    for text in ("", "schema: '2.0'\nsta", HEAD + LOCK["plan"][:-3]):
        dvc_lock.FILE.write_text(text)
        assert dvc_lock.mend() == ("", True)
        assert not dvc_lock.FILE.exists()


def test_only_our_own_entries_are_removed_from_dvc_s_list_of_paths_in_use(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rwlock.forget("repro --single-item")
    assert not rwlock.FILE.exists()
    rwlock.FILE.parent.mkdir(parents=True)
    ours, theirs = {"pid": 1, "cmd": "dvc repro --single-item a"}, {"pid": 2, "cmd": "dvc repro"}
    held = {"write": {"a": ours, "b": theirs}, "read": {"p": [theirs, ours], "q": [ours]}}
    rwlock.FILE.write_text(json.dumps(held))
    rwlock.forget("repro --single-item")
    assert json.loads(rwlock.FILE.read_text()) == {"write": {"b": theirs}, "read": {"p": [theirs]}}
    rwlock.FILE.write_text('{"write": {"a"')
    rwlock.forget("repro --single-item")
    assert json.loads(rwlock.FILE.read_text()) == {"write": {}, "read": {}}
