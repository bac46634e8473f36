"""The tables of docs/verdicts.md: simulated anew, or read from it."""

import concurrent.futures
import multiprocessing
import re
from pathlib import Path

from tests.verdicts import rates

DOCUMENT = Path(__file__).parents[2] / "docs" / "verdicts.md"
BEGIN, END = "<!-- simulated by python -m tests.verdicts -->", "<!-- end -->"
STUDENTS = 6
SPLITS = ((5, 1), (5, 2), (10, 1))  # folds, rounds of runs


def percent(rate: float) -> str:
    return f"{100 * rate:.1f}"


def claim(case: tuple[str, str, int, int]) -> list[str]:
    rule, spread, runs, rows = case
    return [rule, spread, str(runs), str(rows), *map(percent, rates.claim_rates(*case))]


def table(case: tuple[str, int]) -> list[str]:
    found = rates.table_rates(*case, STUDENTS)
    return [case[0], str(case[1]), *(percent(found[key]) for key in ("better", "worse", "bold"))]


def choice(case: tuple[str, int, int]) -> list[str]:
    return [case[0], str(case[1]), str(case[2]), percent(rates.beaten_rate(*case))]


def enough(case: tuple[str, int, int]) -> list[str]:
    return [case[0], str(case[1]), str(case[2]), percent(rates.enough_rate(*case))]


def equivalent(case: tuple[str, int, int]) -> list[str]:
    return [case[0], str(case[1]), str(case[2]), *map(percent, rates.equivalent_rates(*case))]


def interval(case: tuple[str, int]) -> list[str]:
    return [case[0], str(case[1]), percent(rates.coverage(*case))]


def of_splits(case: tuple[int, int]) -> list[str]:
    splits, rounds = case
    others = [" / ".join(map(percent, rates.on_other_images(pair, *case))) for pair in rates.PAIRS]
    return [str(splits), str(splits * rounds), percent(rates.coverage_on_these_images(*case)), *others]


PARTS = {
    claim: (rates.cases(), ["rule", "spread", "runs", "rows or rivals", "false *supported* %", "false *contradicted* %"]),
    table: (
        [(spread, runs) for spread in ("normal", rates.HARDEST) for runs in rates.RUNS],
        ["spread", "runs", "called better %", "called worse %", "bold %"],
    ),
    choice: (
        [(spread, runs, sources) for spread in ("normal", rates.HARDEST) for runs in rates.RUNS for sources in (3, 6)],
        ["spread", "runs", "sources", "called beaten %"],
    ),
    enough: (
        [(spread, runs, 5) for spread in ("normal", rates.HARDEST, rates.OTHER_SIDE) for runs in rates.RUNS],
        ["spread", "runs", "numbers of votes", "called enough %"],
    ),
    equivalent: (
        [
            (spread, runs, rows)
            for spread in ("normal", rates.HARDEST, rates.OTHER_SIDE)
            for runs in rates.RUNS
            for rows in (1, 15)
        ],
        ["spread", "runs", "rows", "called equivalent %", "any wrong verdict, half of the rows without a difference %"],
    ),
    interval: ([(spread, runs) for spread in rates.SPREADS for runs in rates.RUNS], ["spread", "runs", "holds the truth %"]),
    of_splits: (list(SPLITS), ["splits", "runs", "these images", *(f"images like these: {pair}" for pair in rates.PAIRS)]),
}
TITLES = {
    claim: "Claims: how often a claim, none of whose rows has any effect beyond its bound, gets a verdict",
    table: f"Comparisons of {STUDENTS} equally good students; bold, where two are equally good and all others far behind",
    choice: "Which labels should I use? How often a cell of equally good sources calls one beaten (rivals: half of them)",
    enough: "From how many votes on? How often one that is worse by the margin is called enough (rivals: the most votes)",
    equivalent: "Equivalence: how often a row that differs by exactly what matters in practice is called equivalent",
    interval: "Intervals of single rows",
    of_splits: "Intervals with `data.splits`: how often they hold the truth / a claim at the truth is decided, %",
}


def simulate() -> str:
    """All tables as Markdown."""
    parts = []
    with concurrent.futures.ProcessPoolExecutor(mp_context=multiprocessing.get_context("fork")) as pool:
        for row, (cases, header) in PARTS.items():
            lines = [header, ["---"] * len(header), *pool.map(row, cases)]
            parts.append(f"### {TITLES[row]}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join(parts)


def replaced(document: str, tables: str) -> str:
    before, _, rest = document.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{tables}\n\n{END}{rest.partition(END)[2]}"


def written(row) -> list[list[str]]:
    """The rows of one table as they stand in the document."""
    part = DOCUMENT.read_text(encoding="utf-8").partition(f"### {TITLES[row]}\n")[2].partition("###")[0]
    lines = re.findall(r"^\| (.*) \|$", part, re.MULTILINE)
    return [line.split(" | ") for line in lines[2:]]
