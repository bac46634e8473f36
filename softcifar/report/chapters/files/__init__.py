"""Files, versions, parameters: what every page ends with."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from softcifar.files import write_text
from softcifar.report.chapters.run.facts import checksums
from softcifar.report.core.chapter import Chapter
from softcifar.report.core.study import Study
from softcifar.report.core.words import noted


def chapter(
    abouts: Callable[[Study], Iterable[Mapping[str, Any]]],
    *,
    checked: Callable[[Any], list] = lambda results: [],
    beside: Sequence[tuple[str, str]] = (),
    plots: Mapping[str, Callable[[Study], pd.DataFrame]] | None = None,
    without: str = "",
) -> Chapter:
    """abouts: what the stages noted; checked: data with their checksums; beside: what else lies where; without: what has no
    novel images, "Simulations have", of a kind of study without them."""

    def facts(study: Study) -> dict[str, object]:
        return {"versions": noted(abouts(study)), "checksums": checked(study.results), "beside": beside}

    def no_novelty(folder: Path, study: Study) -> None:
        """The folder is an output of the pipeline, whatever the study."""
        words = f"{without} no novel images, so there are no results files of novelty detection.\n"
        write_text(folder / "README.txt", words)

    files = no_novelty if without else None
    return Chapter("files", "Files, versions, parameters", facts=facts, plots=plots or {}, files=files, always=True)


CHAPTER = chapter(lambda study: (student.about for student in study.results.students.values()), checked=checksums)
