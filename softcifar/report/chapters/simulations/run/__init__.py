from softcifar.report.chapters.simulations.run.facts import facts
from softcifar.report.chapters.simulations.run.points import draw
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter("run", "What was run", figures=(draw,), facts=facts, folder="simulations/run", always=True)
