"""Does the strategy `panel` ask several people where an image is ambiguous?"""

from softcifar.report.chapters.acquisition.results import Acquired
from softcifar.report.core.columns import plain


def answer(acquired: Acquired) -> str:
    """How many of the images bought are ambiguous, of those that several people were asked about and of the others."""
    bought = acquired.bought[acquired.bought["step"] > 0]
    images = bought.groupby(["run", "index"])["ambiguous"].agg(["mean", "size"])
    parts = ("several people were", images[images["size"] > 1]), ("one person was", images[images["size"] == 1])
    told = [
        f"of the images that {who} asked about {plain(100 * part['mean'].mean(), 0)} % (of {len(part):,})"
        for who, part in parts
        if len(part)
    ]
    return f"So many of {acquired.name}'s were ambiguous: {', '.join(told)}."
