"""fDBD: mean distance to the decision boundaries, relative to that from the training mean (Liu & Qin 2024)."""

import numpy as np

from softcifar.scores.inputs import as_features, as_layer

LEAST = 1e-12  # of a distance that divides


def fdbd(train: object, features: object, weight: object, bias: object) -> np.ndarray:
    """-1/(K - 1) sum_{c != y} |z_y - z_c| / (||w_y - w_c|| ||f - mu||), float64 (M,), 0 or less.

    y is the predicted class of the features f, mu the mean of the training features: how far every other class is from being
    predicted, in feature space, divided by how far the features lie from the middle. train (N, D), features (M, D), weight (K,
    D), bias (K,), see softcifar.scores.inputs. Classes of the same weights have no boundary and count 0 where their logits
    are the same. Liu & Qin 2024 (ICML), without the sign. UserError for other shapes or values that are not finite.
    """
    train, features = as_features(train=train, features=features)
    weight, bias = as_layer(weight, bias, train.shape[1])
    logits = features @ weight.T + bias
    predicted = logits.argmax(axis=1)
    gaps = logits[np.arange(len(logits)), predicted][:, None] - logits  # (M, K), 0 for the predicted class
    apart = np.linalg.norm(weight[:, None] - weight[None], axis=2)  # (K, K)
    distances = (gaps / np.maximum(apart[predicted], LEAST)).sum(axis=1) / (len(weight) - 1)
    return -distances / np.maximum(np.linalg.norm(features - train.mean(axis=0), axis=1), LEAST)
