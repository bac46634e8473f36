"""The worked examples of a document: its marked code blocks, and how they are put into a copy of the project.

Before a code block, a comment says what it is:
    example: FILE               a whole new file
    add to: FILE, after: LINE   lines for an existing file: imports join its imports, the others follow the one line that reads
                                LINE, indented one step further where LINE opens something
    change: FILE                a diff of lines of an existing file: the one that reads as the - line becomes the + line
    params                      a part of params.yaml
Headings of the second level divide the document into examples.
"""

import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

import yaml

BLOCK = re.compile(r"<!-- (example|add to|change|params)(?:: ([^\n]*?))? -->\n```\w+\n(.*?)```", re.DOTALL)


@dataclass
class Example:
    """One section: new files, lines for existing ones (file, after which line, lines), diffs (file, diff), parts of params."""

    title: str
    files: dict[str, str] = field(default_factory=dict)
    lines: list[tuple[str, str, str]] = field(default_factory=list)
    changes: list[tuple[str, str]] = field(default_factory=list)
    params: list[dict] = field(default_factory=list)

    @property
    def touched(self) -> set[str]:
        return {*self.files, *(file for file, *_ in (*self.lines, *self.changes))}


def examples(document: Path) -> dict[str, Example]:
    """By title, those sections that have marked blocks."""
    found = {}
    for section in re.split(r"^## ", document.read_text(), flags=re.MULTILINE)[1:]:
        example = Example(section.split("\n", 1)[0])
        for kind, where, text in BLOCK.findall(section):
            if kind == "example":
                example.files[where] = text
            elif kind == "add to":
                file, after = where.split(", after: ")
                example.lines.append((file, after, text))
            elif kind == "change":
                example.changes.append((where, text))
            else:
                example.params.append(yaml.safe_load(text))
        if example.files or example.lines or example.changes or example.params:
            found[example.title] = example
    return found


def put(example: Example, root: Path) -> None:
    """Do to the project in `root` what the example tells its reader to do."""
    for file, text in example.files.items():
        path = root / file
        assert not path.exists(), file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for file, after, text in example.lines:
        _insert(root / file, after, text)

    for file, text in example.changes:
        _change(root / file, text)


def _change(path: Path, diff: str) -> None:
    olds, news = ([line[1:] for line in diff.splitlines() if line[0] == sign] for sign in "-+")
    lines = path.read_text().splitlines()
    for old, new in zip(olds, news, strict=True):
        assert lines.count(old) == 1, (path, old)
        lines[lines.index(old)] = new
    path.write_text("\n".join(lines) + "\n")


def _insert(path: Path, after: str, text: str) -> None:
    imports = [line for line in text.splitlines() if line.startswith(("from ", "import "))]
    entries = text.splitlines()
    if imports:
        entries = [line for line in entries if line.strip() and line not in imports]
    lines = path.read_text().splitlines()
    (place,) = (number for number, line in enumerate(lines) if line.strip() == after)
    indent = lines[place][: len(lines[place]) - len(lines[place].lstrip())]
    if after[-1] in "{[(:":
        indent += "  " if path.suffix == ".yaml" else "    "
    lines[place + 1 : place + 1] = textwrap.indent("\n".join(entries), indent).splitlines()
    if imports:
        first = next(number for number, line in enumerate(lines) if line.startswith(("from ", "import ")))
        lines[first:first] = imports
    path.write_text("\n".join(lines) + "\n")


def merged(study: dict, changes: dict) -> dict:
    """`study` with `changes` put in, section by section."""
    both = {key: merged(study[key], changes[key]) for key in study.keys() & changes.keys() if isinstance(study[key], dict)}
    return {**study, **changes, **both}
