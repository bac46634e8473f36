"""Check params.yaml and write down, for every later stage, the params and code that decide its result.

python -m stages.plan writes data/plan/ and moves away what other studies left; python -m stages.plan --check only checks.
"""

import argparse
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from softcifar.data import npz
from softcifar.errors import UserError, quote
from softcifar.files import atomic_folder, write_json, write_text
from softcifar.labels import LABEL_SOURCES
from softcifar.labels.source import inputs
from softcifar.params.sections import Data, Dataset, LabelSource
from softcifar.params.study import load
from softcifar.pipeline.jobs.__main__ import lock_folder
from softcifar.pipeline.outputs import LEFT, folders, outputs, tidy
from softcifar.pipeline.own_images import duration, splittable
from softcifar.pipeline.plan import entries, text
from softcifar.pipeline.record import made_with_others
from softcifar.pipeline.stage import OF_PARAMS, PARAMS, PLAN, of_params, run


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true", help="check params.yaml and write no plan")
    parser.add_argument("--tidy", action="store_true", help="with --check: still move away what other studies left")
    arguments = parser.parse_args()
    study = load(PARAMS, own_files, own_votes, splittable)
    plan = entries(study, Path())
    if arguments.check:
        _warn_of_versions(list(plan))
        if said := duration(study):
            print(said, file=sys.stderr)
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


def own_files(datasets: Mapping[str, Dataset]) -> Iterator[str]:
    """A user's files that lack a checksum or were changed since: DVC sees params and outputs only, so it would not notice."""
    for name, path, sha256 in _own(datasets):
        if not re.fullmatch("([0-9a-fA-F]{64})?", sha256):
            yield f"datasets.{name}.sha256: found {quote(sha256)}; allowed: the 64 digits of a SHA-256"
            continue
        try:
            if file := npz.locate(path):
                for folder in folders(Path()):
                    if file.resolve().is_relative_to(folder.resolve()):
                        yield f"datasets.{name}.path: found '{file}' in {folder}, which stages fill; allowed: elsewhere"
                npz.verify(file, sha256)
        except UserError as error:
            yield f"datasets.{name}.{error}"
        except OSError as error:
            yield f"datasets.{name}.path: found {quote(path)}, which cannot be read ({error.strerror})"


def own_votes(data: Data, datasets: Mapping[str, Dataset], labels: Mapping[str, LabelSource]) -> Iterator[str]:
    """Label sources that need people's votes where a user's file of images has none."""
    part, array = ("test", "test_votes") if data.protocol == "cifar10h" else ("train", "votes")
    for name, path, _ in _own(datasets):
        if name == data.images and part not in data.votes and array not in _arrays(path):
            for label, source in labels.items():
                if "votes" in inputs(LABEL_SOURCES[source.source]):
                    yield f"labels.{label}: source '{source.source}' needs people's votes, but '{path}' has no {array}"


def _own(datasets: Mapping[str, Dataset]) -> Iterator[tuple[str, str, str]]:
    """(name, path, sha256) of every npz file."""
    for name, dataset in datasets.items():
        if dataset.source == "npz":
            yield name, dataset.options["path"], dataset.options["sha256"]


def _arrays(path: str) -> list[str]:
    """The arrays that an npz file names; all that it may have where it cannot be read, which `own_files` or its stage says."""
    try:
        file = npz.locate(path)
        return [Path(member).stem for member in zipfile.ZipFile(file).namelist()] if file else list(npz.KNOWN)
    except (OSError, zipfile.BadZipFile, NotImplementedError):
        return list(npz.KNOWN)


def _warn_of_versions(plan: list[str]) -> None:
    for versions, made in made_with_others(outputs(plan, Path())).items():
        names = _some([str(path) for path in made])
        print(f"warning: made with {versions}, so a new run may give other numbers: {names}", file=sys.stderr)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


if __name__ == "__main__":
    run(main)
