"""Stands in for dvc where only its manners count, without the seconds that it takes to start.

dvc.yaml is {stage: [command, the stages right before it]}. A stage is up to date once <stage>.done is there. What was asked
for is noted in `asked`; `status` kills itself where there is a file `kill_status`.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

_, what, _, *names = sys.argv[1:]
stages = json.loads(Path("dvc.yaml").read_text())
with open("asked", "a") as asked:
    print(what, *names, file=asked)
if what == "status":
    print(json.dumps({name: [{"changed deps": {}}] for name in stages if not Path(f"{name}.done").exists()}), flush=True)
    if Path("kill_status").exists():
        os.kill(os.getpid(), signal.SIGKILL)
elif what == "dag":
    if not {*names} <= {*stages}:
        sys.exit(f"ERROR: '{names[0]}' does not exist as an output or a stage name in 'dvc.yaml'")
    shown = [*names] or [*stages]
    for name in shown:
        shown += [before for before in stages[name][1] if before not in shown]
    print("strict digraph {", *(f'"{name}";' for name in stages if name in shown), sep="\n")
    print(*(f'"{before}" -> "{name}";' for name in stages if name in shown for before in stages[name][1]), "}", sep="\n")
elif Path(f"{names[0]}.done").exists():
    print(f"Stage '{names[0]}' didn't change, skipping")
else:
    print(f"Running stage '{names[0]}':\n> {stages[names[0]][0]}", flush=True)
    stage = subprocess.Popen(["/bin/sh", "-c", stages[names[0]][0]])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as dvc does: the stage ends first
    if stage.wait():
        sys.exit(f"ERROR: failed to run: {stages[names[0]][0]}, exited with {stage.returncode}")
    Path(f"{names[0]}.done").touch()
