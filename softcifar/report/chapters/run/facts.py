"""What was run, as tables: students, label sources, data with counts and checksums, package versions."""

from collections.abc import Mapping
from typing import Any

from softcifar import metrics
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.words import flatten, noted, words

MAIN_OPTIONS = ["labels", "loss", "network", "method", "augment"]  # shown for every study; others where students differ


def students(results: Results) -> tuple[list[str], list[list[str]]]:
    """Header and a row per student: its main options, whatever else differs between students, parameters, runs."""
    flat, common = _options(results)
    for name, student in results.students.items():
        if len(student.about["candidates"]) == 1:
            flat[name].pop("choose_by", None)  # there was nothing to choose
    keys = list(dict.fromkeys(key for options in flat.values() for key in options))
    shown = [key for key in MAIN_OPTIONS if key in keys]
    shown += [key for key in keys if key not in common and key not in MAIN_OPTIONS]
    tuned = any(len(student.about["candidates"]) > 1 for student in results.students.values())
    header = ["student", *shown, *(["chosen on validation"] if tuned else []), "weights and biases", "runs"]
    rows = []
    for name, student in results.students.items():
        row = [name, *(words(flat[name].get(key)) for key in shown)]
        if tuned:
            candidates = student.about["candidates"]
            chosen = dict.fromkeys(words(candidates[choice]) for choice in student.choices)
            row.append(" or ".join(chosen) if len(candidates) > 1 else "–")
        count = student.about.get("parameters")
        row += [f"{count:,}" if count is not None else "–", str(len(student.seeds))]
        rows.append(row)
    return header, rows


def shared(results: Results) -> list[tuple[str, str]]:
    """(option, value) of what all students have in common and their table does not show."""
    return [(key, words(value)) for key, value in _options(results)[1].items() if key not in MAIN_OPTIONS]


def _options(results: Results) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Every student's options under dotted names, and those that are the same for all.

    An augmentation step that all students share is named in their rows, its options stand with what they share.
    """
    flat = {name: flatten(student.options) for name, student in results.students.items()}
    steps = [options.get("augment", []) for options in flat.values()]
    common = [step for step in steps[0] if all(step in others for others in steps)]
    for options in flat.values():
        if "augment" in options:
            options["augment"] = [step["name"] if step in common else step for step in options["augment"]]
        options |= {f"augment.{step['name']}": flatten(step.get("options", {})) for step in common if step.get("options")}
    first = next(iter(flat.values()))
    same = {key: value for key, value in first.items() if all(options.get(key) == value for options in flat.values())}
    return flat, same


def label_sources(results: Results) -> tuple[list[str], list[list[str]]]:
    """Header and a row per label source: options, mean entropy, distance to the known distributions."""
    targets = results.targets("train")
    titles = {"human": "distance to people's votes", "exact": "distance to the exact labels"}
    header = ["labels", "source", "options", "entropy, nats", *(titles[name] for name in targets)]
    rows = []
    for name, probs in results.labels.items():
        options = dict(results.params["labels"][name.split(",")[0]])  # a tuned choice is named 'source, option value'
        source = words(options.pop("source", None))
        distances = [f"{metrics.total_variation(probs, known):.3f}" for known in targets.values()]
        rows.append([name, source, words(options) or "–", f"{metrics.entropy(probs).mean():.3f}", *distances])
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
        "shared": shared(results),
        "labels": label_sources(results),
        "versions": noted(student.about for student in results.students.values()),
        "checksums": checksums(results),
    }
