"""Data sets: where images, labels and votes come from, and how they become a study."""

from softcifar.data.ambiguous_mnist import AMBIGUOUS_MNIST
from softcifar.data.blended_digits import BLENDED_DIGITS
from softcifar.data.cifar import CIFAR10, CIFAR100
from softcifar.data.cifar10c import CIFAR10C
from softcifar.data.cifar10h import CIFAR10H
from softcifar.data.cifar10n import CIFAR10N
from softcifar.data.cifar10s import CIFAR10S
from softcifar.data.digits import DIGITS
from softcifar.data.gaussians import GAUSSIANS
from softcifar.data.mnist import FASHION_MNIST, MNIST
from softcifar.data.noise import NOISE
from softcifar.data.npz import NPZ
from softcifar.data.shapes import SHAPES, UNSEEN
from softcifar.data.svhn import SVHN
from softcifar.data.textures import TEXTURES
from softcifar.data.tiny_imagenet import TINY_IMAGENET

DATA_SOURCES = {
    "shapes": SHAPES,
    "shapes_unseen": UNSEEN,
    "digits": DIGITS,
    "noise": NOISE,
    "cifar10": CIFAR10,
    "cifar100": CIFAR100,
    "svhn": SVHN,
    "tiny_imagenet": TINY_IMAGENET,
    "textures": TEXTURES,
    "mnist": MNIST,
    "fashion_mnist": FASHION_MNIST,
    "ambiguous_mnist": AMBIGUOUS_MNIST,
    "blended_digits": BLENDED_DIGITS,
    "cifar10h": CIFAR10H,
    "cifar10c": CIFAR10C,
    "cifar10n": CIFAR10N,
    "cifar10s": CIFAR10S,
    "npz": NPZ,
    "gaussians": GAUSSIANS,
}
