"""Which score tells ambiguous images from clean ones, and which one novel images from both? Where the study says of its test
images which were made to be ambiguous."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from softcifar import metrics
from softcifar.report.chapters.novelty.detection import by_set
from softcifar.report.core.columns import HEADLINE_SCORE, Column, Field, between, plain, proportion, within
from softcifar.report.core.kinds import score_titles
from softcifar.report.core.long_table import Row
from softcifar.report.core.predictions import Prediction
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.tables import MARK_NOTE, MODELS, ONE_SPLIT, Table, build, means_table

AMBIGUOUS_CLEAN, NOVEL_AMBIGUOUS, NOVEL_CLEAN = "auroc_ambiguous_clean", "auroc_novel_ambiguous", "auroc_novel_clean"
SHOWN = (HEADLINE_SCORE, "mutual_information", "ddu")
NOTE = (
    "Mean AUROC of the first kind of images against the second, with its 95 % interval for further runs on these images; none "
    "for fewer than two."
)


def counts(results: Results) -> dict[str, int]:
    """So many ambiguous and clean test images; zeros where the study does not know them apart."""
    made = results.made_ambiguous()
    return {"ambiguous": 0, "clean": 0} if made is None else {"ambiguous": int(made.sum()), "clean": int((~made).sum())}


def rows(results: Results, prediction: Prediction) -> list[Row]:
    """Of every score, the chance that an ambiguous test image scores above a clean one, and a novel image above either; the
    accuracy on ambiguous and on clean test images."""
    made = results.made_ambiguous(prediction.split)
    if made is None:
        return []
    right = prediction.probs.argmax(axis=1) == results.part("test", prediction.split)["labels"]
    listed: list[Row] = [
        ("accuracy_clean", "test", "", float(right[~made].mean())),
        ("accuracy_ambiguous", "test", "", float(right[made].mean())),
    ]
    for score, values in prediction.novelty.items():
        known = values["test"]
        listed.append((AMBIGUOUS_CLEAN, "test", score, metrics.auroc(known[~made], known[made])))
        for metric, part in ((NOVEL_AMBIGUOUS, known[made]), (NOVEL_CLEAN, known[~made])):
            listed += by_set(results, metric, score, {name: metrics.auroc(part, values[name]) for name in results.ood})
    return listed


def aurocs(study: Study) -> Table:
    """Mean and 95 % interval over runs, or ensembles, of the scores that the chapter is about: a row per student and score."""
    columns, records = _columns(study.results), []
    chosen = study.numbers[study.numbers["score"].isin(SHOWN)]
    for (student, kind, score), part in chosen.groupby(["student", "kind", "score"], sort=False):
        record = {"student": student, "kind": kind, "score": score}
        for column in columns:
            values = column.select(part).set_index("seed")["value"]
            if len(values):
                estimate = study.design.these(values)
                low, high = estimate.interval()
                record |= {"n": estimate.count, column.key: estimate.mean}
                record |= {f"{column.key}_low": low, f"{column.key}_high": high}
        if "n" in record:
            records.append(record)
    records.sort(
        key=lambda record: (study.students.index(record["student"]), SHOWN.index(record["score"]), record["kind"] != "run")
    )
    titles = score_titles(study.results)
    fields = [
        Field("student", "Student"),
        Field("kind", "Model", text=lambda record: MODELS[record["kind"]]),
        Field("score", "Score", text=lambda record: titles[record["score"]]),
        Field("n", "n", "networks, or ensembles, that the mean is taken over"),
        *(Field(column.key, column.title, column.meaning, text=partial(_with_interval, column.key)) for column in columns),
    ]
    return build("ambiguity", "Which score shows what?", NOTE, fields, records)


def _with_interval(key: str, record: Mapping[str, Any]) -> str:
    text = between(*within(record[f"{key}_low"], record[f"{key}_high"]), plain)
    return plain(record[key]) + ("" if text == "–" else f" ({text})")


def every_score(study: Study) -> Table:
    """The means of all scores, with their standard errors."""
    return means_table(
        study.numbers,
        study.design,
        "ambiguity_scores",
        "Ambiguity and novelty by every score",
        _columns(study.results),
        note=f"Mean AUROC with its standard error. {ONE_SPLIT}",
        keys={key: key for key in ("student", "kind", "score")},
        titles=score_titles(study.results),
        folded=True,
    )


def _columns(results: Results) -> list[Column]:
    meaning = "AUROC of ambiguous against clean test images"
    columns = [Column("ambiguous_clean", "ambiguous, clean", meaning, AMBIGUOUS_CLEAN, "test", None, higher=None)]
    for kind in results.ood_kinds:
        for part, metric in (("ambiguous", NOVEL_AMBIGUOUS), ("clean", NOVEL_CLEAN)):
            meaning = f"AUROC of novel images ({kind} sets) against {part} test images"
            columns.append(Column(f"{kind}_{part}", f"novel ({kind}), {part}", meaning, metric, kind, None, higher=None))
    return columns


def accuracies(study: Study) -> Table:
    """Accuracy on clean and on ambiguous test images."""
    columns = [
        proportion(f"accuracy_{part}", f"{part} %", f"accuracy on {part} test images", f"accuracy_{part}")
        for part in ("clean", "ambiguous")
    ]
    note = f"The label of an ambiguous image is one of its votes, so no network can be right about all of them. {MARK_NOTE}"
    return means_table(study.numbers, study.design, "ambiguity_accuracy", "Accuracy, clean and ambiguous", columns, note=note)
