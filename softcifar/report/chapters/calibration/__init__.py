from softcifar.report.chapters.calibration import calibrators, quality, reliability
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter(
    "calibration",
    "Calibration",
    rows=(quality.rows, calibrators.rows),
    tables=(calibrators.table, quality.table, calibrators.by_student),
    figures=(reliability.draw,),
    plots={"reliability": reliability.table},
)
