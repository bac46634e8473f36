"""What a strategy buys first: the first images of run 0, with the labels that were given."""

from softcifar.report.chapters.acquisition.columns import acquired, pools
from softcifar.report.chapters.acquisition.results import Acquired
from softcifar.report.chapters.labels.samples import show
from softcifar.report.core.drawing import ACCENT, Drawing, Grid, shorten
from softcifar.report.core.study import Study

COUNT, ACROSS, SIDE, GAP, LEFT = 20, 20, 0.5, 0.05, 1.75  # images of a row; inches


def draw(study: Study) -> Drawing | None:
    """A strip of images per acquisition, run 0 (of split 0); None where the study has no acquisitions."""
    if not acquired(study):
        return None
    train = study.results.part("train")
    row_of = {int(index): row for row, index in enumerate(train["index"])}
    members = [each for pool in pools(study).values() for each in pool]
    grid = Grid([SIDE] * ACROSS, [SIDE] * len(members), left=LEFT, right=0.1, top=0.1, bottom=0.05, gap_x=GAP, gap_y=0.22)
    ambiguous = {}
    for row, each in enumerate(members):
        grid.text(0.08, grid.tops[row] + SIDE / 2, shorten(each.name, 24), va="center")
        images = first(each)
        ambiguous[each.name] = sum(doubtful for _, _, doubtful in images)
        for place, (index, labels, doubtful) in enumerate(images):
            ax = grid.axes(row, place)
            show(ax, train["images"][row_of[index]])
            words = ",".join(shorten(study.results.classes[label], 5) for label in labels[:3]) + "…" * (len(labels) > 3)
            ax.set_title(
                words, fontsize=6.5, pad=1.5, loc="center", fontweight="normal", color=ACCENT if doubtful else "#1a1a1a"
            )
    most, least = max(ambiguous, key=ambiguous.get), min(ambiguous, key=ambiguous.get)
    finding = (
        f"Of the first {COUNT} images that it buys, {most} buys {ambiguous[most]} ambiguous ones, {least} {ambiguous[least]}."
        if any(ambiguous.values())
        else ""
    )
    return Drawing(
        "first_bought",
        f"The first {COUNT} images bought",
        "Run 0: the first images that each strategy buys after the start, in order, with the label that was given above "
        "(several where several people were asked); the labels of ambiguous images are orange.",
        finding,
        f"{len(members)} strips of up to {COUNT} small images, one per strategy and pool.",
        grid.figure,
        raster=True,
    )


def first(acquired: Acquired) -> list[tuple[int, list[int], bool]]:
    """(index, labels given, is it ambiguous?) of the first images bought by run 0, in order."""
    own = acquired.bought[(acquired.bought["run"] == 0) & (acquired.bought["step"] > 0)]
    found = [
        (int(index), part["label"].astype(int).tolist(), bool(part["ambiguous"].iloc[0]))
        for index, part in own.groupby("index", sort=False)
    ]
    return found[:COUNT]
