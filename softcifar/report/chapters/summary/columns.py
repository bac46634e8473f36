"""The summary's columns, and what `dvc metrics` reads: their means."""

import numpy as np

from softcifar.report.chapters.agreement import agreement
from softcifar.report.chapters.calibration import quality
from softcifar.report.chapters.novelty.detection import headline as novelty_headline
from softcifar.report.chapters.robustness.attacks import fgsm_column, middle_strength
from softcifar.report.core.columns import ACCURACY, Column
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study

DIGITS = 6  # of metrics.json: enough to compare, short enough to read


def headline(results: Results) -> list[Column]:
    """Those that this study's data allow."""
    columns = [ACCURACY, quality.column("nll"), quality.column("ece"), quality.column("ece", scaled=True)]
    columns += [agreement.column("cross_entropy", source) for source in results.targets("test")]
    columns += novelty_headline(results)
    middle = middle_strength(results)
    return columns if middle is None else [*columns, fgsm_column(middle)]


def metric_means(study: Study) -> dict[str, dict[str, float]]:
    """{student: {column: mean over the runs}}; what a study does not have is left out."""
    means: dict[str, dict[str, float]] = {name: {} for name in study.students}
    for column in headline(study.results):
        for name, value in study.means(column).items():
            if np.isfinite(value):
                means[name][column.key] = round(value, DIGITS)
    return means
