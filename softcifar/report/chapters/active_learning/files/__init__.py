"""Files, versions, parameters."""

from pathlib import Path

import pandas as pd

from softcifar.files import write_text
from softcifar.report.chapters.acquisition.columns import acquired
from softcifar.report.core.chapter import Chapter
from softcifar.report.core.study import Study
from softcifar.report.core.words import noted


def curves(study: Study) -> pd.DataFrame:
    """A row per acquisition, run and step."""
    return pd.concat(
        [each.curve.assign(acquisition=name, pool=each.pool) for name, each in acquired(study).items()], ignore_index=True
    )


def no_novelty(folder: Path, study: Study) -> None:
    """The folder is an output of the pipeline, whatever the study."""
    words = "Active learning alone has no novel images, so there are no results files of novelty detection.\n"
    write_text(folder / "README.txt", words)


def facts(study: Study) -> dict[str, object]:
    """What the chapter's text needs."""
    versions = noted(about for each in acquired(study).values() for about in each.abouts)
    beside = [("every step of every run", "plots/acquisition.csv"), ("which images were bought when", "scores/acquisitions/")]
    return {"versions": versions, "checksums": [], "beside": beside}


CHAPTER = Chapter(
    "files",
    "Files, versions, parameters",
    facts=facts,
    plots={"acquisition": curves},
    files=no_novelty,
    always=True,
)
