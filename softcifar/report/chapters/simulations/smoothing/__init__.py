from softcifar.report.chapters.simulations.smoothing.how_much import draw
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter("labels", "What the labels take", figures=(draw,), folder="simulations/smoothing")
