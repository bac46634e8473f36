"""Adversarial attacks: (predict, images, labels, radii, generator, options) -> adversarial examples, one tensor per radius.

images (B, C, H, W) in [0, 1], labels (B,), radii Linf as shares of the pixel range; `predict` as softcifar.attacks.objective
says. An attack's radii, its number of images and its options (the keyword-only parameters) stand in evaluation.attacks of
params.yaml.
"""

from softcifar.attacks.apgd import apgd
from softcifar.attacks.fgsm import fgsm
from softcifar.attacks.pgd import pgd
from softcifar.attacks.random_search import random_search

ATTACKS = {
    "fgsm": fgsm,
    "pgd": pgd,
    "apgd": apgd,
    "random_search": random_search,
}
