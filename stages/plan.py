"""Check params.yaml and write down, for every later stage, the params and code that decide its result.

python stages/plan.py writes data/plan/; python stages/plan.py --check only checks.
"""

import argparse
from pathlib import Path

from softcifar.data import npz
from softcifar.errors import UserError
from softcifar.files import atomic_folder, write_json
from softcifar.params import study as params
from softcifar.pipeline.plan import entries
from softcifar.pipeline.stage import PARAMS, run


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true", help="check params.yaml and write nothing")
    only_check = parser.parse_args().check
    study = params.load(PARAMS)
    _check_own_files(study)
    if only_check:
        return
    with atomic_folder("data/plan") as folder:
        for name, entry in entries(study, Path()).items():
            write_json(folder / name, entry)


def _check_own_files(study: params.Study) -> None:
    """A user's file that was changed since: DVC sees params and outputs only, so it would not notice."""
    for name, dataset in study.datasets.items():
        if dataset.source == "npz" and (found := npz.locate(dataset.options["path"])):
            try:
                npz.verify(found, dataset.options["sha256"])
            except UserError as error:
                raise UserError(f"datasets.{name}: {error}") from None


if __name__ == "__main__":
    run(main)
