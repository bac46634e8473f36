"""Run a stage and note when its first training step is done: python -m bench.first_step <file> <stage> [<item>].

Appends lines to <file>: `torch <seconds since 1970>` when torch is imported, `step <seconds since 1970>` after the first step
of this process, and at the end, where it used a GPU, `memory <the most bytes ever allocated there>`.
"""

import runpy
import sys
import time
from pathlib import Path

import torch

from softcifar.training.sgd import SGD

IMPORTED = time.time()


def main() -> None:
    file, stage, *arguments = sys.argv[1:]
    _append(Path(file), f"torch {IMPORTED}")
    _note_first_step(Path(file))
    sys.argv = [stage, *arguments]
    try:
        runpy.run_module(f"stages.{stage}", run_name="__main__")
    finally:
        if torch.cuda.is_initialized():
            _append(Path(file), f"memory {torch.cuda.max_memory_allocated()}")


def _note_first_step(file: Path) -> None:
    plain = SGD.step

    def step(self: SGD, lr: float) -> None:
        plain(self, lr)
        if self.parameters[0].is_cuda:
            self.parameters[0].flatten()[0].item()  # wait for the step
        _append(file, f"step {time.time()}")
        SGD.step = plain

    SGD.step = step


def _append(file: Path, line: str) -> None:
    with open(file, "a") as lines:
        lines.write(line + "\n")


if __name__ == "__main__":
    main()
