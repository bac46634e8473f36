"""Whose spread: what the runs of a study are draws of."""

from dataclasses import replace

import numpy as np
import pandas as pd

from softcifar.report.core.design import Design
from tests.report.fixture import read


def test_splits_with_the_same_test_images_tell_nothing_of_others():
    assert Design("runs", 3).tells_beyond
    assert not Design("runs", 3, other_tests=False).tells_beyond
    assert not Design("runs", 2).tells_beyond


def test_one_run_per_split_leaves_one_question():
    assert Design("runs", 3).two_questions
    assert not Design("runs", 3, repeated=False).two_questions
    assert not Design("runs", 3, other_tests=False).two_questions
    assert not Design("data sets", None).two_questions
    alone = Design("runs", 3, repeated=False)
    values = pd.Series([0.1, 0.5, 0.4])
    assert alone.these(values) == alone.beyond(values)


def test_a_run_has_the_images_of_its_split(study):
    results = read(*study)
    assert results.split_of_run == [0, 0, 0]
    assert not results.design.other_tests
    (parts,) = results.splits
    half = {name: {key: array[:100] for key, array in arrays.items()} for name, arrays in parts.items()}
    other = half | {"test": {key: array[100:] for key, array in parts["test"].items()}}
    two = replace(results, splits=[half | {"train": parts["train"]}, other | {"train": parts["train"]}])
    assert two.split_of_run == [0, 1, 0]
    assert two.design.other_tests
    np.testing.assert_array_equal(two.part("test", 1)["labels"], parts["test"]["labels"][100:])
    index = np.array([3, 0])
    wanted = [two.part("test", split)["labels"][index] for split in (0, 1, 0)]
    np.testing.assert_array_equal(two.labels_of_runs(3, index), wanted)
    assert not replace(results, splits=[parts, parts]).design.other_tests
