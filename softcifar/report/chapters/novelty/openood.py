"""All scores of one plain network in OpenOOD's layout, with its published numbers beside ours where the images are the same."""

import math
from typing import Any

from softcifar import metrics
from softcifar.report.chapters.novelty.detection import DETECTION
from softcifar.report.chapters.published.literature import OPENOOD
from softcifar.report.core.columns import Field
from softcifar.report.core.kinds import PLAIN, method, of_kind, score_titles
from softcifar.report.core.pairs import HARD
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build

SHOWN = ("auroc", "fpr95", "fpr95_in")
NOTE = (
    "Every score of the single networks of {student}, mean and standard error of runs, per cent, by falling {first} AUROC; "
    "means over near and over far sets ({sets}). FPR95: share of test images flagged where 95 % of the novel ones are, as "
    "OpenOOD has it; FPR95 in: share of novel images let through where 95 % of the test images are, as most papers have it. "
    "The table of all students is below."
)
PUBLISHED = (
    " OpenOOD: published AUROC ({subject}), of other networks, more training images (on which KNN's number of neighbours "
    "depends) and partly other novel ones, so no test is made; last are published ones that have no row of ours."
)


def table(study: Study) -> Table:
    """A row per score, then per published method that is no score here; none where the study has no novel images."""
    results, titles = study.results, score_titles(study.results)
    student, kinds = shown_student(results), results.ood_kinds
    numbers = study.numbers
    numbers = numbers[(numbers["student"] == student) & (numbers["kind"] == "run") & numbers["set"].isin(kinds)]
    records = []
    for score, part in numbers[numbers["metric"].isin(SHOWN)].groupby("score", sort=False):
        record: dict[str, Any] = {"student": student, "score": score, "n": part["seed"].nunique()}
        for metric in SHOWN:
            for kind in kinds:
                values = part[(part["metric"] == metric) & (part["set"] == kind)]["value"]
                record[f"{metric}_{kind}"], record[f"{metric}_{kind}_se"] = metrics.mean_and_standard_error(values)
        records.append(record)
    records.sort(key=lambda record: -record[f"auroc_{kinds[0]}"])
    beside = results.params["datasets"][results.params["data"]["images"]]["source"] == OPENOOD["images"]
    if beside and records:
        records = [record | _published(OPENOOD["auroc"].get(record["score"], ()), kinds) for record in records]
        ours = {record["score"] for record in records}
        others = {score: values for score, values in OPENOOD["auroc"].items() if score not in ours} | OPENOOD["others"]
        records += [{"student": "", "score": name} | _published(values, kinds) for name, values in others.items()]
    fields = [
        Field("score", "Score", text=lambda record: titles.get(record["score"], record["score"])),
        Field("n", "n", "runs", text=lambda record: str(record.get("n", "–"))),
    ]
    for metric in SHOWN:
        title, meaning, higher, _ = DETECTION[metric]
        fields += [
            Field(f"{metric}_{kind}", f"{title}, {kind}\u00a0{'↑' if higher else '↓'}", meaning, 2, 100, spread=True)
            for kind in kinds
        ]
    if beside:
        fields += [Field(f"openood_{kind}", f"OpenOOD, {kind}", "published AUROC", 2, 100) for kind in kinds]
    sets = "; ".join(f"{kind}: {', '.join(results.ood_sets(kind))}" for kind in kinds)
    note = NOTE.format(student=student, sets=sets, first=next(iter(kinds), "")) + (
        PUBLISHED.format(subject=OPENOOD["subject"]) if beside else ""
    )
    return build("openood", "The scores side by side, as OpenOOD has them", note, fields, records)


def shown_student(results: Results) -> str:
    """A plain network of hard labels, as OpenOOD's: the reference if it is one, else the first one, else the reference."""
    plain_ones = [name for name in of_kind(results, HARD) if method(results, name) == PLAIN]
    return next(iter(sorted(plain_ones, key=lambda name: name != results.reference)), results.reference)


def _published(values: Any, kinds: list[str]) -> dict[str, float]:
    """Of (near, far) those kinds that the study has; NaN where nothing was published."""
    near_and_far = dict(zip(("near", "far"), values or (None, None), strict=True))
    return {f"openood_{kind}": math.nan if near_and_far[kind] is None else float(near_and_far[kind]) for kind in kinds}
