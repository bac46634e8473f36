"""What the decision table comes to, budget by budget, in sentences; from the rows alone, so that a published table will do."""

from collections.abc import Iterable, Mapping, Sequence

from softcifar.metrics.statistics import FEWEST
from softcifar.report.chapters.advice.sources import Source
from softcifar.report.chapters.advice.standings import BEATEN_HERE, ONLY_HERE, OPEN, Standing, cells
from softcifar.report.core.words import counted, listed

MOST = 20  # names in a sentence: a reader looks for one of them


def advice(rows: Sequence[Standing], found: Iterable[Source], *, whole: bool = True) -> list[tuple[str, str]]:
    """(the budget in words, what it leaves) in the order of the rows. whole: these are all aims, so that it can be said who is
    beaten in nothing."""
    costs = {source.student: source for source in found}
    budgets = list(dict.fromkeys((row.budget, row.allows) for row in rows))
    said = [_of(key, [row for row in rows if row.budget == key], costs, whole=whole) for key, _ in budgets]
    return [(f"With {words}", text) for (_, words), text in zip(budgets, said, strict=True)]


def _of(budget: str, rows: Sequence[Standing], costs: dict[str, Source], *, whole: bool) -> str:
    present = {row.student for row in rows}
    names = [name for name in costs if name in present]
    if len(names) == 1:
        return f"There is {names[0]} alone, so nothing to choose."
    by_aim = {wanted: of_cell for (_, wanted), of_cell in cells(rows).items() if len(of_cell) > 1}
    if not by_aim:
        return f"No aim has a number of two of {listed(names, MOST)}, so nothing to choose."
    compared = {row.student for of_cell in by_aim.values() for row in of_cell}
    names = [name for name in names if name in compared]
    apart: dict[tuple, list[str]] = {}  # (who is left, who is beaten) -> aims
    alike: list[str] = []
    for wanted, of_cell in by_aim.items():
        left = tuple(row.student for row in of_cell if row.left)
        if len(left) == len(of_cell):
            alike.append(wanted)
        else:
            lost = tuple(name for name in names if any(row.student == name and not row.left for row in of_cell))
            apart.setdefault((left, lost), []).append(wanted)
    those = listed([costs[name].named for name in names], MOST)
    here = _only_here(names, by_aim)
    if not apart:
        aims = "any aim that has a test" if whole and len(alike) > 1 else listed(alike, MOST)
        text = (
            f"This study cannot tell {those} apart{' for further images' * bool(here)} in {aims}; {_no_advice(names, costs)}."
        )
        return text + here
    these = ", on these images" * any(row.standing == BEATEN_HERE for row in rows)
    parts = [f"for {listed(aims, MOST)} {_decided(*sides)}" for sides, aims in apart.items()]
    text = f"Of {those}{these}: {'; '.join(parts)}."
    if alike:
        aims = listed(alike) if len(alike) == 1 else f"the other {len(alike)} aims"
        beyond = " for further images" * any(row.standing == ONLY_HERE for wanted in alike for row in by_aim[wanted])
        text += f" In {aims} this study cannot tell them apart{beyond}."
    text += here
    if not whole:
        return text
    winners = [name for name in names if all(row.standing == OPEN for row in rows if row.student == name)]
    if not winners:
        return f"{text} Each of them is beaten in something."
    return f"{text} Beaten in nothing: {listed(winners, MOST)}" + (
        f"; of these {_cheapest(winners, costs)}." if len(winners) > 1 else "."
    )


def _only_here(names: Sequence[str], by_aim: Mapping[str, Sequence[Standing]]) -> str:
    """Who is beaten on the study's images alone; "" where nobody is."""
    lost = {
        wanted: [name for name in names if any((row.student, row.standing) == (name, ONLY_HERE) for row in of_cell)]
        for wanted, of_cell in by_aim.items()
    }
    parts = [f"{listed(beaten, MOST)} in {wanted}" for wanted, beaten in lost.items() if beaten]
    return f" Beaten on these images alone: {'; '.join(parts)}." if parts else ""


def _decided(left: Sequence[str], lost: Sequence[str]) -> str:
    """Who is left or, where these are most, who is not."""
    if len(left) <= len(lost):
        return f"only {listed(left, MOST)} {'is' if len(left) == 1 else 'are'} not beaten"
    return f"{listed(lost, MOST)} {'is' if len(lost) == 1 else 'are'} beaten"


def _least(names: Sequence[str], costs: dict[str, Source]) -> list[str]:
    """Who needs the fewest votes, then the fewest networks that teach, then the least training."""
    price = {name: (*costs[name].cost[:2], round(costs[name].effort, 1)) for name in names}
    return [name for name in names if price[name] == min(price.values())]


def _cheapest(names: Sequence[str], costs: dict[str, Source]) -> str:
    least = _least(names, costs)
    if len(least) == len(names):
        return "all cost the same"
    return f"{listed(least, MOST)} cost{'s' * (len(least) == 1)} least"


def _no_advice(names: Sequence[str], costs: dict[str, Source]) -> str:
    """That the cheapest of those that nobody tells apart is not therefore the one to take."""
    least = _least(names, costs)
    if len(least) == len(names):
        return "that does not make them equally good, though all cost the same"
    ones = "the one" if len(least) == 1 else "those"
    return f"that does not make them equally good, nor the cheapest, {listed(least, MOST)}, {ones} to use"


def nothing(runs: int, found: Sequence[Source], reference: str) -> str:
    """Why a study advises nothing."""
    if len(found) < 2:
        return f"No student differs from {reference} in labels or loss alone, so there are no labels to choose among."
    if runs < FEWEST:
        return f"Students have {counted(runs, 'runs')}, and a test takes {FEWEST}, so this study does not say which to use."
    return "No two sources have a number that differs from run to run, so this study does not say which to use."


def others(names: Sequence[str], reference: str) -> str:
    """Who is no source; "" where there is nobody."""
    why = f"because something else differs from {reference}, too"
    return f"Not among them, {why}: {listed(names, MOST)}." if names else ""
