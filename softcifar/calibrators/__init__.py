"""Calibrators: corrections of the predicted probabilities after training, fitted on validation.

CALIBRATORS: (validation logits (S, N, K) of one run, labels (N,) or targets (N, K)) -> a function of further logits (S, M, K)
that returns probabilities (M, K). With people's votes / their number as targets these are of a person's answer.
"""

from softcifar.calibrators.dirichlet import dirichlet
from softcifar.calibrators.histogram import histogram
from softcifar.calibrators.isotonic import isotonic
from softcifar.calibrators.matrix import matrix
from softcifar.calibrators.temperature import temperature
from softcifar.calibrators.vector import vector

CALIBRATORS = {
    "temperature": temperature,
    "vector": vector,
    "matrix": matrix,
    "dirichlet": dirichlet,
    "isotonic": isotonic,
    "histogram": histogram,
}
