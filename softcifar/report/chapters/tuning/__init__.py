from softcifar.report.chapters.tuning import searches, validation
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter("tuning", "Tuning", tables=(searches.table,), figures=(validation.draw,))
