"""What a killed DVC leaves behind: half of an entry in dvc.lock, and claims on paths."""

import re
from pathlib import Path

import psutil

from softcifar.files import atomic

LOCK, CLAIMS = Path("dvc.lock"), Path(".dvc/tmp/rwlock")
HEAD, END = b"schema: '2.0'\nstages:\n", b"\n    outs:\n    - "  # outs stand last in an entry, every stage has some


def mend_dvc_lock() -> bool:
    """Whether dvc.lock was cut short; its last entry is removed then (DVC's cache of runs still knows that stage)."""
    if not LOCK.exists():
        return False
    text = LOCK.read_bytes()
    head, *entries = re.split(rb"^(?=  \S)", text, flags=re.MULTILINE)
    if not HEAD.startswith(text) and (head != HEAD or (END in entries[-1] and text.endswith(b"\n"))):
        return False  # whole, or not by DVC, which says itself what is wrong then
    if len(entries) > 1:
        with atomic(LOCK) as part:
            part.write_bytes(text.removesuffix(entries[-1]))
    else:
        LOCK.unlink()
    return True


def drop_claims() -> None:
    """Remove DVC's list of paths in use if no dvc is at work in this folder.

    DVC forgets a killed process, but not where its id was given away again or its zombie stays, as happens in containers.
    """
    here = [each.info for each in psutil.process_iter(["cmdline", "cwd"]) if each.info["cwd"] == str(Path.cwd())]
    if not any(Path(argument).name == "dvc" for process in here for argument in (process["cmdline"] or [])[:4]):
        CLAIMS.unlink(missing_ok=True)
