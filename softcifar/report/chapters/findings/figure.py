"""The figure above all: rows are sources of softness, columns what they cost and what they buy, beside the reference."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from softcifar.metrics.statistics import FEWEST
from softcifar.report.chapters.findings import sentences
from softcifar.report.chapters.findings.benefits import Benefit, benefits, judged_benefits
from softcifar.report.chapters.findings.sentences import interval, side, signed
from softcifar.report.chapters.summary.cost import passes
from softcifar.report.core.columns import plain
from softcifar.report.core.comparisons import by_run
from softcifar.report.core.drawing import ACCENT, DARK, GREY, INK, Drawing, shorten
from softcifar.report.core.kinds import distinct
from softcifar.report.core.origins import ORIGINS, effort, like_the_reference, origin, teachers, title, votes
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import ON_THESE, Finding

COLOURS = {"better": DARK, "worse": ACCENT, "undecided": GREY}
GROUNDS = {"better": "#d8e6f3", "worse": "#fbe3cd"}
MARKS = {"better": ">", "worse": "<", "undecided": "o"}
ROW, GROUP, HEAD, FOOT = 0.33, 0.25, 0.55, 0.2  # inches
LINE = 0.11  # between the lines of a name
LEGEND = 0.16  # of a line
EDGE = 0.05  # of a mark from the edge of its panel, where its value lies beyond
FURTHEST = 4  # times the median distance from 0: what lies beyond is drawn at the edge, its number tells it
SMALL, USUAL = 6.5, 8.0  # points
WIDTH = 0.00975  # inches of a wide letter, per point


@dataclass(frozen=True)
class Layout:
    """Inches: of the whole, the names, a column of cost, the number at a panel's right end, the widest panel."""

    width: float
    names: float
    cost: float
    number: float
    panel: float
    across: int  # panels side by side

    def panel_of(self, panels: int, costs: int) -> float:
        """How wide each of so many panels is beside so many columns of cost."""
        return min(self.panel, (self.width - 0.1 - self.names - self.cost * costs) / max(panels, 1))


WIDE = Layout(width=12.55, names=1.6, cost=0.47, number=0.5, panel=1.4, across=20)
NARROW = Layout(width=3.6, names=1.15, cost=0.58, number=0.46, panel=1.175, across=2)


@dataclass(frozen=True)
class Content:
    """What both layouts show. rows: students below the headings of their groups; costs: {title: {student: text}};
    cells: by key of a benefit's column and student; runs: differences of single runs, as they are shown."""

    reference: str
    groups: dict[str, list[str]]
    titles: dict[str, str]
    costs: dict[str, dict[str, str]]
    benefits: list[Benefit]
    cells: dict[tuple[str, str], Finding]
    runs: dict[tuple[str, str], list[float]]
    means: dict[str, str]
    pairs: str
    beyond: bool  # whether the study tells of other images
    tested: bool  # whether there are enough runs for tests and intervals


def draw(study: Study) -> Drawing | None:
    """None without another student than the reference."""
    content, results = gather(study), study.results
    if not content.cells:
        return None
    its_interval = " its 95 % interval and" if content.tested else ""
    counted = "a soft label that one person gave counts as one vote; " if results.asked is not None else ""
    decided = "Triangles on a coloured ground are decided, circles are not. " if content.tested else ""
    return Drawing(
        "differences",
        f"What softness buys, and what it costs, beside {content.reference}",
        f"Right of a line: better than {content.reference}; left: worse. Every number is the gain over it, + is better, "
        f"with{its_interval} the runs as ticks. {decided}An arrow at an edge points to what lies beyond it. Calibration error "
        f"is the one before temperature scaling; agreement is the geometric mean probability of the answers; {counted}training "
        "effort counts images seen, with those of tuning and of teachers. "
        f"{sentences.about(study.design, novel=bool(results.ood_kinds))}",
        finding(content, {name for name in study.students if like_the_reference(results, name)}),
        f"A table of dots: a row per student, grouped by where its softness comes from, a column for each of "
        f"{', '.join(benefit.title for benefit in content.benefits)}, and what each student costs at the left.",
        figure(content, WIDE),
        narrow=figure(content, NARROW),
    )


def finding(content: Content, alike: set[str]) -> str:
    """How many differences are decided, of students like the reference and of the others apart."""

    def counted(rows: Sequence[Finding]) -> str:
        sides = [side(row) for row in rows]
        better, worse = sides.count("better"), sides.count("worse")
        return f"{better + worse} of {len(rows)} differences, {better} for the better, {worse} for the worse"

    ours = [row for (_, name), row in content.cells.items() if name in alike]
    others = [row for (_, name), row in content.cells.items() if name not in alike]
    text = f"Decided: {counted([*ours, *others])}"
    if not (ours and others):
        return f"{text}."
    return (
        f"{text}. Of students with the method, network and augmentation of {content.reference}, mixing of images aside: "
        f"{counted(ours)}; of the others, which differ in more than softness: {counted(others)}."
    )


def gather(study: Study) -> Content:
    results, reference, found = study.results, study.reference, benefits(study)
    others = [name for name in distinct(results) if name != reference]
    groups = {words: [name for name in others if origin(results, name) == words] for words in ORIGINS}
    rows = judged_benefits(study)
    runs: dict[tuple[str, str], list[float]] = {}
    for benefit in found:
        values = benefit.column.scale * by_run(study.numbers, benefit.column)
        for row in rows[benefit.column.key]:
            differences = (values[row.compared] - values[reference]).dropna()
            runs[benefit.column.key, row.compared] = [benefit.gain(value) for value in differences]
    shown = [reference, *others]
    trained = {name: effort(results, name) / effort(results, reference) for name in shown}
    costs: dict[str, dict[str, str]] = {
        "votes per\nimage": {name: _count(votes(results, name)) for name in shown},
        "teacher's\nnetworks": {name: _count(teachers(results, name)) for name in shown},
        "training\neffort": {name: f"× {plain(trained[name], 1).removesuffix('.0')}" for name in shown},
        "passes per\nprediction": {name: str(passes(results.students[name].options["method"])) for name in shown},
    }
    return Content(
        reference,
        {words: names for words, names in groups.items() if names},
        {name: title(results, name) for name in shown},
        {words: each for words, each in costs.items() if len(set(each.values())) > 1},
        found,
        {(key, row.compared): row for key, each in rows.items() for row in each},
        runs,
        {benefit.column.key: _mean(benefit, study) for benefit in found},
        f"{results.params['study']}, {len(results.students[reference].seeds)} {study.design.unit}",
        study.design.tells_beyond,
        study.most_runs >= FEWEST,
    )


def _count(number: float) -> str:
    return f"{number:g}" if number else "–"


def _mean(benefit: Benefit, study: Study) -> str:
    """The reference's own value: per cent, or the geometric mean probability of the answers."""
    mean = study.means(benefit.column)[study.reference]
    return f"{100 * np.exp(-mean) if benefit.base is not None else benefit.column.scale * mean:.1f} %"


def figure(content: Content, layout: Layout) -> Figure:
    """Blocks of panels below each other, each with the names at its left; costs stand in the first one."""
    chunks: list[Sequence[Benefit]] = [
        content.benefits[start : start + layout.across] for start in range(0, len(content.benefits), layout.across)
    ]
    wide = layout.across >= len(content.benefits)
    blocks = [(content.costs, chunks[0])] if wide else [(content.costs, []), *(({}, chunk) for chunk in chunks)]
    blocks = [block for block in blocks if block[0] or block[1]]
    students = sum(map(len, content.groups.values()))
    height = HEAD + ROW * (students + 1) + GROUP * len(content.groups) + FOOT
    panels = [layout.panel_of(len(chunk), len(costs)) for costs, chunk in blocks]
    widths = [layout.cost * len(costs) + each * len(chunk) for (costs, chunk), each in zip(blocks, panels, strict=True)]
    width = layout.names + max(widths) + 0.1
    brief = wide and width > 3.8 + 0.052 * len("; ".join(_explained(content)))  # whether all of it has room in two lines
    total = height * len(blocks) + LEGEND * (2 if brief else 4)
    drawn = Figure(figsize=(width, total))
    ax = drawn.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(total, 0))
    ax.set_axis_off()
    for number, (costs, chunk) in enumerate(blocks):
        _block(ax, content, layout, (number * height, width - 0.1, panels[number]), costs, chunk)
    _legend(ax, content, height * len(blocks) + 0.02, brief)
    return drawn


def _explained(content: Content) -> tuple[str, str]:
    gain = f"gain over {content.reference}, + is better"
    if not content.tested:
        return gain, f"ticks: single runs; {content.pairs}: too few for a test or an interval"
    return f"{gain}; line: 95 % interval", f"ticks: single runs; decided by paired t tests, Holm; {content.pairs}"


def _legend(ax: Axes, content: Content, top: float, brief: bool) -> None:
    """What the marks mean, in two lines or, where they have no room, in four."""
    left = 0.12
    for which, words in (("better", "decided: better"), ("worse", "decided: worse"), ("undecided", "not decided")):
        _mark(ax, left, top, which)
        ax.text(left + 0.1, top, words, fontsize=SMALL, va="center")
        left += 0.24 + 0.055 * len(words)
    about = "All of it is about further runs on these test images."
    if content.beyond:
        _mark(ax, 0.12, top + LEGEND, "better", half=True)
        about = "half filled: decided for further runs on these test images alone"
    ax.text(0.22 if content.beyond else 0.08, top + LEGEND, about, fontsize=SMALL, va="center")
    if brief:
        ax.text(left + 0.1, top, "; ".join(_explained(content)), fontsize=SMALL, va="center", color="#555555")
        return
    for number, words in enumerate(_explained(content), start=2):
        ax.text(0.08, top + number * LEGEND, words, fontsize=SMALL, va="center", color="#555555")


def _block(ax: Axes, content: Content, layout: Layout, box: tuple, costs: dict, chunk: Sequence[Benefit]) -> None:
    """box: top and width of the block, width of a panel."""
    top, width, panel = box
    places, y = {content.reference: top + HEAD + ROW / 2}, top + HEAD + ROW
    ax.add_patch(Rectangle((0.05, top + HEAD), width, ROW, color="#f1f1f1", linewidth=0))
    for words, names in content.groups.items():
        ax.text(0.08, y + GROUP - 0.05, words, fontsize=USUAL, color="#555555", fontstyle="italic", va="bottom")
        y += GROUP
        for name in names:
            ax.plot([0.05, width + 0.05], [y, y], color="#e4e4e4", linewidth=0.6, zorder=0)
            places[name] = y + ROW / 2
            y += ROW
    for name, middle in places.items():
        described = content.titles[name].lower() not in ("", name.lower())
        lines, size = _lines(name, layout.names)
        above = LINE / 2 * (len(lines) - 1 + described)
        for number, words in enumerate(lines):
            place = middle - above + LINE * number
            ax.text(0.08, place, words, fontsize=size, va="center")
        if described:
            text = shorten(content.titles[name], int(layout.names / 0.053))
            ax.text(0.08, middle - above + LINE * len(lines), text, fontsize=SMALL, color="#555555", va="center")
    left = layout.names
    for words, texts in costs.items():
        ax.text(left + layout.cost / 2, top + HEAD - 0.06, words, fontsize=SMALL, ha="center", va="bottom", color="#555555")
        for name, middle in places.items():
            ax.text(left + layout.cost / 2, middle, texts[name], fontsize=USUAL, ha="center", va="center", color=INK)
        left += layout.cost
    for benefit in chunk:
        _panel(ax, content, benefit, (left, left + panel, left + panel - layout.number), (top, y), places)
        left += panel


def _lines(name: str, room: float) -> tuple[list[str], float]:
    """A name in one line or two and the size of its letters, so that all of it has room: names that are cut may look alike."""
    if len(name) * WIDTH * USUAL <= room:
        return [name], USUAL
    places = [number + 1 for number, sign in enumerate(name[:-1]) if sign in "_-. "] or [len(name) // 2]
    first = min(places, key=lambda place: max(place, len(name) - place))
    lines = [name[:first], name[first:]]
    return lines, min(SMALL, room / WIDTH / max(map(len, lines)))


def _panel(ax: Axes, content: Content, benefit: Benefit, across: tuple, ends: tuple[float, float], places: dict) -> None:
    """across: from where to where, and where the numbers begin; ends: top and bottom."""
    key = benefit.column.key
    of = {name: content.cells[key, name] for name in places if (key, name) in content.cells}
    left, right, stop = across
    start, number = left + 0.1, right - 0.07
    at, inside = _scale([benefit.gain(row.effect) for row in of.values()], start, stop)
    words = textwrap.fill(benefit.title, 15)
    ax.text(start, ends[0] + HEAD - 0.2, words, fontsize=USUAL, fontweight="bold", va="bottom", linespacing=1.05)
    ax.text(start, ends[0] + HEAD - 0.06, benefit.axis, fontsize=SMALL, color="#555555", va="bottom")
    ax.text(number, places[content.reference], content.means[key], fontsize=USUAL, ha="right", va="center")
    zero = at(0)
    ax.plot([zero, zero], [ends[0] + HEAD + ROW, ends[1]], color="#9a9a9a", linewidth=0.8, zorder=1)
    for name, middle in places.items():
        if name == content.reference:
            continue
        if name not in of:
            ax.text(number, middle, "–", fontsize=USUAL, ha="right", va="center", color=GREY)
            continue
        row = of[name]
        which, effect = side(row), benefit.gain(row.effect)
        colour = COLOURS[which]
        if which in GROUNDS:
            box = Rectangle((left + 0.04, middle - ROW / 2 + 0.015), right - left - 0.06, ROW - 0.03, zorder=0.5)
            box.set(facecolor=GROUNDS[which], linewidth=0)
            ax.add_patch(box)
        ticks = [at(value) for value in content.runs[key, name]]
        ax.plot(ticks, np.full(len(ticks), middle + 0.085), linestyle="none", marker="|", markersize=3, color="#8a8a8a",
                markeredgewidth=0.6, zorder=2)  # fmt: skip
        low, high = interval(benefit, row)
        if not np.isnan(low):
            ax.plot([at(low), at(high)], [middle, middle], color=colour, linewidth=1.3, solid_capstyle="butt", zorder=2)
            for end in (low, high):
                if not inside(end):
                    _beyond(ax, at(end), middle, at(end) > zero, colour)
        shift = 0 if inside(effect) else -EDGE if effect > 0 else EDGE  # room for the arrow
        _mark(ax, at(effect) + shift, middle, which, half=content.beyond and row.verdict.endswith(ON_THESE))
        if shift:
            _beyond(ax, at(effect), middle, effect > 0, colour)
        weight = "bold" if which in GROUNDS else "normal"
        ink = INK if which in GROUNDS else "#6a6a6a"
        ax.text(number, middle, signed(effect), fontsize=USUAL, fontweight=weight, color=ink, ha="right", va="center")


def _mark(ax: Axes, x: float, y: float, which: str, *, half: bool = False) -> None:
    """half: decided on these images alone, where the study tells of others as well."""
    face = COLOURS[which] if which in GROUNDS else "white"
    ax.plot(x, y, marker=MARKS[which], markersize=6.5 if half else 5.2, color=COLOURS[which], markerfacecolor=face,
            fillstyle="left" if half else "full", markeredgewidth=1.1, zorder=3)  # fmt: skip


def _beyond(ax: Axes, x: float, y: float, right: bool, colour: str) -> None:
    """An arrow head at the edge of a panel."""
    step = 0.035 if right else -0.035
    ax.plot([x, x + step, x], [y - 0.035, y, y + 0.035], color=colour, linewidth=1.1, zorder=3)


def _scale(gains: list[float], start: float, stop: float) -> tuple[Callable, Callable]:
    """Inches of a gain, cut off at the edges; and whether it lies within them."""
    sizes = np.abs(gains)
    most = min(sizes.max(), FURTHEST * np.median(sizes)) or sizes.max()
    low, high = (min(0.0, max(min(gains), -most)), max(0.0, min(max(gains), most)))
    low, high = (low, high) if high > low else (-1.0, 1.0)
    room = 0.35 * (high - low)
    low, high = low - room, high + room

    def at(value: float) -> float:
        place = (np.clip(value, low, high) - low) / (high - low)
        return float(start + place * (stop - start))

    def inside(value: float) -> bool:
        return bool(low <= value <= high)

    return at, inside
