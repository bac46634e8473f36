from softcifar.report.chapters.run.facts import facts
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter("run", "What was run", facts=facts, always=True)
