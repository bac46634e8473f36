from softcifar.report.chapters.ambiguity import histograms, separation
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter(
    "ambiguity",
    "Ambiguity",
    rows=(separation.rows,),
    tables=(separation.aurocs, separation.accuracies),
    figures=(histograms.draw,),
    facts=lambda study: {"counts": separation.counts(study.results)},
)
