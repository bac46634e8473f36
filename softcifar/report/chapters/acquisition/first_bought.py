"""What a strategy buys first: the first images of run 0, with the labels that were given."""

from collections import Counter
from collections.abc import Mapping

from softcifar.report.chapters.acquisition.columns import acquired, pools
from softcifar.report.chapters.acquisition.results import Acquired
from softcifar.report.chapters.labels.samples import show
from softcifar.report.core.drawing import ACCENT, Drawing, Grid, shorten
from softcifar.report.core.study import Study
from softcifar.report.core.words import listed

COUNT, SIDE, GAP, LEFT = 20, 0.4, 0.06, 1.75  # images of a row; inches


def draw(study: Study) -> Drawing | None:
    """A strip of images per acquisition, run 0 (of split 0); None where the study has no acquisitions."""
    if not acquired(study):
        return None
    train = study.results.part("train")
    row_of = {int(index): row for row, index in enumerate(train["index"])}
    members = [each for pool in pools(study).values() for each in pool]
    grid = Grid([SIDE] * COUNT, [SIDE] * len(members), left=LEFT, right=0.1, top=0.2, bottom=0.05, gap_x=GAP, gap_y=0.22)
    ambiguous = {}
    for row, each in enumerate(members):
        grid.text(0.08, grid.tops[row] + SIDE / 2, shorten(each.name, 24), va="center")
        images = first(each)
        if each.pool == "dirty":
            ambiguous[each.name] = sum(doubtful for _, _, doubtful in images)
        for place, (index, labels, doubtful) in enumerate(images):
            ax = grid.axes(row, place)
            show(ax, train["images"][row_of[index]])
            words = _said(study.results.classes, labels)
            ax.set_title(
                words, fontsize=6.5, pad=1.5, loc="center", fontweight="normal", color=ACCENT if doubtful else "#1a1a1a"
            )
    return Drawing(
        "first_bought",
        f"The first {COUNT} images bought",
        "Run 0: the first images that each strategy buys after the start, in order, with the label that was given above "
        "(where several people were asked, the most frequent one and how many gave it); those of ambiguous images are orange.",
        in_words(ambiguous),
        f"{len(members)} strips of up to {COUNT} small images, one per strategy and pool.",
        grid.figure,
        raster=True,
    )


def in_words(ambiguous: Mapping[str, int]) -> str:
    """How many of the strip's images are ambiguous; "" without two strategies. ambiguous: {acquisition: number}.

    It is a count of what is shown, of one run, so that it says nothing of strategies (the table has all runs)."""
    if len(ambiguous) < 2:
        return ""
    start = f"Of the first {COUNT} images bought from the dirty pool in run 0 alone"
    most, least = (
        (number, listed([name for name, each in ambiguous.items() if each == number]))
        for number in (max(ambiguous.values()), min(ambiguous.values()))
    )
    if most[0] == least[0]:
        return f"{start}, {most[0]} of every strategy are ambiguous."
    return f"{start}, {most[0]} of {most[1]} are ambiguous and {least[0]} of {least[1]}; other runs may differ."


def _said(classes: list[str], labels: list[int]) -> str:
    """ "7", or "7 4/5" where four of five people said so."""
    if len(labels) == 1:
        return shorten(classes[labels[0]], 6)
    label, count = Counter(labels).most_common(1)[0]
    return f"{shorten(classes[label], 3)} {count}/{len(labels)}"


def first(acquired: Acquired) -> list[tuple[int, list[int], bool]]:
    """(index, labels given, is it ambiguous?) of the first images bought by run 0, in order."""
    own = acquired.bought[(acquired.bought["run"] == 0) & (acquired.bought["step"] > 0)]
    found = [
        (int(index), part["label"].astype(int).tolist(), bool(part["ambiguous"].iloc[0]))
        for index, part in own.groupby("index", sort=False)
    ]
    return found[:COUNT]
