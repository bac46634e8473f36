from softcifar.report.chapters.ambiguity import histograms, separation
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter(
    "ambiguity",
    "Ambiguity",
    rows=(separation.rows,),
    tables=(separation.aurocs, separation.accuracies, separation.every_score),
    figures=(histograms.draw,),
    facts=lambda study: {"counts": separation.counts(study.results)},
)
