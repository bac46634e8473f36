"""How numbers are printed."""

import math

import numpy as np
import pytest

from softcifar.report.core.columns import effect, plain, within


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.0213, 3, ".021"),
        (-0.5, 2, "−.50"),
        (1.0, 3, "1.000"),
        (82.92, 1, "82.9"),
        (-0.0001, 3, ".000"),
        (0.4, 1, "0.4"),
    ],
)
def test_plain_numbers(value, digits, text):
    assert plain(value, digits) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.234, "+1.23"), (-0.0213, "−.021"), (-0.00021, "−.00021"), (0.0, ".000"), (math.nan, "–"), (-12.5, "−12.50")],
)
def test_effects_keep_their_sign_and_never_look_like_nothing(value, text):
    assert effect(value) == text


def test_an_interval_is_cut_at_what_the_quantity_cannot_leave():
    assert within(0.9, 1.06) == (0.9, 1.0)
    assert within(-0.2, 0.4) == (0.0, 0.4)
    assert within(0.2, 0.4) == (0.2, 0.4)
    low, high = within(np.array([97.0, -3.0, np.nan]), np.array([103.0, 4.0, np.nan]), most=100)
    np.testing.assert_array_equal(low, [97, 0, np.nan])
    np.testing.assert_array_equal(high, [100, 4, np.nan])
