"""Active learning: what each strategy buys, and what that is worth."""

from softcifar.report.chapters.acquisition import curves, first_bought, published, tables
from softcifar.report.chapters.acquisition.columns import acquired
from softcifar.report.core.chapter import Chapter
from softcifar.report.core.study import Study


def facts(study: Study) -> dict[str, object]:
    """What the chapter's text needs."""
    listed = [(each.name, each.words, each.pool, each.options) for each in acquired(study).values()]
    return {"acquisitions": listed, "panel": any(each.strategy == "panel" for each in acquired(study).values())}


FIGURES = (curves.draw, first_bought.draw)
OTHERS = (tables.needed, published.table, tables.comparisons)
CHAPTER = Chapter("acquisition", "Active learning", tables=(tables.table, *OTHERS), figures=FIGURES, facts=facts)
# The same, where a study has nothing else, so that its table is the study's summary.
ALONE = Chapter(
    "summary", "Active learning", tables=(tables.summary, *OTHERS), figures=FIGURES, facts=facts, folder="acquisition"
)
