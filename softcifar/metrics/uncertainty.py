"""Predictions and novelty scores from logits (..., S, N, K): S samples of N images over K classes.

S is 1 for a deterministic network, the passes of Monte Carlo dropout, or the members of an ensemble. Leading axes
(runs) are kept. A score is higher where the image looks more novel.
"""

from numbers import Real

import numpy as np
from scipy.special import entr, log_softmax, logsumexp, softmax

from softcifar.errors import UserError
from softcifar.metrics.arrays import as_logits


def predictive(logits: object, temperature: float = 1.0) -> np.ndarray:
    """Predicted distribution: mean over samples of softmax(z_s / T); logits (..., S, N, K) -> float64 (..., N, K).

    temperature > 0. UserError for other shapes, no image, or logits that are not finite.
    """
    if not (isinstance(temperature, Real) and 0 < temperature < np.inf):
        raise UserError(f"temperature: {temperature!r} found; a finite number above 0 is allowed")
    return softmax(as_logits(logits) / temperature, axis=-1).mean(axis=-3)


def max_probability(logits: object) -> np.ndarray:
    """1 - max_k p_k of the prediction, in [0, 1 - 1/K]; logits (..., S, N, K) -> (..., N). Hendrycks & Gimpel 2017."""
    probs = predictive(logits)
    # Summed from the other classes: 1 - p rounds to 0, a tie, for every image whose p is within 1e-16 of 1.
    np.put_along_axis(probs, probs.argmax(axis=-1, keepdims=True), 0.0, axis=-1)
    return probs.sum(axis=-1)


def predictive_entropy(logits: object) -> np.ndarray:
    """Entropy of the prediction, H(mean_s p_s), in nats, in [0, log K]; logits (..., S, N, K) -> (..., N)."""
    return entr(predictive(logits)).sum(axis=-1)


def energy(logits: object) -> np.ndarray:
    """Free energy -logsumexp_k z_k, mean over samples; logits (..., S, N, K) -> (..., N). Liu et al. 2020, eq. 4."""
    return -logsumexp(as_logits(logits), axis=-1).mean(axis=-2)


def max_logit(logits: object) -> np.ndarray:
    """-max_k z_k, mean over samples; logits (..., S, N, K) -> (..., N). Hendrycks et al. 2022."""
    return -as_logits(logits).max(axis=-1).mean(axis=-2)


def mutual_information(logits: object) -> np.ndarray:
    """Disagreement of the samples, H(mean_s p_s) - mean_s H(p_s), in nats, in [0, log min(S, K)]; 0 for S = 1.

    logits (..., S, N, K) -> (..., N). Houlsby et al. 2011 (BALD). Computed as mean_s KL(p_s || mean p), which is the
    same number without the difference of two nearly equal entropies.
    """
    log_probs = log_softmax(as_logits(logits), axis=-1)
    log_mean = logsumexp(log_probs, axis=-3, keepdims=True) - np.log(log_probs.shape[-3])
    divergence = (np.exp(log_probs) * (log_probs - log_mean)).sum(axis=-1).mean(axis=-2)
    return np.maximum(divergence, 0.0)
