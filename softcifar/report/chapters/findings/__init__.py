from softcifar.report.chapters import votes
from softcifar.report.chapters.findings import figure, sentences, table
from softcifar.report.chapters.findings.benefits import judged_benefits
from softcifar.report.core.chapter import Chapter
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table


def facts(study: Study) -> dict[str, object]:
    """What the chapter's text needs."""
    families = [*judged_benefits(study).values(), sentences.judged_methods(study), *votes.families(study)]
    return {
        "answers": sentences.answers(study),
        "unanswered": sentences.unanswered(study),
        "left_out": sentences.left_out(study),
        "opening": sentences.opening(study),
        "nothing": sentences.measures_nothing(study),
        "about": about(study),
        "chance": sentences.any_by_chance(families, study.design),
    }


def about(study: Study) -> str:
    """The first line: of what everything below tells."""
    return sentences.about(study.design, novel=bool(study.results.ood_kinds))


def in_sentences(study: Study) -> Table:
    """The sentences as a table, for other files."""
    said = sentences.measures_nothing(study), sentences.opening(study), about(study)
    return table.in_sentences(sentences.answers(study), " ".join(filter(None, said)))


CHAPTER = Chapter("findings", "Findings", tables=(in_sentences, table.table), figures=(figure.draw,), facts=facts, always=True)
