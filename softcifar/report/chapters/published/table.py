"""Our numbers beside the published ones of the same images, network, labels and loss."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from softcifar import metrics
from softcifar.report.chapters.distillation.shallow import SHALLOW
from softcifar.report.chapters.published.literature import LAING, LIU, PUBLISHED, REMARKS, Published
from softcifar.report.chapters.robustness.attacks import strength
from softcifar.report.core.columns import Field
from softcifar.report.core.kinds import CRITERION_TITLES, PLAIN, kind, loss, method_title, source, tuned
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build
from softcifar.report.core.words import flatten, words

NOTE = (
    "Ours: mean ± standard error over n runs on the test images. Published means come from the papers; they carry no tests "
    "here, since settings, splits and networks' details differ. The last column names the settings that do, ours (theirs). The "
    "fast network airbench stands, with crops of its own, for the one network of a published study, and the column says so."
)
TITLES = {  # number -> title, scale, digits
    "accuracy": ("Accuracy %", 100, 2),
    "nll": ("NLL", 1, 3),
    "ece": ("ECE", 1, 3),
    "shallow_accuracy": ("Shallow network's accuracy %", 100, 2),
    "shallow_nll": ("Shallow network's NLL", 1, 3),
    "svhn_predictive_entropy": ("AUROC of entropy, SVHN", 1, 3),
    "svhn_energy": ("AUROC of energy, SVHN", 1, 3),
    "svhn_ddu": ("AUROC of density (DDU), SVHN", 1, 3),
    "fgsm_drop": ("Accuracy lost to FGSM at .005, points", 100, 2),
    "true_class_ece": ("ECE as Soft CIFAR computes it (miscomputed)", 1, 3),
}
SWITCHES = ("dropout", "spectral_norm", "mod")  # options of a network that make it another one
STAND_IN = "airbench"  # for the network of a published study that has one for these images
CROPS = ("crop_flip", "soft_cifar")  # what a network's recipe brings along, unlike mixing
FGSM_EPS = 1.275  # .005 of the pixel range, in 1/255


def matches(results: Results) -> list[tuple[Published, str]]:
    """(published row, student) where images, network, labels, loss, augmentation and, if tuned, the choosing score agree."""
    images = results.params["datasets"][results.params["data"]["images"]]["source"]
    return [(row, name) for row in PUBLISHED if row.images == images for name in results.students if _fits(results, name, row)]


def _fits(results: Results, name: str, row: Published) -> bool:
    options = results.students[name].options
    network, method = options["network"], options["method"]["name"]
    same = (source(results, name), loss(results, name)) == (row.source, row.loss)
    same &= network["name"] == row.network or _stands_in(network["name"], row)
    alike = (results.params["data"]["protocol"], method) == (row.protocol, row.method)
    switched = {option for option in SWITCHES if network["options"].get(option)} == set(row.options)
    augment = _same_steps(options["augment"], row, any_crop=_stands_in(network["name"], row))
    chosen = row.choose_by is None or not tuned(results, name) or options["choose_by"] == row.choose_by
    members = not row.ensemble or (len(results.students[name].seeds) > 1 and len(results.splits) == 1)
    return same and alike and switched and augment and chosen and members


def _stands_in(network: str, row: Published) -> bool:
    theirs = {each.network for each in PUBLISHED if (each.study, each.images) == (row.study, row.images)}
    return network == STAND_IN and theirs == {row.network}


def _same_steps(ours: list[dict[str, Any]], row: Published, *, any_crop: bool) -> bool:
    """Are our augmentation steps the published ones, in those options that the row names?"""
    flat = [{"name": step["name"], **step["options"]} for step in ours]
    return len(flat) == len(row.augment) and all(
        published.items() <= step.items() or (any_crop and step["name"] in CROPS and published["name"] in CROPS)
        for step, published in zip(flat, map(_named, row.augment), strict=True)
    )


def _named(step: str | dict[str, Any]) -> dict[str, Any]:
    return {"name": step} if isinstance(step, str) else step


def table(study: Study) -> Table:
    """A row per match; columns for the numbers that some match has, ours and published side by side."""
    matched = matches(study.results)
    names = [name for name in TITLES if any(name in row.numbers for row, _ in matched)]
    records = []
    for row, student in matched:
        values = {name: _ours(study.numbers, student, name, row) for name in names if name in row.numbers}
        record: dict[str, Any] = {"student": student, "published_as": f"{row.study}: {_there(row)}"}
        record["n"] = max(len(each) for each in values.values())
        for name in names:
            mean, error = metrics.mean_and_standard_error(values[name]) if len(values.get(name, ())) else (None, None)
            record |= {name: mean, f"{name}_se": error, f"{name}_published": row.numbers.get(name)}
        records.append(record | {"settings_that_differ": _differs(study.results, student, row)})
    fields = [Field("student", "Student"), Field("published_as", "Published as"), Field("n", "n", "our runs")]
    for name in names:
        fields += beside(name, *TITLES[name])
    fields.append(Field("settings_that_differ", "Settings that differ", "ours (theirs)"))
    remarks = [f"{study}: {REMARKS[study]}." for study in dict.fromkeys(row.study for row, _ in matched)]
    return build("published", "Beside the published numbers", " ".join([NOTE, *remarks]), fields, records)


def beside(name: str, title: str, scale: float, digits: int) -> list[Field]:
    """The columns of one number, ours and theirs: with as many digits as the paper gives, four at most."""

    def theirs(record: Mapping[str, Any]) -> str:
        value = record[f"{name}_published"]
        return "–" if value is None else f"{scale * value:.4g}".removeprefix("0")

    ours = Field(name, f"{title}, ours", "mean ± standard error", digits, scale, spread=True)
    return [ours, Field(f"{name}_published", "published", text=theirs)]


def _there(row: Published) -> str:
    """The published row in words: "label smoothing, tuned for ECE", "people's votes, MC dropout, soft_cifar and mixup"."""
    parts = [kind(row.source, row.loss)]
    parts += [method_title(row.method)] if row.method != PLAIN else []
    parts += [option.replace("_", " ") for option in sorted(set(row.options) - {"dropout"})]
    parts += (
        [f"augmented by {' and '.join(map(words, row.augment))}" if row.augment else "not augmented"]
        if row.study in (LAING, LIU)
        else []
    )
    parts += ["deep ensemble"] if row.ensemble else []
    parts += [f"tuned for {CRITERION_TITLES[row.choose_by]}"] if row.choose_by else []
    parts += ["temperature scaling"] if row.scaled else []
    return ", ".join(parts)


def _ours(numbers: pd.DataFrame, student: str, name: str, row: Published) -> pd.Series:
    """Our values, one per run (or the ensemble's one); empty where the study has none."""
    kind_of_row = "ensemble" if row.ensemble else "run"
    own = numbers[(numbers["student"] == student) & (numbers["kind"] == kind_of_row)]
    if name == "fgsm_drop":
        attacked = own[own["metric"] == "fgsm_accuracy"].pivot(index="seed", columns="score", values="value")
        both = {strength(0), strength(FGSM_EPS)} <= set(attacked.columns)
        return attacked[strength(0)] - attacked[strength(FGSM_EPS)] if both else pd.Series(dtype=float)
    if name.startswith("svhn_"):
        return own[(own["metric"] == "auroc") & (own["set"] == "svhn") & (own["score"] == name.removeprefix("svhn_"))]["value"]
    metric = name.removeprefix("shallow_")
    place = SHALLOW if name.startswith("shallow_") else "test"
    if row.scaled and place == "test" and metric != "accuracy":
        metric += "_scaled"
    return own[(own["metric"] == metric) & (own["set"] == place)]["value"]


def _differs(results: Results, student: str, row: Published) -> str:
    """'epochs 8 (25), runs 3 (10)': what is not as it was there, ours and in brackets theirs."""
    ours = flatten(results.students[student].options) | {"runs": len(results.students[student].seeds)}
    ours |= {name: len(results.part(name)["labels"]) for name in ("train", "validation", "test")}
    ours |= {"refit": results.params["seeds"].get("refit", False)}
    settings = dict(row.settings)
    if _stands_in(ours["network"], row):
        ours["augment"] = [step["name"] for step in results.students[student].options["augment"]]
        settings = {"network": row.network, "augment": [_named(step)["name"] for step in row.augment]} | settings
    # flatten leaves out what is false
    pairs = [(key, ours.get(key, False if isinstance(theirs, bool) else None), theirs) for key, theirs in settings.items()]
    return ", ".join(f"{key} {words(mine)} ({words(theirs)})" for key, mine, theirs in pairs if mine != theirs) or "–"
