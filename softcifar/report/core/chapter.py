"""A chapter of the page: what its folder gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from softcifar.report.core.drawing import Drawing
from softcifar.report.core.long_table import Rows
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table


@dataclass(frozen=True)
class Chapter:
    """One folder below `chapters`, with its text in text.html.

    name: its anchor on the page, and its folder unless `folder` says otherwise; rows: what it adds to the long table; tables:
    each makes a table, or one without rows where the study lacks the data; figures: each draws, or gives None there; facts:
    further values for text.html; plots: csv files for `dvc plots` by name; files: writes further files into reports/ddu. A
    chapter without a table or figure is left out, unless it always has something to say.
    """

    name: str
    title: str
    rows: tuple[Rows, ...] = ()
    tables: tuple[Callable[[Study], Table], ...] = ()
    figures: tuple[Callable[[Study], Drawing | None], ...] = ()
    facts: Callable[[Study], Mapping[str, Any]] | None = None
    plots: Mapping[str, Callable[[Study], pd.DataFrame]] = field(default_factory=dict)
    files: Callable[[Path, Study], None] | None = None
    folder: str = ""
    always: bool = False

    @property
    def template(self) -> str:
        return f"{self.folder or self.name}/text.html"
