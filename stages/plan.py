"""Check params.yaml and write down, for every later stage, the params and code that decide its result.

python -m stages.plan writes data/plan/ and moves away what other studies left; python -m stages.plan --check only checks.
"""

import argparse
import sys
from pathlib import Path

from softcifar.data import npz
from softcifar.errors import UserError
from softcifar.files import atomic_folder, write_json, write_text
from softcifar.params.study import Study, load
from softcifar.pipeline.jobs.__main__ import lock_folder
from softcifar.pipeline.outputs import LEFT, folders, outputs, tidy
from softcifar.pipeline.plan import entries, text
from softcifar.pipeline.record import made_with_others
from softcifar.pipeline.stage import OF_PARAMS, PARAMS, PLAN, of_params, run


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true", help="check params.yaml and write no plan")
    parser.add_argument("--tidy", action="store_true", help="with --check: still move away what other studies left")
    arguments = parser.parse_args()
    study = load(PARAMS)
    _check_own_files(study)
    plan = entries(study, Path())
    if arguments.check:
        _warn_of_versions(list(plan))
    else:
        with atomic_folder(PLAN) as folder:
            for name, entry in plan.items():
                write_text(folder / name, text(entry))
            write_json(folder / OF_PARAMS.name, of_params())
    if arguments.tidy:
        lock_folder()  # a run that is at work needs what lies there (dvc starts this stage without --tidy)
    if arguments.tidy or not arguments.check:
        moved = [str(path) for path in tidy(list(plan), Path()) if not path.name.endswith(".run.json")]
        if moved:
            print(f"moved to {LEFT}, as this study has no such item: {_some(moved)}", file=sys.stderr)


def _check_own_files(study: Study) -> None:
    """A user's file that was changed since: DVC sees params and outputs only, so it would not notice."""
    for name, dataset in study.datasets.items():
        if dataset.source == "npz" and (file := npz.locate(dataset.options["path"])):
            for folder in folders(Path()):
                if file.resolve().is_relative_to(folder.resolve()):
                    raise UserError(f"datasets.{name}.path: found '{file}' in {folder}, which stages fill; allowed: elsewhere")
            try:
                npz.verify(file, dataset.options["sha256"])
            except UserError as error:
                raise UserError(f"datasets.{name}: {error}") from None


def _warn_of_versions(plan: list[str]) -> None:
    for versions, made in made_with_others(outputs(plan, Path())).items():
        names = _some([str(path) for path in made])
        print(f"warning: made with {versions}, so a new run may give other numbers: {names}", file=sys.stderr)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


if __name__ == "__main__":
    run(main)
