from softcifar.report.chapters.distillation import accuracies, shallow
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter(
    "distillation",
    "Distillation",
    rows=(shallow.rows,),
    tables=(shallow.table,),
    figures=(accuracies.draw,),
    facts=lambda study: {"recipe": shallow.recipe(study)},
)
