"""Published accuracies of active learning beside ours (Mukhoti et al. 2023)."""

from typing import Any

from softcifar import metrics
from softcifar.report.chapters.acquisition.columns import acquired
from softcifar.report.chapters.acquisition.results import TITLES, Acquired
from softcifar.report.chapters.published.literature import ACTIVE_LEARNING, MUKHOTI
from softcifar.report.chapters.published.table import beside
from softcifar.report.core.columns import Field
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build
from softcifar.report.core.words import flatten, words

NOTE = (
    f"{MUKHOTI} give the accuracy at {ACTIVE_LEARNING['labels']} labels, read off their figure, without spread. Their dirty "
    "pool is Dirty-MNIST, 1,000 images of MNIST and 60,000 ambiguous rows, ten of which are one image. The last column names "
    "the settings that differ, ours (theirs)."
)


def table(study: Study) -> Table:
    """A row per acquisition of digits whose strategy and pool have a published number; no rows for other images."""
    source = study.results.params["datasets"][study.results.params["data"]["images"]]["source"]
    records = []
    for each in acquired(study).values() if source in ACTIVE_LEARNING["images"] else ():
        published = ACTIVE_LEARNING["accuracy"][each.pool].get(each.strategy)
        at = each.curve[each.curve["labels"] == ACTIVE_LEARNING["labels"]]["accuracy"]
        if published is None or at.empty:
            continue
        mean, error = metrics.mean_and_standard_error(at)
        record = {"acquisition": each.name, "pool": each.pool, "published_as": TITLES[each.strategy], "n": len(at)}
        record |= {"accuracy": mean, "accuracy_se": error, "accuracy_published": published}
        records.append(record | {"settings_that_differ": _differs(study, each, source)})
    fields = [
        Field("acquisition", "Acquisition"),
        Field("pool", "Pool"),
        Field("published_as", "Published as"),
        Field("n", "n", "our runs"),
        *beside("accuracy", f"Accuracy at {ACTIVE_LEARNING['labels']} labels %", 100, 1),
        Field("settings_that_differ", "Settings that differ", "ours (theirs)"),
    ]
    return build("acquisition_published", "Beside the published numbers", NOTE, fields, records)


def _differs(study: Study, each: Acquired, source: str) -> str:
    ours: dict[str, Any] = flatten(each.options) | {"runs": study.results.params["seeds"]["runs"], "images": source}
    ours.setdefault("clean", "all")
    settings = ACTIVE_LEARNING["settings"] | {"clean": ACTIVE_LEARNING["clean"][each.pool]}
    if each.options["members"] > 1:
        settings |= {"members": ACTIVE_LEARNING["members"]}
    if each.pool == "dirty":  # the images of a clean pool are MNIST's whatever the source
        pool, theirs = each.abouts[0]["pool"], ACTIVE_LEARNING["ambiguous_share"]
        settings |= {"images": ACTIVE_LEARNING["ambiguous"], "ambiguous in the pool": f"{100 * theirs:.0f} %"}
        ours["ambiguous in the pool"] = f"{100 * pool['ambiguous'] / pool['images']:.0f} %"
    if each.strategy == "density":
        settings |= {f"network.{key}": value for key, value in ACTIVE_LEARNING["density"].items()}
    pairs = [(key, ours.get(key), theirs) for key, theirs in settings.items()]
    return ", ".join(f"{key} {words(mine)} ({words(theirs)})" for key, mine, theirs in pairs if mine != theirs) or "–"
