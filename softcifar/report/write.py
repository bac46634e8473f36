"""The whole report from a study's files: tables, figures, numbers for DVC and the page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

from softcifar.files import atomic_folder, write_json, write_text
from softcifar.report.chapters import kind_of
from softcifar.report.core import formats, page
from softcifar.report.core.drawing import RC, image_bytes


def write_report(params: Mapping[str, Any], *, data: Path, scores: Path, models: Path, reports: Path) -> None:
    """Write metrics.json, index.html and the folders tables, figures, ddu and plots into `reports`.

    They come from `data`, `scores` and the teachers in `models`. params: the whole study as plain dicts with the defaults
    filled in. The folders are replaced whole, so that nothing of a removed student stays. Same input, same bytes. UserError
    names the first student or file that is missing.
    """
    kind = kind_of(params)
    study = kind.read(params, data=Path(data), scores=Path(scores), models=Path(models))
    built = {chapter.name: [table(study) for table in chapter.tables] for chapter in kind.chapters}
    shown = {name: [table for table in tables if table.rows] for name, tables in built.items()}
    study = study.with_tables({table.name: table for tables in shown.values() for table in tables})
    with mpl.rc_context(RC):
        drawn = {chapter.name: [draw(study) for draw in chapter.figures] for chapter in kind.chapters}
    drawings = {name: [drawing for drawing in each if drawing is not None] for name, each in drawn.items()}
    figures = {name: figure for each in drawings.values() for drawing in each for name, figure in drawing.pictures.items()}
    pictures = {name: image_bytes(name, figure) for name, figure in figures.items()}
    html = page.render(study, kind.chapters, shown, drawings, pictures)

    reports = Path(reports)
    with atomic_folder(reports / "tables") as folder:
        formats.write(folder, study.tables)
    with atomic_folder(reports / "figures") as folder:
        for name, content in pictures.items():
            (folder / name).write_bytes(content)
    with atomic_folder(reports / "ddu") as folder:
        for chapter in kind.chapters:
            if chapter.files is not None:
                chapter.files(folder, study)
    with atomic_folder(reports / "plots") as folder:
        for chapter in kind.chapters:
            for name, frame in chapter.plots.items():
                write_text(folder / f"{name}.csv", frame(study).to_csv(index=False, lineterminator="\n"))
    write_json(reports / "metrics.json", kind.metrics(study))
    write_text(reports / "index.html", html)
