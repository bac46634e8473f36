"""Uncertainty methods: how a network is built, trained and evaluated so that it tells how uncertain it is (docs/methods.md)."""

from softcifar.methods.duq import DUQ
from softcifar.methods.laplace import LastLayerLaplace
from softcifar.methods.mc_dropout import MCDropout
from softcifar.methods.mc_filter_dropout import MCFilterDropout
from softcifar.methods.method import UncertaintyMethod
from softcifar.methods.packed import Packed
from softcifar.methods.sngp import SNGP
from softcifar.methods.sngp_moving_average import MovingAverageSNGP
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
    "sngp_moving_average": MovingAverageSNGP,
    "mc_filter_dropout": MCFilterDropout,
}

__all__ = [
    "DUQ",
    "METHODS",
    "SNGP",
    "SWAG",
    "LastLayerLaplace",
    "MCDropout",
    "MCFilterDropout",
    "MovingAverageSNGP",
    "Packed",
    "Softmax",
    "TestTimeAveraging",
    "UncertaintyMethod",
]
