"""A table as csv (full precision), Markdown and LaTeX (as printed)."""

from pathlib import Path

from softcifar.files import write_text
from softcifar.report.core.tables import Cell, Table

LINE = 200  # characters; a column of longer text breaks it
LATEX = {
    "\\": r"\textbackslash{}",
    "–": "--",
    "−": "$-$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\u00a0": "~",
    "<": "$<$",
    ">": "$>$",
    "ü": r"{\"u}",
    "’": "'",
    "“": "``",
    "”": "''",
} | {character: f"\\{character}" for character in "&%$#_{}"}


def write(folder: Path, tables: dict[str, Table]) -> None:
    """Write <name>.csv, <name>.md and <name>.tex for every table."""
    for name, table in tables.items():
        write_text(folder / f"{name}.csv", table.frame.to_csv(index=False, lineterminator="\n"))
        write_text(folder / f"{name}.md", markdown(table))
        write_text(folder / f"{name}.tex", latex(table))


def markdown(table: Table) -> str:
    """A pipe table under its title, the note below it."""
    header = [title.replace("\u00a0", " ") for title, _ in table.header]
    rows = [[_markdown_cell(cell) for cell in row] for row in table.rows]
    names = _text_columns(table)
    lines = [header, ["---" if name else "---:" for name in names], *rows]
    body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"## {table.title}\n\n{body}\n\n{table.note}\n"


def latex(table: Table) -> str:
    """A booktabs tabular; the title and the note as comments, for the author to place."""
    spec = "".join(
        ("p{10cm}" if _long(table, place) else "l") if name else "r" for place, name in enumerate(_text_columns(table))
    )
    lines = [" & ".join(_escape(title) for title, _ in table.header) + r" \\", r"\midrule"]
    lines += [" & ".join(_latex_cell(cell) for cell in row) + r" \\" for row in table.rows]
    body = "\n".join([rf"\begin{{tabular}}{{{spec}}}", r"\toprule", *lines, r"\bottomrule", r"\end{tabular}"])
    return f"% {table.title}\n% {table.note}\n% needs \\usepackage{{booktabs}}\n{body}\n"


def _text_columns(table: Table) -> list[bool]:
    return [all(isinstance(row[place].value, str) for row in table.rows) for place in range(len(table.header))]


def _long(table: Table, place: int) -> bool:
    return any(len(row[place].text) > LINE for row in table.rows)


def _printed(cell: Cell) -> str:
    return f"{cell.text} {cell.error or ''}".replace("\n", " ").strip()


def _markdown_cell(cell: Cell) -> str:
    text = _printed(cell).replace("|", r"\|")
    return {"best": f"**{text}**", "not separated": f"{text} ~"}.get(cell.mark, text)


def _latex_cell(cell: Cell) -> str:
    text = _escape(_printed(cell))
    return {"best": rf"\textbf{{{text}}}", "not separated": rf"{text}$^{{\sim}}$"}.get(cell.mark, text)


def _escape(text: str) -> str:
    return "".join(LATEX.get(character, character) for character in text)
