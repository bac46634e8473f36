from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter(
    "question", "The question", facts=lambda study: {"has_people": "human" in study.results.targets("test")}, always=True
)
