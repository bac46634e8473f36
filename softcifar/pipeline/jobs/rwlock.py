"""DVC's list of the paths that its processes read and write, .dvc/tmp/rwlock: freed of those that were killed.

DVC does so itself where no process has the killed one's id. In a container an id is soon taken again, or the killed process
stays as a zombie, and DVC would call its paths busy for ever.
"""

import fcntl
import json
from pathlib import Path

from softcifar.files import write_text

FILE, MUTEX = Path(".dvc/tmp/rwlock"), Path(".dvc/tmp/rwlock.lock")


def forget(command: str) -> None:
    """Remove what processes with `command` in their command line hold; only to be called when none of them lives."""
    if not FILE.exists():
        return
    with open(MUTEX, "a") as mutex:
        fcntl.flock(mutex, fcntl.LOCK_EX)  # as DVC does
        try:
            held = json.loads(FILE.read_text())
        except ValueError:  # killed while it wrote
            held = {}
        write = {path: by for path, by in held.get("write", {}).items() if command not in by["cmd"]}
        read = {path: [by for by in all_ if command not in by["cmd"]] for path, all_ in held.get("read", {}).items()}
        write_text(FILE, json.dumps({"write": write, "read": {path: left for path, left in read.items() if left}}))
