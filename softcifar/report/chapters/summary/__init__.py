from softcifar.report.chapters.summary.differences import draw
from softcifar.report.chapters.summary.tables import comparisons, leaders, summary
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter(
    "summary", "Summary", tables=(summary, comparisons), figures=(draw,), facts=lambda study: {"leaders": leaders(study)}
)
