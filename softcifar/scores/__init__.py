"""Novelty scores: how unlike the training images an image looks; higher = more novel.

FEATURE_SCORES: (training features (N, D), labels (N,), features (M, D)) -> float64 (M,); any trained network has them.
LOGIT_SCORES: logits (..., S, N, K) -> (..., N), S samples of N images over K classes. S is 1 for a deterministic network, the
passes of Monte Carlo dropout, or the members of an ensemble. Leading axes (runs) are kept.
NAMED_SCORES: of features, for the students and with the options that params name (`novelty`); what they take is said in
softcifar.scores.inputs.
"""

from softcifar.scores.ddu import ddu
from softcifar.scores.energy import energy
from softcifar.scores.fdbd import fdbd
from softcifar.scores.gen import gen
from softcifar.scores.knn import knn
from softcifar.scores.mahalanobis import mahalanobis
from softcifar.scores.mahalanobis_perturbed import mahalanobis_perturbed
from softcifar.scores.max_logit import max_logit
from softcifar.scores.max_probability import max_probability
from softcifar.scores.mutual_information import mutual_information
from softcifar.scores.predictive_entropy import predictive_entropy
from softcifar.scores.rmds import rmds
from softcifar.scores.vim import vim

FEATURE_SCORES = {
    "ddu": ddu,
    "mahalanobis": mahalanobis,
}
LOGIT_SCORES = {
    "max_probability": max_probability,
    "predictive_entropy": predictive_entropy,
    "energy": energy,
    "max_logit": max_logit,
    "gen": gen,
    "mutual_information": mutual_information,
}
NAMED_SCORES = {
    "knn": knn,
    "vim": vim,
    "rmds": rmds,
    "fdbd": fdbd,
    "mahalanobis_perturbed": mahalanobis_perturbed,
}
SCORES = {**FEATURE_SCORES, **LOGIT_SCORES, **NAMED_SCORES}
