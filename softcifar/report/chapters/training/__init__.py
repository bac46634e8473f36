from softcifar.report.chapters.training import kept_epoch, learning_curves
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter(
    "training",
    "Training",
    tables=(kept_epoch.table,),
    figures=(learning_curves.draw,),
    plots={"learning_curves": learning_curves.table},
)
