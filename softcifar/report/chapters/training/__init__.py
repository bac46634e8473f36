from softcifar.report.chapters.training import learning_curves
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter("training", "Training", figures=(learning_curves.draw,), plots={"learning_curves": learning_curves.table})
