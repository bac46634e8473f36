"""Where a student's softness comes from, and what it needs for it: told from its options."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from softcifar.report.core.kinds import (
    alike,
    method,
    method_title,
    share_of_images,
    source,
    steps,
    trained_kind,
    votes_per_image,
)
from softcifar.report.core.results import Results

MIXED, OTHER = "Mixed or cropped images", "Other augmentation"
ORIGINS = ("People", "A teacher", "A rule", "The loss", MIXED, OTHER, "The network")  # in the order of the figure
GIVEN_BY_PEOPLE = {"votes", "soft_labels"}  # inputs of label sources
ONE_HOT = ("hard", "majority", "majority_sampled")
MIXED_AS_PEOPLE = "match_human"  # as much mixing as adds the entropy of people's labels
SOFTENING = ("cutmix", "mixup", "soft_crop", "soft_cutout", "soft_noise")  # augmentations that soften targets
SHARP = "hard"  # the mode of such a one that leaves targets as they are


def origin(results: Results, student: str) -> str:
    """One of ORIGINS: soft labels first, then what else differs from the reference.

    Other augmentation: steps of the reference are left out and none is new, whatever the labels are; or, of one-hot labels, the
    same steps have other options.
    """
    needed, reference = _inputs(results, student), results.reference
    ours, theirs = (results.params["students"][name] | {"augment": steps(results, name)} for name in (student, reference))
    used, usual = ({step["name"] for step in each["augment"]} for each in (ours, theirs))
    if used < usual:
        return OTHER
    if source(results, student) not in ONE_HOT:
        return "People" if GIVEN_BY_PEOPLE & {*needed} else "A teacher" if _learned(needed) else "A rule"
    for key, where in (("loss", "The loss"), ("augment", MIXED if used != usual else OTHER)):
        if ours[key] != theirs[key]:
            return where
    return "People" if "votes" in needed else "The network"


def like_the_reference(results: Results, student: str) -> bool:
    """Has it the reference's method, network and, with more steps or without, augmentation? Then its labels or loss differ."""
    ours, theirs = (results.params["students"][name] for name in (student, results.reference))
    kept = all(step in ours["augment"] for step in steps(results, results.reference))
    return kept and all(ours[key] == theirs[key] for key in ("method", "network"))


def softness_alone(results: Results, student: str) -> bool:
    """Does it differ from the reference in what makes targets soft alone: labels, loss, steps that soften targets?"""
    usual = steps(results, results.reference)
    new = [step for step in steps(results, student) if step not in usual]
    softening = all(step["name"] in SOFTENING and step["options"].get("mode") != SHARP for step in new)
    others = ("labels", "loss", "augment", "choose_by")
    return like_the_reference(results, student) and softening and alike(results, student, results.reference, but=others)


def title(results: Results, student: str) -> str:
    """What it is in a few words: labels and loss, unless they are the reference's, then augmentation, method and network.

    A method brings its own options of the network, so these stand for themselves only where the methods agree.
    """
    names = (student, results.reference)
    ours, theirs = (results.params["students"][name] | {"augment": steps(results, name)} for name in names)
    trained = [trained_kind(results, name) for name in names]
    usual = [step["name"] for step in theirs["augment"]]
    extra = [_step(step) for step in ours["augment"] if step["name"] not in usual]
    extra += _other_augmentation(ours["augment"], theirs["augment"]) if not extra else []
    extra += [method_title(method(results, student))] if ours["method"] != theirs["method"] else []
    if ours["network"] != theirs["network"] and ours["method"]["name"] == theirs["method"]["name"]:
        extra.append(_network(ours["network"], theirs["network"]))
    return ", ".join(extra if extra and trained[0] == trained[1] else [trained[0], *extra])


def _step(step: Mapping[str, Any]) -> str:
    mode = step["options"].get("mode", "")
    return step["name"].replace("_", " ") + (f", {mode.replace('_', ' ')}" if mode else "")


def _other_augmentation(ours: list, theirs: list) -> list[str]:
    """What differs where no step is new: steps with other options, steps left out."""
    usual = {step["name"]: step["options"] for step in theirs}
    changed = [
        f"{step['name'].replace('_', ' ')}, {_changes(step['options'], usual[step['name']])}"
        for step in ours
        if step["options"] != usual[step["name"]]
    ]
    kept = [step["name"] for step in ours]
    return changed + [f"no {name.replace('_', ' ')}" for name in usual if name not in kept]


def _network(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    same = ours["name"] == theirs["name"]
    return _changes(ours["options"], theirs["options"]) if same else ours["name"]


def _changes(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """The options that differ, with our values: "dropout 0.1"."""
    changed = [key for key in ours | theirs if ours.get(key) != theirs.get(key)]
    return ", ".join(f"{key.replace('_', ' ')} {ours.get(key, 'as usual')}" for key in changed)


def votes(results: Results, student: str) -> int | float:
    """Votes per training image that its labels, or the amount of its mixing, need, the images without a label counted as well;
    0: none. A soft label that one person gave counts as a vote. Whole where its labels are of all images, else with two
    digits: 1 vote on a tenth of the images costs .1."""
    train, options = results.part("train"), results.params["students"][student]
    mixed = any(MIXED_AS_PEOPLE in step["options"].values() for step in options["augment"])
    if "soft_labels" in _inputs(results, student) and not mixed:
        asked = results.asked[train["index"]]
        each = train["votes"].sum(axis=1) * (asked > 0) if "votes" in _inputs(results, student) else asked
        return float(f"{each.mean():.2g}")
    if "votes" not in train or not (mixed or "votes" in _inputs(results, student)):
        return 0
    each, most = train["votes"].sum(axis=1), votes_per_image(results, student)
    if most is not None and not mixed:
        each = each.clip(max=np.max(most))
    share = share_of_images(results, student)
    if share == 1:
        return round(float(each.mean()))
    mean = float(f"{share * float(each.mean()):.2g}")
    return int(mean) if mean.is_integer() else mean


def teachers(results: Results, student: str) -> int:
    """Networks that were trained to teach it, by split; 0: none."""
    teacher = results.params["labels"][results.params["students"][student]["labels"]].get("teacher")
    return results.params["teachers"][teacher]["folds"] if teacher else 0


def seen(results: Results, name: str) -> int:
    """Images that all networks of a student saw in training, each as often as it was seen."""
    student = results.students[name]
    images = len(results.part("train")["labels"])
    total = len(student.history) * images  # a row per network and epoch
    if student.about["refit"]:
        total += len(student.seeds) * student.options["epochs"] * (images + len(results.part("validation")["labels"]))
    return total


def effort(results: Results, student: str) -> int:
    """Images seen in training: by all networks of the student, with those that validation did not choose, and by its teachers.

    The networks of a teacher make equally many steps, whatever share of the images each of them sees.
    """
    teacher = results.params["labels"][results.params["students"][student]["labels"]].get("teacher")
    epochs = results.params["teachers"][teacher]["epochs"] if teacher else 0
    taught = len(results.splits) * teachers(results, student) * epochs * len(results.part("train")["labels"])
    return seen(results, student) + taught


def _inputs(results: Results, student: str) -> tuple[str, ...]:
    from softcifar.labels import LABEL_SOURCES
    from softcifar.labels.source import inputs

    return inputs(LABEL_SOURCES[source(results, student)])


def _learned(needed: tuple[str, ...]) -> bool:
    return any(name.endswith("_logits") for name in needed)
