from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter("files", "Files", always=True)
