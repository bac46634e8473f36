"""The chapters of a study of simulations: every method on many small data sets at once."""

from softcifar.report.chapters.simulations import claims, files, findings, published, run, smoothing, summary, tuning, versus

CHAPTERS = (
    findings.CHAPTER,
    summary.CHAPTER,
    claims.CHAPTER,
    published.CHAPTER,
    run.CHAPTER,
    smoothing.CHAPTER,
    versus.CHAPTER,
    tuning.CHAPTER,
    files.CHAPTER,
)
