"""What else the validation images were used for, beside fitting calibrators and thresholds on them."""

from softcifar.report.core.kinds import source, tuned
from softcifar.report.core.results import Results, StudentScores
from softcifar.report.core.words import listed

REFIT = "tested networks learned from the validation images, whose predictions are those of the networks of the search"
OTHER_NETWORKS = (
    "Where tested networks learned from the validation images, the predictions of these are those of the networks of the "
    "search, which never saw them and learned from fewer images; the tested networks are others, so an error may go either way."
)
EPOCH = "kept the epoch with the best validation score"
TUNED = "chose among tuned values by them"
STOPPED = "stopped training by their NLL"
TAUGHT = "learned from a teacher whose epochs or temperature they decided"
STARTS = "chose among initialisations by them"
FITTED = "fitted {} on them after training"


def other_uses(results: Results) -> dict[str, list[str]]:
    """{what the validation images decided: the students whose networks it decided}; {} where they decided nothing."""
    uses: dict[str, list[str]] = {}
    for name, student in results.students.items():
        for use in _uses(results, name, student):
            uses.setdefault(use, []).append(name)
    return uses


def used(results: Results) -> list[str]:
    """The students that `other_uses` names, each once, in the order of params."""
    named = {name for names in other_uses(results).values() for name in names}
    return [name for name in results.students if name in named]


def _uses(results: Results, name: str, student: StudentScores) -> list[str]:
    found = []
    if student.about["refit"]:
        found.append(REFIT)
    else:
        if student.options["checkpoint"] == "best":
            found.append(EPOCH)
        if student.options.get("patience") is not None:
            found.append(STOPPED)
    if _taught_by_them(results, name):
        found.append(TAUGHT)
    if len(student.about["candidates"]) > 1:
        found.append(TUNED if tuned(results, name) else STARTS)
    if student.about["fitted"]:
        found.append(FITTED.format(listed([each.replace("_", " ") for each in student.about["fitted"]])))
    return found


def _taught_by_them(results: Results, name: str) -> bool:
    """Whether they decided a number of its teacher. Its temperature is fitted on them where it saw every training image, and
    counts where the labels are made of it."""
    from softcifar.labels import LABEL_SOURCES
    from softcifar.labels.source import inputs

    labels = results.params["labels"][results.params["students"][name]["labels"]]
    if not labels.get("teacher"):
        return False
    teacher = results.params["teachers"][labels["teacher"]]
    scaled = labels.get("calibrated") or "calibrated_logits" in inputs(LABEL_SOURCES[source(results, name)])
    decided = teacher["checkpoint"] == "best" or teacher.get("patience") is not None
    return decided or bool(scaled and teacher["folds"] == 1)
