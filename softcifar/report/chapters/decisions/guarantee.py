"""What the promise of prediction sets is worth in this study: how many images it rests on, and what else those decided."""

import math

import numpy as np

from softcifar.conformal import SET_SCORES
from softcifar.report.chapters.decisions.sets import LABELS, MISS
from softcifar.report.core.study import Study
from softcifar.report.core.validation import OTHER_NETWORKS, REFIT, other_uses, used
from softcifar.report.core.words import listed


def in_words(study: Study) -> list[str]:
    """One or more sentences."""
    images = len(study.results.part("validation")["labels"])
    promised = 100 * (1 - MISS)
    bounds = spread(images)
    if bounds is None:
        few = f"With {images} validation images no threshold can promise {promised:.0f} %: every set holds all classes."
        return [few]
    low, high = (100 * each for each in bounds)
    sentences = [
        f"The thresholds are taken from {images} validation images. Where these decided nothing else, sets for further images "
        f"like them hold the label with a probability of {promised:.0f} % or a little more, whatever the network. That is an "
        f"average over validation images: 95 % of draws of {images} images give thresholds that hold between {low:.1f} and "
        f"{high:.1f} %."
    ]
    uses = other_uses(study.results)
    if not uses:
        return [*sentences, f"Here they decided nothing else. {_measured(study, study.students, 'All students')}"]
    told = "; ".join(f"{listed(names)} {use}" for use, names in uses.items())
    named = used(study.results)
    others = [name for name in study.students if name not in named]
    sentences.append(
        f"Here they did decide something else: {told}. To these networks validation images are no longer images like all "
        "others, so for them the promise is not proven; where networks fit the validation images better than new ones, sets "
        "hold less than promised."
    )
    if REFIT in uses:
        sentences.append(f"{OTHER_NETWORKS} Their sets may hold less than promised, or more.")
    sentences.append(_measured(study, named, "The students just named" if others else "All students"))
    if others:
        sentences.append(_measured(study, others, "The others"))
    return sentences


def spread(images: int) -> tuple[float, float] | None:
    """Between which coverages 95 % of validation sets of so many images end, where scores have no ties: the quantiles .025 and
    .975 of Beta(m, images + 1 - m), m = the number of images that the threshold holds (Vovk 2012); None where there are too few
    for the promise."""
    from scipy.stats import beta

    held = math.ceil((1 - MISS) * (images + 1) - 1e-9)
    if held > images:
        return None
    low, high = beta.ppf([0.025, 0.975], held, images + 1 - held)
    return float(low), float(high)


def _measured(study: Study, names: list[str], whose: str) -> str:
    """What the sets of these students hold on the test images, by method."""
    held = {}
    for method in SET_SCORES:
        of_students = study.mean("set_coverage", LABELS, method)
        held[method] = 100 * float(np.mean([of_students[name] for name in names]))
    words = listed([f"{value:.1f} % by {method.upper()}" for method, value in held.items()])
    return f"{whose}: on the test images their sets hold the label in {words}, mean over students and runs."
