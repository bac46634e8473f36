"""What else the validation images were used for, beside fitting calibrators and thresholds on them."""

from softcifar.report.core.kinds import tuned
from softcifar.report.core.results import Results, StudentScores
from softcifar.report.core.words import listed

REFIT = "tested networks learned from the validation images, whose predictions are those of the networks of the search"
EPOCH = "kept the epoch with the best validation score"
TUNED = "chose among tuned values by them"
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
    elif student.options["checkpoint"] == "best":
        found.append(EPOCH)
    if len(student.about["candidates"]) > 1:
        found.append(TUNED if tuned(results, name) else STARTS)
    if student.about["fitted"]:
        found.append(FITTED.format(listed([each.replace("_", " ") for each in student.about["fitted"]])))
    return found
