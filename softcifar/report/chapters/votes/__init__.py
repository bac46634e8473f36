from softcifar.report.chapters.votes import curves, parts, shares, worth
from softcifar.report.core.chapter import Chapter
from softcifar.report.core.pairs import ACCURACY
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import Finding


def by_accuracy(study: Study) -> list[str]:
    """What the page opens with, a sentence each; the chapter says it by every measure."""
    return shares.in_words(study, [ACCURACY]) + worth.flat_in_words(study, ACCURACY) + parts.in_words(study, [ACCURACY])


def families(study: Study) -> list[list[Finding]]:
    """The rows behind those sentences that could err where nothing differs; those of one list are corrected together."""
    of_pairs = [finding for _, measure, finding in shares.judged_pairs(study) if measure == ACCURACY]
    of_parts = [
        list(found.values()) for _, measure, found in parts.judged_parts(study) if measure == ACCURACY and parts.BOTH in found
    ]
    return [of_pairs, *of_parts]


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
