from softcifar.report.chapters.decisions import guarantee, risk_coverage, selective, set_sizes, sets
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter(
    "decisions",
    "Decisions",
    rows=(selective.rows, sets.rows),
    tables=(selective.table, sets.table, selective.by_score, sets.by_class, sets.by_student),
    figures=(risk_coverage.draw, set_sizes.draw),
    facts=lambda study: {"promise": guarantee.in_words(study), "refusing": selective.answer(study)},
)
