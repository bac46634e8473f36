"""The chapters of a study of active learning without students, in order."""

from softcifar.report.chapters import acquisition
from softcifar.report.chapters.active_learning import files, run
from softcifar.report.chapters.claims import active_learning
from softcifar.report.chapters.claims.table import claims_table
from softcifar.report.core.chapter import Chapter

CLAIMS = Chapter("claims", "Claims", tables=(lambda study: claims_table(study, [active_learning.checks]),))
CHAPTERS = (acquisition.ALONE, CLAIMS, run.CHAPTER, files.CHAPTER)
