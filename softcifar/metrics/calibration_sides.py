"""The calibration error split by its side: where a network is surer than right, and where it is too modest."""

import numpy as np

from softcifar.metrics.calibration import reliability_bins


def overconfident_part(probs: object, labels: object, *, bins: int = 15, side: str = "right") -> float:
    """The part of the ECE of bins whose confidence exceeds their accuracy, in [0, 1]; the two parts sum to the ECE.

    Arguments and errors as in `reliability_bins`.
    """
    return float(np.maximum(_excess(probs, labels, bins, side), 0).sum())


def underconfident_part(probs: object, labels: object, *, bins: int = 15, side: str = "right") -> float:
    """The part of the ECE of bins whose accuracy exceeds their confidence, in [0, 1]. Arguments and errors as above."""
    return float(np.maximum(-_excess(probs, labels, bins, side), 0).sum())


def _excess(probs: object, labels: object, bins: int, side: str) -> np.ndarray:
    """Confidence less accuracy of every bin that holds an image, times its share of the images."""
    counts, confidence, accuracy = reliability_bins(probs, labels, bins=bins, side=side)
    filled = counts > 0
    return (counts / counts.sum() * (confidence - accuracy))[filled]
