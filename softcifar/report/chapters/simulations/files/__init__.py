import pandas as pd

from softcifar.report.chapters.files import chapter
from softcifar.report.core.study import Study


def by_data_set(study: Study) -> pd.DataFrame:
    """A row per simulation, data set and method."""
    return pd.concat([each.scores.assign(simulation=name) for name, each in study.results.simulations.items()])


CHAPTER = chapter(
    lambda study: (each.about for each in study.results.simulations.values()),
    beside=[("every method's scores on every data set", "plots/data_sets.csv")],
    plots={"data_sets": by_data_set},
    without="Simulations have",
)
