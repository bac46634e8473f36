"""What predictions say beyond the label: which classes resemble each other, and what sets single images apart."""

import math

import numpy as np
from scipy.special import xlogy

from softcifar.errors import UserError
from softcifar.metrics.arrays import as_array, as_floats, as_probs_and_labels, as_probs_pair


def class_similarity(probs: object, labels: object) -> np.ndarray:
    """Row y: how the probability given to wrong classes is shared among them on images of class y; float64 (K, K).

    The mean of `probs` over the images of each class, the diagonal set to 0, each row divided by its sum: what remains is
    how the wrong classes share their probability, not how much of it they have. A row is NaN where no image has that class,
    or none of its images gives another class any probability. probs (N, K), labels (N,) integers 0..K-1; UserError for other
    shapes, ranges or no image.
    """
    probs, labels = as_probs_and_labels(probs, labels)
    sums = np.eye(probs.shape[1])[labels].T @ probs
    np.fill_diagonal(sums, 0.0)
    totals = sums.sum(axis=1, keepdims=True)
    return sums / np.where(totals > 0, totals, np.nan)


def structure_distance(probs: object, target_probs: object, labels: object) -> float:
    """Distance of the predicted class similarities P to those of the targets T: ||P - T|| / ||T|| (Frobenius norms).

    Over the classes whose row of T is defined (see class_similarity; a row of P that is not defined counts as all 0). 0: wrong
    classes get the same shares in P as in T; 1: as far off as a P of zeros. NaN where no row of T is defined.
    probs, target_probs (N, K), rows that sum to 1, labels (N,) integers 0..K-1. UserError for other shapes, ranges or no image.
    """
    probs, target_probs = as_probs_pair(probs, target_probs)
    targets = class_similarity(target_probs, labels)
    defined = ~np.isnan(targets[:, 0])
    if not defined.any():
        return math.nan
    gap = np.nan_to_num(class_similarity(probs, labels)[defined]) - targets[defined]
    return float(np.linalg.norm(gap) / np.linalg.norm(targets[defined]))


def instance_information(probs: object, labels: object) -> float:
    """What predictions tell of an image beyond its class: mean KL(p(x) || mean p of x's class), in nats, 0 to log K.

    0 where all images of a class get the same distribution, as class-wise or uniform smoothing gives; it is the mutual
    information between image and predicted class within classes. It counts any difference between images, noise too: read
    it beside the distance to people. probs (N, K), labels (N,) integers 0..K-1. UserError for other shapes,
    ranges or no image.
    """
    probs, labels = as_probs_and_labels(probs, labels)
    classes = np.eye(probs.shape[1])[labels]
    counts = np.maximum(classes.sum(axis=0), 1)
    means = ((classes.T @ probs) / counts[:, None])[labels]
    # Where a class's mean is 0 so is p, and 0 log 0 = 0.
    ratio = np.divide(probs, means, out=np.ones_like(probs), where=means > 0)
    return max(0.0, float(xlogy(probs, ratio).sum(axis=1).mean()))


def silhouette(points: object, groups: object) -> float:
    """How far apart groups of points lie: mean over points of (b - a) / max(a, b), in [-1, 1]; 1 is best separated.

    a: mean Euclidean distance to the other points of its group; b: the least, over the other groups, of the mean distance
    to their points; 0 for a point that is alone in its group. points (N, D), groups (N,) integers; at least two groups.
    UserError for other shapes. Rousseeuw 1987.
    """
    points, groups = as_floats(points, "points"), as_array(groups, "groups")
    names, places, counts = np.unique(groups, return_inverse=True, return_counts=True)
    if points.ndim != 2 or groups.shape != points.shape[:1] or len(names) < 2:
        raise UserError(f"points: shapes {points.shape} and {groups.shape}, {len(names)} groups; (N, D), (N,) and 2 are needed")
    squares = (points**2).sum(axis=1)
    gaps = np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * points @ points.T, 0))
    np.fill_diagonal(gaps, 0.0)
    sums = gaps @ np.eye(len(names))[places]  # (N, groups)
    rows, own = np.arange(len(points)), counts[places]
    inner = sums[rows, places] / np.maximum(own - 1, 1)
    means = sums / counts
    means[rows, places] = np.inf
    outer = means.min(axis=1)
    widest = np.maximum(inner, outer)
    values = np.divide(outer - inner, widest, out=np.zeros_like(inner), where=(widest > 0) & (own > 1))
    return float(values.mean())
