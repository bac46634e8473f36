"""The README's one worked example is the one of docs/extending.md, which is tested."""

from tests.conftest import ROOT
from tests.docs.examples import examples


def test_its_example_is_one_of_those_that_are_tested():
    (short,) = examples(ROOT / "README.md").values()
    whole = examples(ROOT / "docs/extending.md")["A label source"]
    assert short.files
    assert short.files.items() <= whole.files.items()
    assert (short.lines, short.params) == (whole.lines, whole.params)
