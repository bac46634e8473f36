"""What the decision table comes to, budget by budget, in sentences; from the rows alone, so that a published table will do."""

from collections.abc import Iterable, Sequence

from softcifar.metrics.statistics import FEWEST
from softcifar.report.chapters.advice.sources import Source
from softcifar.report.chapters.advice.standings import Standing, cells
from softcifar.report.core.words import counted, listed

MOST = 20  # names in a sentence: a reader looks for one of them


def advice(rows: Sequence[Standing], found: Iterable[Source]) -> list[tuple[str, str]]:
    """(the budget in words, what it leaves) in the order of the rows."""
    costs = {source.student: source for source in found}
    budgets = list(dict.fromkeys((row.budget, row.allows) for row in rows))
    return [(f"With {words}", _of(key, [row for row in rows if row.budget == key], costs)) for key, words in budgets]


def _of(budget: str, rows: Sequence[Standing], costs: dict[str, Source]) -> str:
    present = {row.student for row in rows}
    names = [name for name in costs if name in present]
    if len(names) == 1:
        return f"There is {names[0]} alone, so nothing to choose."
    by_aim = {wanted: of_cell for (_, wanted), of_cell in cells(rows).items() if len(of_cell) > 1}
    apart: dict[tuple, list[str]] = {}  # (who is left, who is beaten) -> aims
    alike: list[str] = []
    for wanted, of_cell in by_aim.items():
        left = tuple(row.student for row in of_cell if row.left)
        if len(left) == len(of_cell):
            alike.append(wanted)
        else:
            lost = tuple(name for name in names if any(row.student == name and not row.left for row in of_cell))
            apart.setdefault((left, lost), []).append(wanted)
    winners = [name for name in names if not any(row.student == name and not row.left for row in rows)]
    if not apart:
        aims = "any aim" if len(alike) > 1 else alike[0]
        return f"This study cannot tell {listed(names, MOST)} apart in {aims}; {_cheapest(names, costs)}."
    parts = [f"for {listed(aims, MOST)} {_decided(*sides)}" for sides, aims in apart.items()]
    text = f"Of {listed(names, MOST)}: {'; '.join(parts)}."
    if alike:
        aims = listed(alike) if len(alike) == 1 else f"the other {len(alike)} aims"
        text += f" In {aims} this study cannot tell them apart."
    if not winners:
        return f"{text} Each of them is beaten in something."
    return f"{text} Beaten in nothing: {listed(winners, MOST)}" + (
        f"; of these {_cheapest(winners, costs)}." if len(winners) > 1 else "."
    )


def _decided(left: Sequence[str], lost: Sequence[str]) -> str:
    """Who is left or, where these are most, who is not."""
    if len(left) <= len(lost):
        return f"only {listed(left, MOST)} {'is' if len(left) == 1 else 'are'} not beaten"
    return f"{listed(lost, MOST)} {'is' if len(lost) == 1 else 'are'} beaten"


def _cheapest(names: Sequence[str], costs: dict[str, Source]) -> str:
    """Who needs the fewest votes, then the fewest networks that teach, then the least training."""
    price = {name: (*costs[name].cost[:2], round(costs[name].effort, 1)) for name in names}
    least = [name for name in names if price[name] == min(price.values())]
    if len(least) == len(names):
        return "all cost the same"
    return f"{listed(least, MOST)} cost{'s' * (len(least) == 1)} least"


def nothing(runs: int, found: Sequence[Source], reference: str) -> str:
    """Why a study advises nothing."""
    if len(found) < 2:
        return f"No student differs from {reference} in softness alone, so there are no labels to choose among."
    if runs < FEWEST:
        return f"Students have {counted(runs, 'runs')}, and a test takes {FEWEST}, so this study does not say which to use."
    return "No two sources have a number that differs from run to run, so this study does not say which to use."


def others(names: Sequence[str], reference: str) -> str:
    """Who is no source; "" where there is nobody."""
    return f"Not among them, because more than softness differs from {reference}: {listed(names, MOST)}." if names else ""
