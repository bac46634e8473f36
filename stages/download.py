"""Fetch or generate one data set into data/raw/<name>/: python -m stages.download <data set>."""

from pathlib import Path

from softcifar.data import DATA_SOURCES
from softcifar.errors import UserError
from softcifar.files import atomic_folder
from softcifar.pipeline.stage import entry, run


def main() -> Path:
    plan = entry("download", "data set")
    out = Path("data/raw") / plan.name
    with atomic_folder(out) as folder:
        try:
            DATA_SOURCES[plan.params["source"]].fetch(folder, **plan.params["options"])
        except UserError as error:
            raise UserError(f"datasets.{plan.name}: {error}") from None
    return out


if __name__ == "__main__":
    run(main)
