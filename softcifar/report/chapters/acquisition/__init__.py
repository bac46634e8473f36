"""Active learning: what each strategy buys, and what that is worth."""

from softcifar.report.chapters.acquisition import curves, first_bought, panel, published, tables
from softcifar.report.chapters.acquisition.columns import acquired
from softcifar.report.core.chapter import Chapter
from softcifar.report.core.study import Study


def facts(study: Study) -> dict[str, object]:
    """What the chapter's text needs."""
    there = acquired(study).values()
    panels = [each for each in there if each.strategy == "panel"]
    return {
        "acquisitions": [(each.name, each.words, each.pool, each.options) for each in there],
        "panel": bool(panels),
        "asked": [panel.answer(each) for each in panels if each.pool == "dirty"],
    }


FIGURES = (curves.draw, first_bought.draw)
OTHERS = (tables.needed, published.table, tables.comparisons)
CHAPTER = Chapter("acquisition", "Active learning", tables=(tables.table, *OTHERS), figures=FIGURES, facts=facts)
# The same, where a study has nothing else, so that its table is the study's summary.
ALONE = Chapter(
    "summary", "Active learning", tables=(tables.summary, *OTHERS), figures=FIGURES, facts=facts, folder="acquisition"
)
