from softcifar.report.chapters.votes import curves, parts, shares, worth
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter(
    "votes",
    "What is one more annotation worth?",
    tables=(parts.table, shares.table, worth.table),
    figures=(curves.draw,),
    facts=lambda study: {
        "about": worth.draws(study),
        "worth": worth.in_words(study),
        "parts": parts.in_words(study),
        "shares": shares.in_words(study),
        "about_shares": shares.about(study),
    },
)
