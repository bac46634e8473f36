"""What was run, as tables: students, label sources, data with counts and checksums."""

from collections.abc import Mapping
from typing import Any

from softcifar import metrics
from softcifar.report.core.results import Results, StudentScores
from softcifar.report.core.study import Study
from softcifar.report.core.voters import voters
from softcifar.report.core.words import flatten, words


def students(results: Results) -> tuple[list[str], list[list[str]]]:
    """Header and a row per student: its labels, what differs from the recipe in words, what validation chose, runs."""
    chose = any(len(student.about["candidates"]) > 1 for student in results.students.values())
    rows = []
    for name, student in results.students.items():
        candidates = student.about["candidates"]
        rows.append([name, student.options["labels"], "; ".join(differences(student, results.params["recipe"])) or "–"])
        if chose:
            chosen = dict.fromkeys(words(candidates[choice]) for choice in student.choices)
            rows[-1].append(" or ".join(chosen) if len(candidates) > 1 else "–")
        rows[-1].append(str(len(student.seeds)))
    return ["student", "labels", "differs from the recipe", *(["chosen on validation"] if chose else []), "runs"], rows


def differences(student: StudentScores, recipe: Mapping[str, Any]) -> list[str]:
    """The options that the recipe has otherwise: ["network.dropout 0.1", "method mc_dropout (samples 5)"]."""
    said = []
    for key, value in student.options.items():
        usual = recipe.get(key)
        if key == "labels" or value == usual or (key == "choose_by" and len(student.about["candidates"]) == 1):
            continue
        if isinstance(value, Mapping) and isinstance(usual, Mapping) and value["name"] == usual["name"]:
            own = {name: each for name, each in value["options"].items() if each != usual["options"].get(name)}
            said += [f"{key}.{name} {words(each)}" for name, each in own.items()]
        else:
            said.append(f"{key} {words(value) or 'none'}")
    return said


def recipe(results: Results) -> list[tuple[str, str]]:
    """(option, value) of what a student inherits unless its row says otherwise."""
    return [(key, words(value)) for key, value in flatten(results.params["recipe"]).items()]


def label_sources(results: Results) -> tuple[list[str], list[list[str]]]:
    """Header and a row per label source: options, mean entropy, distance to the known distributions, over labelled images."""
    targets = results.targets("train")
    titles = {"human": f"distance to {voters(results)} votes", "exact": "distance to the exact labels"}
    header = ["labels", "source", "options", "entropy, nats", *(titles[name] for name in targets)]
    rows = []
    for name, probs in results.labels.items():
        options = dict(results.params["labels"][name.split(",")[0]])  # a tuned choice is named 'source, option value'
        source = words(options.pop("source", None))
        has = probs.any(axis=1)  # a row of zeros is no label
        distances = [f"{metrics.total_variation(probs[has], known[has]):.3f}" for known in targets.values()]
        rows.append([name, source, words(options) or "–", f"{metrics.entropy(probs[has]).mean():.3f}", *distances])
    in_files = {row[0].split(",")[0] for row in rows}
    for name, options in results.params["labels"].items():
        if name not in in_files:
            rest = {key: value for key, value in options.items() if key != "source"}
            rows.append([name, words(options["source"]), words(rest) or "–", "made in training", *("–" for _ in targets)])
    return header, rows


def data(results: Results) -> list[tuple[str, str]]:
    """(what, count in words) for every split and OOD set."""
    counts = []
    for name, arrays in results.splits[0].items():
        extra = [words for key, words in (("votes", "votes"), ("exact", "exact labels")) if key in arrays]
        also = f", with {' and '.join(extra)}" if extra else ""
        split = f" in each of {len(results.splits)} splits" if len(results.splits) > 1 else ""
        counts.append((name, f"{len(arrays['labels']):,} images{split}{also}"))
    for name, kind in results.params["data"]["ood"].items():
        counts.append((f"{name} ({kind} OOD)", f"{len(results.ood_images[name]):,} images"))
    return counts


def checksums(results: Results) -> list[tuple[str, str]]:
    """(array, sha256) of everything that the manifests name."""
    digests = [(name, split.get("sha256", {})) for name, split in results.manifest["splits"].items()]
    for name, entry in results.ood.items():
        digest = entry.get("sha256")
        digests.append((name, digest if isinstance(digest, Mapping) else {"images": digest}))
    return [(f"{name} {array}", value) for name, arrays in digests for array, value in arrays.items() if value]


def facts(study: Study) -> dict[str, Any]:
    """What the chapter's text needs."""
    results = study.results
    return {
        "data": data(results),
        "students": students(results),
        "recipe": recipe(results),
        "labels": label_sources(results),
        "has_people": "human" in results.targets("test"),
    }
