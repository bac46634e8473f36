"""How numbers are printed."""

import math

import pytest

from softcifar.report.core.columns import effect, plain


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
