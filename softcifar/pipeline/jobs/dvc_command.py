"""The `dvc` of this Python, started as a process of its own, and why it failed."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import takewhile
from pathlib import Path

from softcifar.errors import UserError

KILLED = "its dvc was killed"
# Colours, and tqdm's bars: 'a: 5%|# | 1/21 [00:01<00:20]'.
NOISE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\r\n]*\d%\|[^\r\n]*?\]")


def start(*arguments: str, lock: int, env: Mapping[str, str] = os.environ, **outputs: object) -> subprocess.Popen:
    """Start dvc in a process group of its own, so that it can be stopped with all that it starts; it inherits `lock`."""
    # The stages' commands find this Python on PATH. DVC_DAEMON: nothing stays behind (reports of use) that holds `lock`.
    env = {**env, "DVC_DAEMON": "1", "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}"}
    command = [sys.executable, "-P", "-m", "dvc", "--wait-for-lock", *arguments]
    return subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, start_new_session=True, pass_fds=[lock], **outputs)


def ask(*arguments: str, lock: int, meanwhile: Callable[[], None]) -> str:
    """What a dvc command prints; UserError where it fails. `meanwhile` is called while it lasts and may raise to end it."""
    process = start(*arguments, lock=lock, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace")
    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                answer, said = process.communicate(timeout=0.1)
                break
            meanwhile()
    finally:
        send(process, signal.SIGKILL)
    if process.returncode == 0:
        return answer
    words = re.findall(r"^ERROR: (.+)", said, re.MULTILINE)[:1] or [line.strip() for line in said.splitlines() if line][:2]
    raise UserError(f"dvc {arguments[0]}: {KILLED if process.returncode < 0 else ' '.join(words) or 'it left no message'}")


def send(process: subprocess.Popen, number: int) -> None:
    """A signal to dvc and to all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def last_words(log: str) -> str:
    """Why a stage failed: its own 'error: ...', else the last line that it wrote, else what DVC says."""
    lines = [line.strip() for line in re.split(r"[\r\n]", NOISE.sub("", log)) if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    dvc = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    own = list(takewhile(lambda line: not line.startswith("ERROR: "), lines))
    own = [line for line in own if not line.startswith(("Running stage '", "> "))]
    return (errors[-1:] or own[-1:] or dvc[:1] or ["it left no message"])[0]
