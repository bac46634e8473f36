from softcifar.report.chapters.published.table import table
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter("published", "Beside the published numbers", tables=(table,))
