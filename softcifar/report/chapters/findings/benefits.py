"""What softness may buy: a question each, the number that answers it, and every student against the reference in it."""

import math
from dataclasses import dataclass, replace

import numpy as np

from softcifar.report.chapters.agreement import agreement
from softcifar.report.chapters.calibration import quality
from softcifar.report.chapters.distillation.shallow import ACCURACY as TAUGHT
from softcifar.report.chapters.novelty.detection import headline as novelty
from softcifar.report.chapters.robustness.attacks import fgsm_column, middle_strength, strength
from softcifar.report.chapters.robustness.shifts import ACCURACY as CORRUPTED
from softcifar.report.chapters.robustness.shifts import corruptions
from softcifar.report.core.columns import ACCURACY, Column
from softcifar.report.core.comparisons import against
from softcifar.report.core.kinds import distinct
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import Finding

# question -> in words, the chapter with the evidence, why a study may not answer it ("": it always does, or nobody misses it)
QUESTIONS = {
    "accuracy": ("Is it right more often?", "summary", ""),
    "calibration": ("Does it know how sure it may be?", "calibration", ""),
    "people": ("Do its probabilities fit people’s answers?", "agreement", "No test image has votes."),
    "truth": ("Do its probabilities fit the true ones?", "agreement", ""),
    "novelty": ("Does it notice images of a kind it never saw?", "novelty", "There are no novel images."),
    "robustness": ("Does it stand up to attacks and corruptions?", "robustness", "Nothing was attacked or corrupted."),
    "teaching": ("Is it a better teacher?", "distillation", "Fewer than two students, the reference included, have taught."),
}


RIGHT = ("right more often{} than {{}}", "right less often")
PEOPLE = ("human", "people", "people’s answers", "Agreement with people")  # target, question, whose probability, title
TRUTH = ("exact", "truth", "what may be true", "Agreement with the truth")


@dataclass(frozen=True)
class Benefit:
    """One number that answers a question.

    title, axis: over its panel; better, worse: what a student is said to be; base: where the column is a mean log loss, that of
    the reference, nats: a difference is shown as the gain of exp(-loss), the geometric mean probability of the answers.
    """

    question: str
    column: Column
    title: str
    better: str
    worse: str
    unit: str = "points"
    axis: str = "points"
    base: float | None = None

    @property
    def opposite(self) -> str:
        """`worse` in full: right less often than {}."""
        return self.better.replace("better ", "worse ", 1).replace("more ", "less ", 1)

    def gain(self, difference: float) -> float:
        """A difference in the column's unit as it is shown, in `unit`: what is better is positive."""
        if self.base is not None:
            return 100 * math.exp(-self.base) * float(np.expm1(-difference))
        return difference if self.column.higher else -difference


def benefits(study: Study) -> list[Benefit]:
    """Those that this study's data allow; all in percentage points."""
    results: Results = study.results
    calibrated = "better calibrated than {} before temperature scaling", "worse calibrated"
    found = [
        Benefit("accuracy", ACCURACY, "Accuracy", RIGHT[0].format(""), RIGHT[1]),
        Benefit("calibration", _points(quality.column("ece")), "Calibration error", *calibrated),
    ]
    known = results.targets("test")
    if known:  # people's answers rather than the exact distribution
        source, question, whose, title = PEOPLE if "human" in known else TRUTH
        column, more = agreement.column("cross_entropy", source), f"giving {whose} more probability than {{}}"
        base = study.means(column)[results.reference]
        found.append(Benefit(question, column, title, more, "giving less", axis="points of probability", base=base))
    for column, kind in zip(novelty(results), results.ood_kinds, strict=True):
        telling = f"better at telling {kind} novel images by predictive entropy than {{}}"
        found.append(Benefit("novelty", _points(column), f"AUROC, {kind} novel", telling, "worse at it"))
    if (eps := middle_strength(results)) is not None:
        more = RIGHT[0].format(f" under an attack by one gradient step (FGSM, {strength(eps)})")
        found.append(Benefit("robustness", fgsm_column(eps), f"Under FGSM {strength(eps)}", more, RIGHT[1]))
    if corruptions(results):
        more = RIGHT[0].format(" on corrupted images")
        found.append(Benefit("robustness", replace(CORRUPTED, title="Corrupted %"), "When corrupted", more, RIGHT[1]))
    if results.reference in results.shallow and len(results.shallow) > 1:
        column = replace(TAUGHT, title="Taught accuracy %")
        found.append(Benefit("teaching", column, "As a teacher", "better teachers than {}", "worse ones"))
    return found


def judged_benefits(study: Study) -> dict[str, list[Finding]]:
    """By the key of a benefit's column: every other student against the reference, networks of two names once.

    Rows of one column are corrected together; a student without the number has no row.
    """
    return study.once(_judged)


def _judged(study: Study) -> dict[str, list[Finding]]:
    columns = [benefit.column for benefit in benefits(study)]
    rows = against(study.numbers, columns, study.reference, study.design, distinct(study.results))
    return {column.key: [row for row in rows if row.claim == column.key] for column in columns}


def _points(column: Column) -> Column:
    """A proportion as points of per cent."""
    return replace(column, title=f"{column.title} %", scale=100, digits=1)
