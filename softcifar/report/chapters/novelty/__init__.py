from softcifar.report.chapters.novelty import ambiguity, ddu_files, detection, novelty_grid, own_scores, scores, two_moons
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter(
    "novelty",
    "Novelty",
    rows=(detection.rows, ambiguity.rows),
    tables=(own_scores.table, detection.table),
    figures=(novelty_grid.draw, scores.histograms, scores.rocs, two_moons.draw),
    facts=lambda study: {"own": own_scores.own_titles(study), "mixed": study.results.made_ambiguous() is not None},
    files=ddu_files.write,
)
