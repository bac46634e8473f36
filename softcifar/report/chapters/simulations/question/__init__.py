from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter("question", "The question", folder="simulations/question", always=True)
