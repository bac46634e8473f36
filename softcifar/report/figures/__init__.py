"""Figures by name, in the order of the page: functions Context -> Drawing, or None where the study lacks the data."""

from softcifar.report.figures import (
    attack,
    differences,
    entropies,
    gallery,
    learning_curves,
    loss_maps,
    novelty_scores,
    reliability,
    roc,
    samples,
    teachers,
    teaching,
    tsne,
    tuning,
)

FIGURES = {
    "differences": differences.draw,
    "samples": samples.draw,
    "gallery": gallery.draw,
    "loss_maps": loss_maps.draw,
    "learning_curves": learning_curves.draw,
    "reliability": reliability.draw,
    "entropies": entropies.draw,
    "tsne": tsne.draw,
    "novelty_scores": novelty_scores.draw,
    "roc": roc.draw,
    "attack": attack.draw,
    "teachers": teachers.draw,
    "teaching": teaching.draw,
    "tuning": tuning.draw,
}
