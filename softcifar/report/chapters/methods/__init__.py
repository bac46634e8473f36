from softcifar.report.chapters.methods import figure, gains
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter(
    "methods",
    "Methods and their cost",
    tables=(gains.table,),
    figures=(figure.draw,),
    facts=lambda study: {"answers": gains.answers(study), "differences": gains.differences(study)},
)
