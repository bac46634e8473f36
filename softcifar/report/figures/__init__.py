"""Figures by name, in the order of the page: functions Context -> Drawing, or None where the study lacks the data."""

from softcifar.report.figures import (
    attack,
    differences,
    entropies,
    gallery,
    learning_curves,
    novelty_scores,
    reliability,
    roc,
    samples,
)

FIGURES = {
    "differences": differences.draw,
    "samples": samples.draw,
    "gallery": gallery.draw,
    "learning_curves": learning_curves.draw,
    "reliability": reliability.draw,
    "entropies": entropies.draw,
    "novelty_scores": novelty_scores.draw,
    "roc": roc.draw,
    "attack": attack.draw,
}
