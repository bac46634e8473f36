"""What was simulated: data, networks, budget, methods, options."""

from typing import Any

from softcifar.report.chapters.simulations.results import SPLITS, SimulationResults
from softcifar.report.core.study import Study
from softcifar.report.core.words import flatten, words


def facts(study: Study) -> dict[str, Any]:
    """What the chapter's text needs."""
    results = study.results
    return {
        "counts": counts(results),
        "methods": methods(results),
        "shared": shared(results),
    }


def counts(results: SimulationResults) -> list[tuple[str, str]]:
    """(what, value in words) of the data, the networks and the budget."""
    manifest, about = results.manifest, results.first.about
    points = ", ".join(f"{manifest['splits'][name]['count']:,} {name}" for name in SPLITS)
    networks = sum(each.about["networks"] for each in results.simulations.values())
    return [
        ("data sets", f"{manifest['data_sets']} from {manifest['source']}, {manifest['features']} features"),
        ("classes", ", ".join(manifest["classes"])),
        ("points of each", points),
        ("network", f"{words(results.first.options['network'])}, {about['parameters']:,} weights and biases"),
        ("networks trained", f"{networks:,} besides the teachers, for {about['mean_epochs']:.0f} epochs on average"),
        ("budget", f"{results.params['seeds']['runs']} networks per method and data set, of which validation chooses one"),
    ]


def methods(results: SimulationResults) -> tuple[list[str], list[list[str]]]:
    """Header and a row per method of the first simulation: what it is and its grid."""
    first = results.first
    rows = []
    for name, method in first.methods.items():
        if method["scaled"]:
            rows.append([name, first.words(name), f"the networks of {method['scaled']}, each divided by its own temperature"])
            continue
        options = words(method["options"] | {"loss": method["loss"]}) or "no options: initial weights differ"
        rows.append([name, first.words(name), options + ("; calibrated teachers" if method["calibrated"] else "")])
    return ["method", "what it is", "tried"], rows


def shared(results: SimulationResults) -> list[list[str]]:
    """Rows: an option and its value in every simulation, of all options but the methods."""
    flat = [
        flatten({key: value for key, value in each.options.items() if key != "methods"})
        for each in results.simulations.values()
    ]
    return [[key, *(words(options.get(key)) for options in flat)] for key in flat[0]]
