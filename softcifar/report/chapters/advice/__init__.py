from softcifar.report.chapters.advice import decision, sentences, sources, standings
from softcifar.report.core.chapter import Chapter
from softcifar.report.core.study import Study


def facts(study: Study) -> dict[str, object]:
    """What the chapter's text needs."""
    rows, found = standings.standings(study), sources.sources(study.results)
    return {
        "advised": sentences.advice(rows, found),
        "nothing": "" if rows else sentences.nothing(study.most_runs, found, study.reference),
        "others": sentences.others(sources.left_out(study), study.reference),
    }


CHAPTER = Chapter("advice", "Which labels should I use?", tables=(decision.table, sources.table, standings.table), facts=facts)
