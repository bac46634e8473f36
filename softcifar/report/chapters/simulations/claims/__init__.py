from softcifar.report.chapters.claims.table import claims_table
from softcifar.report.chapters.simulations.claims.checks import checks
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter("claims", "Claims", tables=(lambda study: claims_table(study, [checks]),))
