"""What was run, as tables: students, label sources, data with counts and checksums, package versions."""

from collections.abc import Mapping
from typing import Any

from softcifar import metrics
from softcifar.report.columns import headline
from softcifar.report.context import Context
from softcifar.report.scores import Results
from softcifar.report.words import flatten, words

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
            row.append(words(candidates[student.about["choice"]]) if len(candidates) > 1 else "–")
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


def shallow(results: Results) -> str:
    """The network that students teach, in words."""
    return f"{results.params['distillation']['network']['name']} network"


def data(results: Results) -> list[tuple[str, str]]:
    """(what, count in words) for every split and OOD set."""
    found = []
    for name, arrays in results.splits.items():
        extra = [word for key, word in (("votes", "votes"), ("exact", "exact labels")) if key in arrays]
        also = f", with {' and '.join(extra)}" if extra else ""
        found.append((name, f"{len(arrays['labels']):,} images{also}"))
    for name, kind in results.params["data"]["ood"].items():
        found.append((f"{name} ({kind} OOD)", f"{len(results.ood_images[name]):,} images"))
    return found


def checksums(results: Results) -> list[tuple[str, str]]:
    """(array, sha256) of everything that the manifests name."""
    found = []
    for name, split in results.manifest["splits"].items():
        for array, digest in split.get("sha256", {}).items():
            found.append((f"{name} {array}", digest))
    for name, entry in results.ood.items():
        digest = entry.get("sha256")
        items = digest.items() if isinstance(digest, Mapping) else [("images", digest)]
        found += [(f"{name} {array}", value) for array, value in items if value]
    return found


def surroundings(results: Results) -> list[tuple[str, str]]:
    """(package, device or precision; versions as the evaluations noted them)."""
    found: dict[str, list[str]] = {}
    for student in results.students.values():
        noted = dict(student.about.get("versions", {}))
        noted |= {key: student.about[key] for key in ("precision", "device") if key in student.about}
        for key, value in noted.items():
            if words(value) not in found.setdefault(key, []):
                found[key].append(words(value))
    return [(key, ", ".join(values)) for key, values in found.items()]


def leaders(context: Context) -> list[dict[str, Any]]:
    """Per column of the summary: the best mean and which students the tests do not separate from it."""
    table = context.tables["summary"].frame
    singles = table[table["kind"] == "run"].set_index("student")
    found = []
    for column in headline(context.results):
        if column.key not in singles or singles[column.key].isna().all():
            continue
        best = str(singles[column.key].idxmax() if column.higher else singles[column.key].idxmin())
        marked = singles[f"{column.key}_mark"]
        tied = [name for name in singles.index[marked == "tied"] if name != best]
        if marked[best] == "best":
            verdict = "stands out: separated from every other student"
        elif not tied:
            verdict = "no test: too few runs or students"
        elif len(tied) == len(singles) - 1:
            verdict = "does not stand out: separated from no other student"
        else:
            verdict = f"does not stand out: not separated from {', '.join(tied)}"
        found.append({"metric": column, "student": best, "value": column.text(singles[column.key][best]), "verdict": verdict})
    return found
