"""Train the small networks of an illustration: python stages/illustrate.py two_moons."""

from pathlib import Path

from softcifar.execution.device import pick
from softcifar.files import write_npz
from softcifar.illustrations.two_moons import uncertainty_maps
from softcifar.params import study as params
from softcifar.pipeline.stage import PARAMS, item, run


def main() -> None:
    study = params.load(PARAMS)
    name = item(study.illustrations, "illustration")
    pick()  # its number of threads; such small networks train on the CPU whatever it says
    found = uncertainty_maps(**study.illustrations[name].model_dump(), seed=study.seeds.init)
    write_npz(Path("scores/illustrations") / f"{name}.npz", **found)


if __name__ == "__main__":
    run(main)
