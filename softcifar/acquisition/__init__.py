"""Acquisition strategies: which images of the pool are worth their next labels (docs/methods.md, Acquisition strategies).

A strategy is a function of some of the inputs that softcifar.acquisition.strategy names, with its options as keyword-only
parameters; it returns a score of every image of the pool, float64 (N,): the images of the highest scores are bought. One that
also says how many people are asked about an image returns (score, answers), answers int64 (N,) of at least 1.
"""

from softcifar.acquisition.bald import bald
from softcifar.acquisition.density import density
from softcifar.acquisition.mutual_information import mutual_information
from softcifar.acquisition.panel import panel
from softcifar.acquisition.predictive_entropy import predictive_entropy
from softcifar.acquisition.random import random
from softcifar.acquisition.softmax_entropy import softmax_entropy

ACQUISITIONS = {
    "random": random,
    "softmax_entropy": softmax_entropy,
    "predictive_entropy": predictive_entropy,
    "mutual_information": mutual_information,
    "density": density,
    "bald": bald,
    "panel": panel,
}
