"""Affine calibration: softmax(W x + b), fitted to stay near temperature scaling where the images do not say otherwise."""

import numpy as np
from scipy.special import softmax

LOOSE = 10.0  # deviation of a prior that only keeps numbers finite where all validation images are right


def fit_affine(
    inputs: np.ndarray, targets: np.ndarray, temperature: float, *, beside: float, bias: float
) -> tuple[np.ndarray, np.ndarray]:
    """(W (K, K), b (K,)) that minimise the cross-entropy of softmax(W x + b) to targets; inputs, targets (N, K).

    Normal priors on T W - 1 (deviation LOOSE on the diagonal, `beside` off it; 0: a diagonal W) and on the shift at the mean
    input (`bias`), so that they weigh less the more images there are. L-BFGS from temperature scaling; the problem is convex.
    """
    from scipy.optimize import minimize  # takes half a second to import

    images, classes = inputs.shape
    middle = inputs.mean(axis=0)
    centred, scaled = (inputs - middle) / temperature, inputs / temperature
    diagonal = np.eye(classes, dtype=bool)
    free = diagonal | (beside > 0)
    weight = np.append(np.where(diagonal, LOOSE, beside or 1.0)[free], np.full(classes, bias)) ** -2.0 / images
    probs = softmax(scaled, axis=1)
    spread = probs * (1 - probs) / images
    unit = (np.append((spread.T @ centred**2)[free], spread.sum(axis=0)) + weight) ** -0.5  # of steps: curvature at the start

    def unpacked(steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        change = np.zeros((classes, classes))
        change[free] = unit[:-classes] * steps[:-classes]
        return change, unit[-classes:] * steps[-classes:]

    def loss(steps: np.ndarray) -> tuple[float, np.ndarray]:
        change, shift = unpacked(steps)
        logits = scaled + centred @ change.T + shift
        logits -= logits.max(axis=1, keepdims=True)
        powers = np.exp(logits)
        sums = powers.sum(axis=1, keepdims=True)
        values = unit * steps
        value = (np.log(sums).sum() - (targets * logits).sum()) / images + 0.5 * (weight * values**2).sum()
        slope = (powers / sums - targets) / images
        gradient = np.append((slope.T @ centred)[free], slope.sum(axis=0))
        return value, unit * (gradient + weight * values)

    found = minimize(loss, np.zeros(len(unit)), jac=True, method="L-BFGS-B", options={"maxiter": 500, "ftol": 1e-6})
    change, shift = unpacked(found.x)
    return (np.eye(classes) + change) / temperature, shift - change @ middle / temperature


def affine(weights: np.ndarray, bias: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """softmax(W x + b), (N, K)."""
    return softmax(inputs @ weights.T + bias, axis=1)
