from softcifar.report.chapters.agreement import agreement, entropies
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter(
    "agreement",
    "Agreement with people",
    rows=(agreement.rows, agreement.votes_rows),
    tables=(agreement.with_people, agreement.table),
    figures=(entropies.draw,),
)
