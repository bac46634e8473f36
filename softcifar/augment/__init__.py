"""Augmentations: (images, targets, generator, ...) -> (images, targets), on the device, one draw per image.

images (B, C, H, W) float in [0, 1]; targets (B, K) probabilities; generator on the same device (methods.md, section 3).
"""

from softcifar.augment.crop_flip import crop_flip
from softcifar.augment.mixup import mixup
from softcifar.augment.soft_cifar import soft_cifar

AUGMENTATIONS = {
    "crop_flip": crop_flip,
    "mixup": mixup,
    "soft_cifar": soft_cifar,
}

__all__ = ["AUGMENTATIONS", "crop_flip", "mixup", "soft_cifar"]
