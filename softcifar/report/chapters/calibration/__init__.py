from softcifar.report.chapters.calibration import quality, reliability
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter(
    "calibration",
    "Calibration",
    rows=(quality.rows,),
    tables=(quality.table,),
    figures=(reliability.draw,),
    plots={"reliability": reliability.table},
)
