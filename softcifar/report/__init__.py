"""The report: reads a study's scores, writes tables, figures, numbers for DVC and one self-contained page.

core: what every chapter stands on; chapters: a folder per chapter of the page.
"""

from softcifar.report.write import write_report

__all__ = ["write_report"]
