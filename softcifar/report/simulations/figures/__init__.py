"""Figures of a study of simulations by name, in the order of the page: functions SimulationResults -> Drawing or None."""

from softcifar.report.simulations.figures import budgets, critical_difference, grids, points, smoothing

FIGURES = {
    "points": points.draw,
    "critical_difference": critical_difference.draw,
    "budgets": budgets.draw,
    "smoothing": smoothing.draw,
    "grids": grids.draw,
}
