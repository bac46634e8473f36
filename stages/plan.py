"""Check params.yaml and write down, for every later stage, the params and code that decide its result.

python stages/plan.py writes data/plan/; python stages/plan.py --check only checks.
"""

import argparse
from pathlib import Path

from softcifar import params
from softcifar.files import atomic_folder, write_json
from softcifar.plan import entries
from softcifar.stage import PARAMS, run


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true", help="check params.yaml and write nothing")
    only_check = parser.parse_args().check
    study = params.load(PARAMS)
    if only_check:
        return
    with atomic_folder("data/plan") as folder:
        for name, entry in entries(study, Path()).items():
            write_json(folder / name, entry)


if __name__ == "__main__":
    run(main)
