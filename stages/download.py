"""Fetch or generate one data set into data/raw/<name>/: python stages/download.py <data set>."""

from pathlib import Path

from softcifar.data import DATA_SOURCES
from softcifar.errors import UserError
from softcifar.files import atomic_folder
from softcifar.params.study import load_section
from softcifar.pipeline.stage import PARAMS, item, run


def main() -> None:
    datasets = load_section(PARAMS, "datasets")
    name = item(datasets, "data set")
    dataset = datasets[name]
    with atomic_folder(Path("data/raw") / name) as folder:
        try:
            DATA_SOURCES[dataset.source].fetch(folder, **dataset.options)
        except UserError as error:
            raise UserError(f"datasets.{name}: {error}") from None


if __name__ == "__main__":
    run(main)
