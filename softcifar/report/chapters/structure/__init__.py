from softcifar.report.chapters.structure import classes, tsne
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter("structure", "Class structure", rows=(classes.rows,), tables=(classes.table,), figures=(tsne.draw,))
