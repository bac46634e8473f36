"""Metrics of predictions that are already made: NumPy arrays or tensors in, float64 inside, torch not needed."""

from softcifar.metrics.agreement import (
    brier_to_distribution,
    entropy,
    entropy_correlation,
    entropy_rank_correlation,
    human_cross_entropy,
    kl_divergence,
    rank_correlation,
    same_prediction,
    second_guess_accuracy,
    total_variation,
)
from softcifar.metrics.calibration import (
    ReliabilityBins,
    adaptive_calibration_error,
    by_true_class_calibration_error,
    classwise_calibration_error,
    expected_calibration_error,
    maximum_calibration_error,
    overconfidence_error,
    reliability_bins,
    true_class_calibration_error,
)
from softcifar.metrics.likelihood import accuracy, brier_score, negative_log_likelihood
from softcifar.metrics.novelty import auroc, average_precision, fpr_at_tpr
from softcifar.metrics.predictive import predictive
from softcifar.metrics.ranks import RankComparison, rank_comparison, ranks
from softcifar.metrics.statistics import (
    Estimate,
    detectable,
    holm,
    mean_and_standard_error,
    over_images,
    over_runs,
    runs_needed,
)
from softcifar.metrics.structure import class_similarity, instance_information, silhouette, structure_distance

__all__ = [
    "Estimate",
    "RankComparison",
    "ReliabilityBins",
    "accuracy",
    "adaptive_calibration_error",
    "auroc",
    "average_precision",
    "brier_score",
    "brier_to_distribution",
    "by_true_class_calibration_error",
    "class_similarity",
    "classwise_calibration_error",
    "detectable",
    "entropy",
    "entropy_correlation",
    "entropy_rank_correlation",
    "expected_calibration_error",
    "fpr_at_tpr",
    "holm",
    "human_cross_entropy",
    "instance_information",
    "kl_divergence",
    "maximum_calibration_error",
    "mean_and_standard_error",
    "negative_log_likelihood",
    "over_images",
    "over_runs",
    "overconfidence_error",
    "predictive",
    "rank_comparison",
    "rank_correlation",
    "ranks",
    "reliability_bins",
    "runs_needed",
    "same_prediction",
    "second_guess_accuracy",
    "silhouette",
    "structure_distance",
    "total_variation",
    "true_class_calibration_error",
]
