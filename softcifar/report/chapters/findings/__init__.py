from softcifar.report.chapters.findings import figure, sentences, table
from softcifar.report.chapters.findings.benefits import judged_benefits
from softcifar.report.core.chapter import Chapter
from softcifar.report.core.study import Study


def facts(study: Study) -> dict[str, object]:
    """What the chapter's text needs."""
    return {
        "answers": sentences.answers(study),
        "unanswered": sentences.unanswered(study),
        "left_out": sentences.left_out(study),
        "masked": sentences.hidden(study),
        "opening": sentences.opening(study),
        "nothing": sentences.measures_nothing(study),
        "about": sentences.about(study.design, novel=bool(study.results.ood_kinds)),
        "chance": sentences.any_by_chance(judged_benefits(study).values(), study.design),
    }


CHAPTER = Chapter("findings", "Findings", tables=(table.table,), figures=(figure.draw,), facts=facts, always=True)
