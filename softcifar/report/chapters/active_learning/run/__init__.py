"""What was run: data, pools, networks."""

from softcifar.report.chapters.acquisition.columns import acquired
from softcifar.report.core.chapter import Chapter
from softcifar.report.core.study import Study
from softcifar.report.core.words import flatten, words


def facts(study: Study) -> dict[str, object]:
    """What the chapter's text needs."""
    results, there = study.results, acquired(study)
    manifest = results.manifest
    first = next(iter(there.values())).abouts[0]
    ambiguous = f" and {first['test']['ambiguous_']:,} ambiguous ones" if "ambiguous_" in first["test"] else ""
    pools = [
        (name, f"{each.abouts[0]['pool']['images']:,} images, of which {each.abouts[0]['pool']['ambiguous']:,} are ambiguous")
        for name, each in there.items()
    ]
    networks, draws = (sum(about[key] for each in there.values() for about in each.abouts) for key in ("networks", "draws"))
    counts = [
        ("data set", f"{manifest['dataset']} (source {manifest['source']}), protocol {manifest['protocol']}"),
        ("classes", ", ".join(results.classes)),
        ("test images", f"{first['test']['']:,} that are not ambiguous{ambiguous}"),
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


CHAPTER = Chapter("run", "What was run", facts=facts, folder="active_learning/run", always=True)
