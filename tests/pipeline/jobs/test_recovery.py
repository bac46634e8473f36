"""What a killed DVC leaves behind, put in order."""

import subprocess
import sys
from pathlib import Path

import pytest

from softcifar.pipeline.jobs import recovery

ENTRIES = {name: f"  {name}:\n    cmd: é\n    outs:\n    - path: {name}\n".encode() for name in ("plan", "train@a", "old")}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kept", range(len(ENTRIES["train@a"])))
def test_a_dvc_lock_that_was_cut_short_keeps_its_whole_entries(folder, kept):
    before = recovery.HEAD + ENTRIES["old"] + ENTRIES["plan"]
    recovery.LOCK.write_bytes(before + ENTRIES["train@a"][:kept])
    cut = kept > 0
    assert recovery.mend_dvc_lock() == cut
    # One or two spaces may have been the next line of plan.
    assert recovery.LOCK.read_bytes() == (recovery.HEAD + ENTRIES["old"] if kept in (1, 2) else before)
    assert not recovery.mend_dvc_lock()


def test_of_a_dvc_lock_without_a_whole_entry_nothing_is_left(folder):
    assert not recovery.mend_dvc_lock()
    for text in (b"", recovery.HEAD[:-3], recovery.HEAD, recovery.HEAD + ENTRIES["plan"][:-3]):
        recovery.LOCK.write_bytes(text)
        assert recovery.mend_dvc_lock()
        assert not recovery.LOCK.exists()


@pytest.mark.parametrize("text", [b"\xff\xfe\x00\x01", b"garbage", b"<<<<<<< ours\n" + recovery.HEAD + ENTRIES["plan"][:-3]])
def test_what_dvc_cannot_have_written_is_left_as_it_is(folder, text):
    recovery.LOCK.write_bytes(text)
    assert not recovery.mend_dvc_lock()
    assert recovery.LOCK.read_bytes() == text


def test_claims_on_paths_are_dropped_unless_a_dvc_is_at_work_in_this_folder(folder):
    recovery.drop_claims()
    recovery.CLAIMS.parent.mkdir(parents=True)
    (folder / "dvc").write_text("import time; print(flush=True); time.sleep(60)")
    for place, left in ((folder, True), (Path("/"), False)):
        recovery.CLAIMS.write_text('{"write": {"a"')
        with subprocess.Popen([sys.executable, folder / "dvc", "repro"], cwd=place, stdout=subprocess.PIPE) as dvc:
            dvc.stdout.readline()
            recovery.drop_claims()
            dvc.kill()
        assert recovery.CLAIMS.exists() == left
