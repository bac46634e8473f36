"""Gradients that look masked, and what the evaluation of robustness cost, in words."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from softcifar import metrics
from softcifar.report.chapters.robustness.attacks import black_boxes, strength, title
from softcifar.report.core.results import Results

LEVEL = 0.05  # one-sided: a warning, not a verdict


@dataclass(frozen=True)
class Masking:
    """A student that withstands its own gradients (PGD) better than an attack without them: mean accuracies, Holm's p."""

    student: str
    eps: float
    black_box: str
    pgd: float
    other: float
    p: float


def masking(results: Results) -> list[Masking]:
    """Students whose accuracy under PGD lies above that under a black box at the same strength, in a test over runs.

    A paired test by run on the same images, one-sided at the 5 % level, with Holm's correction over all students, strengths
    and black boxes. There is no test below three runs. A gradient that is informative finds more than random
    squares or another network's images do, so this points at masked gradients (Athalye et al. 2018, section 3.1).
    """
    compared, p_values = [], []
    images_of = len(results.splits) if results.design.other_tests else 1
    for name, student in results.students.items():
        if "pgd" not in student.attacks:
            continue
        for black_box in black_boxes(student):
            # the first run of each split is the surrogate itself
            seeds = slice(len(results.splits) if black_box == f"transfer_{name}" else 0, None)
            own, other = (_right(results, student, attack)[seeds] for attack in ("pgd", black_box))
            if not len(own):
                continue
            for place, eps in enumerate(student.attacks["pgd"].eps):
                if eps > 0:
                    p_values.append(_p_value(own[:, place], other[:, place], images_of))
                    means = own[:, place].mean(), other[:, place].mean()
                    compared.append((name, float(eps), black_box, *map(float, means)))
    corrected = metrics.holm(p_values)
    return [Masking(*row, float(p)) for row, p in zip(compared, corrected, strict=True) if p < LEVEL]


def in_words(results: Results, flags: list[Masking]) -> list[str]:
    """What the comparison of gradients and black boxes says, a sentence each; [] where there is nothing to compare."""
    compared = [student for student in results.students.values() if "pgd" in student.attacks and black_boxes(student)]
    if not compared:
        return []
    if max(len(student.seeds) for student in compared) < metrics.statistics.FEWEST:
        return ["Whether gradients are masked is not tested: that takes three runs."]
    if not flags:
        return [
            "No sign of masked gradients: no student's accuracy under PGD lies above that under a black-box attack of the same "
            "strength beyond doubt over runs."
        ]
    return [
        f"{flag.student}: looks robust to gradients only. At {strength(flag.eps)} accuracy is {100 * flag.pgd:.1f} % under "
        f"PGD but {100 * flag.other:.1f} % under {title(flag.black_box)} (one-sided Holm p = {flag.p:.3f}), so its "
        "gradients hide where it is weak."
        for flag in flags
    ]


def _right(results: Results, student, attack: str) -> np.ndarray:
    """Whether each attacked image is still classified rightly: bool (R, E, M)."""
    attacked = student.attacks[attack]
    return attacked.log_probs.argmax(axis=-1) == results.labels_of_runs(len(student.seeds), attacked.index)[:, None]


def _p_value(own: np.ndarray, other: np.ndarray, images_of: int = 1) -> float:
    """One-sided p that more is right in `own` than in `other`, both (R, M); NaN below three runs.

    images_of: run r has the images of split r modulo so many.

    Runs that all differ by the same share have no spread for a t test, the plainest masking among them (all right against all
    wrong). There the sign test over images decides: an image counts once, for the attack that it withstands in more of the
    runs, and not at all where these are equally many.
    """
    a, b = own.mean(axis=1), other.mean(axis=1)
    test = metrics.over_runs(a - b)
    if len(a) >= metrics.statistics.FEWEST and np.isnan(test.error):
        lead = own.astype(int) - other.astype(int)
        more = np.stack([lead[split::images_of].sum(axis=0) for split in range(images_of)])  # (splits, M) runs
        for_own, for_other = int((more > 0).sum()), int((more < 0).sum())
        return float(binom.sf(for_own - 1, for_own + for_other, 0.5))
    return test.p_above()


def cost_in_words(results: Results) -> str:
    """What attacks and shifts cost a student, in forward passes of one image."""
    costs = {part: [student.about["cost"][part] for student in results.students.values()] for part in ("adversarial", "shifts")}

    def span(values: list[int]) -> str:
        low, high = min(values), max(values)
        return f"{low:,}" if low == high else f"{low:,} to {high:,}"

    return (
        f"Cost per student, all runs together, in forward passes of one image (a gradient counts as three): "
        f"{span(costs['adversarial'])} for the attacks, {span(costs['shifts'])} for the shifts."
    )
