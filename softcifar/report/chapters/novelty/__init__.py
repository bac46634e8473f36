from softcifar.report.chapters.novelty import (
    ambiguity,
    ddu_files,
    detection,
    left_out,
    novelty_grid,
    openood,
    own_scores,
    scores,
    two_kinds,
    two_moons,
)
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter(
    "novelty",
    "Novelty",
    rows=(detection.rows, ambiguity.rows),
    tables=(openood.table, own_scores.table, two_kinds.table, detection.table),
    figures=(two_kinds.draw, novelty_grid.draw, scores.histograms, scores.rocs, two_moons.draw),
    facts=lambda study: {
        "own": own_scores.own_titles(study),
        "mixed": study.results.made_ambiguous() is not None,
        "named": left_out.named_titles(study),
        "left_out": left_out.sentence(study),
    },
    files=ddu_files.write,
)
