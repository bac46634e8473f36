"""Check params.yaml and write down, for every later stage, the params and code that decide its result.

python -m stages.plan writes data/plan/ and moves away what other studies left; python -m stages.plan --check only checks.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from softcifar.data import npz
from softcifar.data.images import Images
from softcifar.errors import UserError, quote
from softcifar.files import atomic_folder, write_json, write_text
from softcifar.labels import LABEL_SOURCES
from softcifar.labels.source import inputs
from softcifar.params.sections import Data, Dataset, LabelSource
from softcifar.params.study import load
from softcifar.pipeline import own_images
from softcifar.pipeline.jobs.__main__ import lock_folder
from softcifar.pipeline.outputs import LEFT, folders, outputs, tidy
from softcifar.pipeline.plan import entries, files, text
from softcifar.pipeline.record import made_with_others
from softcifar.pipeline.stage import OF_PARAMS, PARAMS, PLAN, of_params, run


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true", help="check params.yaml and write no plan")
    parser.add_argument("--tidy", action="store_true", help="with --check: still move away what other studies left")
    arguments = parser.parse_args()
    study = load(PARAMS, own_files, own_votes, own_images.learnable, own_images.oblong)
    items = files(study, Path())
    if arguments.check:
        _warn_of_versions(items)
        if said := own_images.duration(study):
            print(said, file=sys.stderr)
    else:
        with atomic_folder(PLAN) as folder:
            for name, entry in entries(study, Path()).items():
                write_text(folder / name, text(entry))
            write_json(folder / OF_PARAMS.name, of_params())
    if arguments.tidy:
        lock_folder()  # a run that is at work needs what lies there (dvc starts this stage without --tidy)
    if arguments.tidy or not arguments.check:
        moved = [str(path) for path in tidy(items, Path()) if not path.name.endswith(".run.json")]
        if moved:
            print(f"moved to {LEFT}, as this study has no such item: {_some(moved)}", file=sys.stderr)


def own_files(datasets: Mapping[str, Dataset]) -> Iterator[str]:
    """A user's files that lack a checksum or were changed since: DVC sees params and outputs only, so it would not notice."""
    for name, path, sha256, count in _own(datasets):
        if not re.fullmatch("([0-9a-fA-F]{64})?", sha256):
            yield f"datasets.{name}.sha256: found {quote(sha256)}; allowed: the 64 digits of a SHA-256"
            continue
        try:
            if file := npz.locate(path):
                for folder in folders(Path()):
                    if file.resolve().is_relative_to(folder.resolve()):
                        yield f"datasets.{name}.path: found '{file}' in {folder}, which stages fill; allowed: elsewhere"
                npz.verify(file, sha256)
                total = len(_parts(file)["train"].images)
                if count is not None and count > total:
                    yield f"datasets.{name}.count: found {count}; allowed: at most the {total} images of '{path}'"
        except UserError as error:
            yield f"datasets.{name}.{error}"
        except OSError as error:
            yield f"datasets.{name}.path: found {quote(path)}, which cannot be read ({error.strerror})"


def _parts(file: Path) -> dict[str, Images]:
    try:
        return own_images.parts(file)
    except UserError as error:
        raise UserError(f"path: {error}") from None


def own_votes(data: Data, datasets: Mapping[str, Dataset], labels: Mapping[str, LabelSource]) -> Iterator[str]:
    """Label sources that need people's votes where a user's file of images has none."""
    part, array = ("test", "test_votes") if data.protocol == "cifar10h" else ("train", "votes")
    if part in data.votes or data.images not in datasets or (found := own_images.own(datasets[data.images])) is None:
        return
    if part not in found or found[part].votes is None:
        for label, source in labels.items():
            if "votes" in inputs(LABEL_SOURCES[source.source]):
                path = datasets[data.images].options["path"]
                yield f"labels.{label}: source '{source.source}' needs people's votes, but '{path}' has no {array}"


def _own(datasets: Mapping[str, Dataset]) -> Iterator[tuple[str, str, str, int | None]]:
    """(name, path, sha256, count) of every npz file."""
    for name, dataset in datasets.items():
        if dataset.source == "npz":
            yield name, *(dataset.options[key] for key in ("path", "sha256", "count"))


def _warn_of_versions(plan: list[str]) -> None:
    for versions, made in made_with_others(outputs(plan, Path())).items():
        names = _some([str(path) for path in made])
        print(f"warning: made with {versions}, so a new run may give other numbers: {names}", file=sys.stderr)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


if __name__ == "__main__":
    run(main)
