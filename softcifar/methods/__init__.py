"""Uncertainty methods: how a network is built, trained and evaluated so that it tells how uncertain it is (docs/methods.md)."""

from softcifar.methods.duq import DUQ
from softcifar.methods.laplace import LastLayerLaplace
from softcifar.methods.mc_dropout import MCDropout
from softcifar.methods.method import UncertaintyMethod
from softcifar.methods.packed import Packed
from softcifar.methods.sngp import SNGP
from softcifar.methods.softmax import Softmax
from softcifar.methods.swag import SWAG
from softcifar.methods.test_time_averaging import TestTimeAveraging

METHODS = {
    "softmax": Softmax,
    "mc_dropout": MCDropout,
    "sngp": SNGP,
    "duq": DUQ,
    "test_time_averaging": TestTimeAveraging,
    "laplace": LastLayerLaplace,
    "swag": SWAG,
    "packed": Packed,
}

__all__ = [
    "DUQ",
    "METHODS",
    "SNGP",
    "SWAG",
    "LastLayerLaplace",
    "MCDropout",
    "Packed",
    "Softmax",
    "TestTimeAveraging",
    "UncertaintyMethod",
]
