"""Conformal prediction: sets of classes that hold the answer as often as they promise, whatever the network is.

SET_SCORES: (probs (N, K), draws (N,)) -> float64 (N, K), how badly each class would fit as the answer. `threshold` and
`prediction_sets` make sets of them.
"""

from softcifar.conformal.aps import aps
from softcifar.conformal.lac import lac
from softcifar.conformal.raps import raps

SET_SCORES = {
    "lac": lac,
    "aps": aps,
    "raps": raps,
}
