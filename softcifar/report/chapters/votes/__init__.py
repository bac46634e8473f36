from softcifar.report.chapters.votes import curves, parts, shares, worth
from softcifar.report.core.chapter import Chapter
from softcifar.report.core.pairs import ACCURACY
from softcifar.report.core.study import Study


def by_accuracy(study: Study) -> list[str]:
    """What the page opens with, a sentence each; the chapter says it by every measure."""
    return shares.in_words(study, [ACCURACY]) + worth.flat_in_words(study, ACCURACY) + parts.in_words(study, [ACCURACY])


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
