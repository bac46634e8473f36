import pandas as pd

from softcifar.report.chapters.acquisition.columns import acquired
from softcifar.report.chapters.files import chapter
from softcifar.report.core.study import Study


def curves(study: Study) -> pd.DataFrame:
    """A row per acquisition, run and step."""
    return pd.concat(
        [each.curve.assign(acquisition=name, pool=each.pool) for name, each in acquired(study).items()], ignore_index=True
    )


CHAPTER = chapter(
    lambda study: (about for each in acquired(study).values() for about in each.abouts),
    beside=[("every step of every run", "plots/acquisition.csv"), ("which images were bought when", "scores/acquisitions/")],
    plots={"acquisition": curves},
    without="Active learning alone has",
)
