"""One self-contained page: styles, script and pictures inside, nothing fetched from anywhere."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from softcifar.report.core.chapter import Chapter
from softcifar.report.core.drawing import Drawing
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table

REPORT = Path(__file__).parents[1]
PLAIN = "!$'()*+,-./:;=?@[]_{}~^`|"  # what stands in a URL as it is


def render(
    study: Study,
    chapters: Sequence[Chapter],
    tables: Mapping[str, list[Table]],
    drawings: Mapping[str, list[Drawing]],
) -> str:
    """The page as text: a section per chapter that has something to show.

    tables and drawings: by the chapter's name.
    """
    templates = environment()
    sections = []
    for chapter in chapters:
        figures = drawings[chapter.name]
        if chapter.always or tables[chapter.name] or figures:
            facts = chapter.facts(study) if chapter.facts else {}
            html = templates.get_template(chapter.template).render(
                chapter=chapter, study=study, tables=tables[chapter.name], figures=figures, **facts
            )
            sections.append((chapter, html))
    return templates.get_template("page.html").render(study=study.results.params["study"], sections=sections)


def environment() -> Environment:
    """The templates; an unknown name in one is an error."""
    templates = Environment(
        loader=FileSystemLoader([REPORT / "templates", REPORT / "chapters"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters["yaml"] = dump
    templates.globals["url"] = url
    return templates


def url(name: str, content: bytes, *, spaces: bool) -> str:
    """A picture as a URL that holds it. SVG stands there as text, which takes a sixth less than base64.

    spaces: escape them too, as `srcset` needs it, where a space ends the URL."""
    if name.endswith(".svg"):
        text = content.decode("utf-8").replace("\n", " ")
        return f"data:image/svg+xml,{quote(text, safe=PLAIN if spaces else PLAIN + ' ')}"
    return f"data:image/png;base64,{base64.b64encode(content).decode('ascii')}"


def dump(params: Mapping[str, Any]) -> str:
    """All parameters as YAML."""
    return yaml.safe_dump(dict(params), sort_keys=False, allow_unicode=True, width=100)
