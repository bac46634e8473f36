from pathlib import Path

import pandas as pd

from softcifar.files import write_text
from softcifar.report.core.chapter import Chapter
from softcifar.report.core.study import Study
from softcifar.report.core.words import noted


def by_data_set(study: Study) -> pd.DataFrame:
    """A row per simulation, data set and method."""
    return pd.concat([each.scores.assign(simulation=name) for name, each in study.results.simulations.items()])


def no_novelty(folder: Path, study: Study) -> None:
    """The folder is an output of the pipeline, whatever the study."""
    words = "Simulations have no novel images, so there are no results files of novelty detection.\n"
    write_text(folder / "README.txt", words)


def facts(study: Study) -> dict[str, object]:
    """What the chapter's text needs."""
    versions = noted(each.about for each in study.results.simulations.values())
    beside = [("every method's scores on every data set", "plots/data_sets.csv")]
    return {"versions": versions, "checksums": [], "beside": beside}


CHAPTER = Chapter(
    "files",
    "Files, versions, parameters",
    facts=facts,
    plots={"data_sets": by_data_set},
    files=no_novelty,
    always=True,
)
