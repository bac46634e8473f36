"""Whose the votes of a study are: people's, unless its data set made them."""

from softcifar.report.core.columns import WHOSE
from softcifar.report.core.results import Results

PEOPLE = "people's"
MADE = {  # source of the images -> whose votes it has; the label of such an image is one vote itself
    "shapes": "simulated annotators'",
    "blended_digits": "networks'",
    "ambiguous_mnist": "networks'",
}


def voters(results: Results) -> str:
    """Whose votes the images have. Votes that params join to the images are people's."""
    data = results.params["data"]
    source = results.params["datasets"][data["images"]]["source"]
    return PEOPLE if data.get("votes") else MADE.get(source, PEOPLE)


def distribution(results: Results, source: str) -> str:
    """A known label distribution in words, "human" by whose votes it is: "people's votes", "the exact distribution"."""
    return f"{voters(results)} votes" if source == "human" else WHOSE[source]
