"""What was run: data, pools, networks."""

import numpy as np

from softcifar.data.blended_digits import SUREST
from softcifar.report.chapters.acquisition.columns import acquired
from softcifar.report.chapters.acquisition.results import Acquired, doubtful
from softcifar.report.core.chapter import Chapter
from softcifar.report.core.study import Study
from softcifar.report.core.words import flatten, words


def facts(study: Study) -> dict[str, object]:
    """What the chapter's text needs."""
    results, there = study.results, acquired(study)
    manifest = results.manifest
    first = next(iter(there.values())).abouts[0]
    others = f" and {first['test']['ambiguous_']:,} others" if "ambiguous_" in first["test"] else ""
    doubted = doubtful(results.part("train"))
    pools = [(name, _pool(each, doubted)) for name, each in there.items()]
    networks, draws = (sum(about[key] for each in there.values() for about in each.abouts) for key in ("networks", "draws"))
    counts = [
        ("data set", f"{manifest['dataset']} (source {manifest['source']}), protocol {manifest['protocol']}"),
        ("classes", ", ".join(results.classes)),
        ("test images", f"{first['test']['']:,} of one class each{others}"),
        ("runs", f"{results.params['seeds']['runs']} of every strategy and pool"),
        ("networks trained", f"{networks:,}, on {draws:,} images drawn"),
    ]
    options = {name: flatten(each.options) for name, each in there.items()}
    keys = dict.fromkeys(key for each in options.values() for key in each)
    shared = [
        (key, words(next(iter(options.values())).get(key)))
        for key in keys
        if len({words(each.get(key)) for each in options.values()}) == 1
    ]
    return {"counts": counts, "pools": pools, "shared": shared}


def _pool(each: Acquired, doubted: np.ndarray | None) -> str:
    """doubted: of all training images, of which a dirty pool has every one that is not certain."""
    pool = each.abouts[0]["pool"]
    if doubted is None or not pool["ambiguous"]:
        return f"{pool['images']:,} images, of which {pool['ambiguous']:,} are ambiguous"
    return (
        f"{pool['images']:,} images, of which {pool['ambiguous']:,} are not certainly of one class and {doubted.sum():,} "
        f"ambiguous: of no class by more than {SUREST:.0%}".replace("%", " %")
    )


CHAPTER = Chapter("run", "What was run", facts=facts, folder="active_learning/run", always=True)
