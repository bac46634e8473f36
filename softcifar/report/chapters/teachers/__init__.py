from softcifar.report.chapters.teachers import certainty, table
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter("teachers", "Teachers", tables=(table.table,), figures=(certainty.draw,))
