"""The page of a study of simulations."""

from typing import Any

from softcifar.report.claims import table as claims_table
from softcifar.report.claims.claim import Finding
from softcifar.report.figures.style import Drawing
from softcifar.report.page import dump, environment, placed
from softcifar.report.simulations.figures import FIGURES
from softcifar.report.simulations.results import SPLITS, SimulationResults
from softcifar.report.tables import Table
from softcifar.report.words import flatten, words

SECTIONS = ("summary", "claims", "published", "tuning", "simulations")  # tables with a place of their own on the page


def render(
    results: SimulationResults,
    tables: dict[str, Table],
    findings: list[Finding],
    drawings: list[Drawing],
    pictures: dict[str, bytes],
) -> str:
    """The page as text; `pictures` holds the bytes of every drawing by file name."""
    return environment().get_template("simulations.html").render(
        study=results.params["study"],
        reference=results.reference,
        facts=facts(results),
        methods=methods(results),
        shared=shared(results),
        surroundings=surroundings(results),
        claims=claims_table.in_words(findings),
        claims_note=claims_table.NOTE,
        **{name: tables.get(name) for name in SECTIONS if name != "claims"},
        figures=dict.fromkeys(FIGURES) | {drawing.name: placed(drawing, pictures[drawing.file]) for drawing in drawings},
        tables=[table for name, table in tables.items() if name not in SECTIONS],
        params=dump(results.params),
    )  # fmt: skip


def facts(results: SimulationResults) -> list[tuple[str, str]]:
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
        options = words(method["options"]) or "no options: initial weights differ"
        rows.append([name, first.words(name), options + ("; calibrated teachers" if method["calibrated"] else "")])
    return ["method", "what it is", "tried"], rows


def shared(results: SimulationResults) -> list[tuple[str, list[str]]]:
    """(option, its value in every simulation) of all options but the methods."""
    flat = [
        flatten({key: value for key, value in each.options.items() if key != "methods"})
        for each in results.simulations.values()
    ]
    return [(key, [words(options.get(key)) for options in flat]) for key in flat[0]]


def surroundings(results: SimulationResults) -> list[tuple[str, str]]:
    """(package, device or precision; versions as the simulations noted them)."""
    found: dict[str, list[str]] = {}
    for simulation in results.simulations.values():
        noted: dict[str, Any] = simulation.about["versions"]
        for key, value in (noted | {key: simulation.about[key] for key in ("precision", "device")}).items():
            if words(value) not in found.setdefault(key, []):
                found[key].append(words(value))
    return [(key, ", ".join(values)) for key, values in found.items()]
