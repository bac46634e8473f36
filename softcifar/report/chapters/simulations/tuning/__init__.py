from softcifar.report.chapters.simulations.tuning import choices, grids
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter("tuning", "Tuning", tables=(choices.table,), figures=(grids.draw,), folder="simulations/tuning", always=True)
