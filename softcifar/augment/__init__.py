"""Augmentations: (images, targets, generator, *, options) -> (images, targets), on the device, one draw per image.

images (B, C, H, W) float in [0, 1]; targets (B, K) probabilities; generator on the same device (docs/methods.md, Augmentation).
One that changes how much an image counts, or mixes images, also takes the weights (B,) so far, as `weights` (None: all 1), and
returns (images, targets, weights). softcifar.augment.policy applies a recipe's steps; the loop multiplies each image's loss by
its weight.
"""

from softcifar.augment.crop_flip import crop_flip
from softcifar.augment.cutmix import cutmix
from softcifar.augment.erasing import cutout, random_erasing
from softcifar.augment.labelled_only import labelled_only
from softcifar.augment.mixup import mixup
from softcifar.augment.randaugment import randaugment
from softcifar.augment.shift_flip import shift_flip
from softcifar.augment.soft_cifar import soft_cifar
from softcifar.augment.soft_crop import soft_crop
from softcifar.augment.soft_cutout import soft_cutout
from softcifar.augment.soft_noise import soft_noise
from softcifar.augment.trivialaugment import trivialaugment

AUGMENTATIONS = {
    "crop_flip": crop_flip,
    "cutmix": cutmix,
    "cutout": cutout,
    "labelled_only": labelled_only,
    "mixup": mixup,
    "randaugment": randaugment,
    "random_erasing": random_erasing,
    "shift_flip": shift_flip,
    "soft_cifar": soft_cifar,
    "soft_crop": soft_crop,
    "soft_cutout": soft_cutout,
    "soft_noise": soft_noise,
    "trivialaugment": trivialaugment,
}

__all__ = [
    "AUGMENTATIONS",
    "crop_flip",
    "cutmix",
    "cutout",
    "labelled_only",
    "mixup",
    "randaugment",
    "random_erasing",
    "shift_flip",
    "soft_cifar",
    "soft_crop",
    "soft_cutout",
    "soft_noise",
    "trivialaugment",
]
