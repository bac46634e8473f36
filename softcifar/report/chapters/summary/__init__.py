from softcifar.report.chapters.summary import cost
from softcifar.report.chapters.summary.tables import summary
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter("summary", "Summary", rows=(cost.rows,), tables=(summary,))
