"""Which score tells ambiguous images from clean ones, and which one novel images from both? Where the study says of its test
images which were made to be ambiguous."""

from softcifar import metrics
from softcifar.report.chapters.novelty.detection import by_set
from softcifar.report.core.columns import Column, proportion
from softcifar.report.core.kinds import score_titles
from softcifar.report.core.long_table import Row
from softcifar.report.core.predictions import Prediction
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.tables import MARK_NOTE, ONE_SPLIT, Table, means_table

AMBIGUOUS_CLEAN, NOVEL_AMBIGUOUS, NOVEL_CLEAN = "auroc_ambiguous_clean", "auroc_novel_ambiguous", "auroc_novel_clean"


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
    """A row per student, kind of model and score."""
    columns = [
        Column("ambiguous_clean", "ambiguous, clean", "AUROC of ambiguous against clean test images", AMBIGUOUS_CLEAN, "test",
               None, higher=None),
    ]  # fmt: skip
    for kind in study.results.ood_kinds:
        for part, metric in (("ambiguous", NOVEL_AMBIGUOUS), ("clean", NOVEL_CLEAN)):
            meaning = f"AUROC of novel images ({kind} sets) against {part} test images"
            columns.append(Column(f"{kind}_{part}", f"{kind}, {part}", meaning, metric, kind, None, higher=None))
    return means_table(
        study.numbers,
        study.design,
        "ambiguity",
        "Which score shows what?",
        columns,
        note=f"Mean AUROC with its standard error. {ONE_SPLIT}",
        keys={key: key for key in ("student", "kind", "score")},
        titles=score_titles(study.results),
    )


def accuracies(study: Study) -> Table:
    """Accuracy on clean and on ambiguous test images."""
    columns = [
        proportion(f"accuracy_{part}", f"{part} %", f"accuracy on {part} test images", f"accuracy_{part}")
        for part in ("clean", "ambiguous")
    ]
    note = f"The label of an ambiguous image is one of its votes, so no network can be right about all of them. {MARK_NOTE}"
    return means_table(study.numbers, study.design, "ambiguity_accuracy", "Accuracy, clean and ambiguous", columns, note=note)
