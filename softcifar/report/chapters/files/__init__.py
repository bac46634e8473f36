from softcifar.report.chapters.run.facts import checksums
from softcifar.report.core.chapter import Chapter
from softcifar.report.core.study import Study
from softcifar.report.core.words import noted


def facts(study: Study) -> dict[str, object]:
    """What the chapter's text needs; `beside`: what else lies where."""
    versions = noted(student.about for student in study.results.students.values())
    return {"versions": versions, "checksums": checksums(study.results), "beside": []}


CHAPTER = Chapter("files", "Files, versions, parameters", facts=facts, always=True)
