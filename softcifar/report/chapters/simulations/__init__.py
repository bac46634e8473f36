"""The chapters of a study of simulations: every method on many small data sets at once."""

from softcifar.report.chapters.simulations import claims, files, published, question, run, smoothing, summary, tuning, versus

CHAPTERS = (
    question.CHAPTER,
    run.CHAPTER,
    summary.CHAPTER,
    claims.CHAPTER,
    published.CHAPTER,
    smoothing.CHAPTER,
    versus.CHAPTER,
    tuning.CHAPTER,
    files.CHAPTER,
)
