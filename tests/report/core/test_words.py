"""Params in words."""

from softcifar.report.core.words import flatten, words


def test_options_are_told_in_words():
    network = {"name": "resnet8", "options": {"dropout": 0.1, "pool": False}}
    options = {
        "network": network,
        "augment": [{"name": "crop", "options": {"padding": 4}}],
        "lr": [0.1, 0.2],
        "mix": None,
    }
    flat = flatten(options)
    assert {key: words(value) for key, value in flat.items()} == {
        "network": "resnet8",
        "network.dropout": "0.1",
        "augment": "crop (padding 4)",
        "lr": "0.1, 0.2",
    }
