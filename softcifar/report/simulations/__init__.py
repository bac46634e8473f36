"""The report of a study of simulations: every method on many small data sets at once."""

from softcifar.report.simulations.write import write_report

__all__ = ["write_report"]
