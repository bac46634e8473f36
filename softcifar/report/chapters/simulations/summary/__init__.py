from softcifar.report.chapters.simulations.summary import budgets, critical_difference, tables
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter(
    "summary",
    "Summary",
    tables=(tables.summary, tables.ranks, tables.comparisons),
    figures=(critical_difference.draw, budgets.draw),
    folder="simulations/summary",
)
