"""The scores of a simulation."""

import pandas as pd

from softcifar import metrics
from softcifar.report.chapters.simulations.results import Simulated
from softcifar.report.core.columns import Column, proportion
from softcifar.report.core.comparisons import by_run
from softcifar.report.core.study import Study

COLUMNS = {
    column.key: column
    for column in (
        proportion("accuracy", "Accuracy %", "share of test points whose label has the highest probability", "accuracy", None),
        proportion("dense_accuracy", "Dense %", "accuracy on test points drawn from the dense regions", "dense_accuracy", None),
        proportion(
            "sparse_accuracy", "Sparse %", "accuracy on test points drawn from the sparse regions", "sparse_accuracy", None
        ),
        Column("nll", "NLL", "negative log-likelihood of the test labels, nats", "nll", None),
        Column("ece", "ECE", "expected calibration error of the top label, equal-width bins", "ece", None),
        Column("classwise_ece", "Class-wise ECE", "calibration error of every class's probability, mean over classes",
               "classwise_ece", None),
        Column("ece_by_true_class", "ECE by true class", "top-label ECE of the points of one true class, mean over classes: "
               "what Maher & Kull call class-wise ECE; the best prediction does not score 0", "ece_by_true_class", None),
        Column("kl", "KL", "KL divergence of the prediction from the exact distribution, nats", "kl", None),
    )
}  # fmt: skip
RANKED = [COLUMNS[key] for key in ("accuracy", "nll", "ece", "classwise_ece")]
KEYS = {"student": "method", "set": "simulation"}  # of the long table -> what tables of simulations call them


def of(study: Study, simulation: Simulated) -> pd.DataFrame:
    """The simulation's rows of the long table."""
    return study.numbers[study.numbers["set"] == simulation.name]


def values(study: Study, simulation: Simulated, key: str) -> pd.DataFrame:
    """One score: a row per data set, a column per method in the order of params."""
    return by_run(of(study, simulation), COLUMNS[key])


def metric_means(study: Study) -> dict[str, dict[str, dict[str, float]]]:
    """{simulation: {method: {score: mean over data sets}}}, for `dvc metrics`."""
    return {
        name: {
            method: {key: round(float(values(study, each, key)[method].mean()), 6) for key in COLUMNS}
            for method in each.methods
        }
        for name, each in study.results.simulations.items()
    }


def rank(study: Study, simulation: Simulated, column: Column) -> metrics.RankComparison:
    return metrics.rank_comparison(values(study, simulation, column.key), higher=bool(column.higher))
