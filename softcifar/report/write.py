"""The whole report from a study's files: tables, figures, numbers for DVC and the page."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

from softcifar.files import atomic_folder, write_json, write_text
from softcifar.report.chapters import kind_of
from softcifar.report.core import formats, page
from softcifar.report.core.chapter import Chapter
from softcifar.report.core.drawing import RC, Drawing
from softcifar.report.core.side_by_side import side_by_side
from softcifar.report.core.study import Study


def write_report(params: Mapping[str, Any], *, data: Path, scores: Path, models: Path, reports: Path) -> None:
    """Write metrics.json, index.html and the folders tables, figures, ddu and plots into `reports`.

    They come from `data`, `scores` and the teachers in `models`. params: the whole study as plain dicts with the defaults
    filled in. The folders are replaced whole, so that nothing of a removed student stays. Same input, same bytes. UserError
    names the first student or file that is missing.
    """
    kind = kind_of(params)
    study = kind.read(params, data=Path(data), scores=Path(scores), models=Path(models))
    shown = _by_chapter(kind.chapters, "tables", lambda table: table(study), lambda table: table.rows)
    study = study.with_tables({table.name: table for tables in shown.values() for table in tables})

    def printed(draw: Callable[[Study], Drawing | None]) -> Drawing | None:
        drawing = draw(study)
        return drawing and drawing.printed()

    with mpl.rc_context(RC):
        drawings = _by_chapter(kind.chapters, "figures", printed, lambda drawing: drawing is not None)
    pictures = {name: each for of in drawings.values() for drawing in of for name, each in drawing.pictures.items()}
    html = page.render(study, kind.chapters, shown, drawings)

    reports = Path(reports)
    with atomic_folder(reports / "tables") as folder:
        formats.write(folder, study.tables)
    with atomic_folder(reports / "figures") as folder:
        for name, picture in pictures.items():
            (folder / name).write_bytes(picture.content)
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


def _by_chapter(
    chapters: Sequence[Chapter], part: str, make: Callable[[Any], Any], keep: Callable[[Any], bool]
) -> dict[str, list[Any]]:
    """{chapter: what `make` makes of each of its tables or figures, as far as `keep` says}, made side by side."""
    asked = [(chapter.name, each) for chapter in chapters for each in getattr(chapter, part)]
    made = side_by_side(make, [each for _, each in asked])
    found: dict[str, list[Any]] = {chapter.name: [] for chapter in chapters}
    for (name, _), each in zip(asked, made, strict=True):
        if keep(each):
            found[name].append(each)
    return found
