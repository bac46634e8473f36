"""Train the small networks of an illustration: python -m stages.illustrate two_moons."""

import os
from pathlib import Path

from softcifar.execution.device import pick
from softcifar.files import write_npz
from softcifar.illustrations import ILLUSTRATIONS
from softcifar.pipeline.stage import entry, run


def main() -> Path:
    plan = entry("illustrate", "illustration")
    out = Path("scores/illustrations") / f"{plan.name}.npz"
    os.environ["SOFTCIFAR_DEVICE"] = "cpu"  # networks this small train there, whatever it says
    pick()  # its number of threads
    write_npz(out, **ILLUSTRATIONS[plan.name](**plan.params))
    return out


if __name__ == "__main__":
    run(main)
