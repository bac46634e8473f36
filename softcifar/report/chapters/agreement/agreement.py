"""Predictions against people's and the exact label distributions, where the test images have them."""

import numpy as np

from softcifar import metrics
from softcifar.metrics.disagreement import entropy_calibration_error, entropy_excess, rank_agreement
from softcifar.report.core.columns import WHOSE, Column, plain, proportion
from softcifar.report.core.long_table import Row
from softcifar.report.core.predictions import Prediction
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.tables import MARK_NOTE, Table, means_table

# metric -> title, meaning, function of probabilities and targets, both (N, K)
AGREEMENT = {
    "cross_entropy": ("cross-entropy", "cross-entropy of the prediction to the distribution, nats",
                      lambda probs, targets: metrics.human_cross_entropy(probs, targets)),
    "kl_divergence": ("KL", "KL divergence of the prediction from the distribution, nats",
                      lambda probs, targets: metrics.kl_divergence(targets, probs)),
    "total_variation": ("total variation", "half the L1 distance between prediction and distribution (DistCE)",
                        lambda probs, targets: metrics.total_variation(probs, targets)),
    "brier_to_distribution": ("Brier", "squared distance between prediction and distribution",
                              lambda probs, targets: metrics.brier_to_distribution(probs, targets)),
    "second_guess_accuracy": ("2nd guess %", "share of disputed images whose second likeliest class is predicted second",
                              lambda probs, targets: metrics.second_guess_accuracy(probs, targets)),
    "rank_agreement": ("first 2 %", "share of disputed images whose two likeliest classes are predicted first, in order",
                       lambda probs, targets: rank_agreement(probs, targets)),
    "entropy_error": ("entropy error", "mean distance of the predicted entropy from the distribution's, nats (EntCE)",
                      lambda probs, targets: entropy_calibration_error(probs, targets)),
    "entropy_excess": ("entropy excess", "mean predicted entropy less the distribution's, nats: above 0 too undecided",
                       lambda probs, targets: entropy_excess(probs, targets)),
    "entropy_correlation": ("entropy corr.", "correlation of predicted entropy with the distribution's entropy",
                            lambda probs, targets: metrics.entropy_correlation(probs, targets)),
}  # fmt: skip
PEOPLE = "people"  # single people, who gave a distribution each
DISTANCES = ("cross_entropy", "kl_divergence", "total_variation", "brier_to_distribution")
SAME = "votes_same_images"  # the votes, on the images that single people judged
SHARES, SIGNED = ("second_guess_accuracy", "rank_agreement"), ("entropy_excess",)


def rows(results: Results, prediction: Prediction) -> list[Row]:
    """Every metric of the unscaled prediction against each known distribution, and against single people where they judged."""
    compared = {source: (prediction.probs, each) for source, each in results.targets("test", prediction.split).items()}
    judged, theirs = results.of_people(prediction.split)
    if len(judged):
        compared[PEOPLE] = prediction.probs[judged], theirs
    return [
        (metric, source, "", function(probs, targets))
        for source, (probs, targets) in compared.items()
        for metric, (_, _, function) in AGREEMENT.items()
    ]


def votes_rows(results: Results, prediction: Prediction) -> list[Row]:
    """Every metric against the votes on those images alone that single people judged; [] where either is unknown."""
    judged, votes = results.of_people(prediction.split)[0], results.targets("test", prediction.split).get("human")
    if not len(judged) or votes is None:
        return []
    probs = prediction.probs[judged]
    return [(metric, SAME, "", function(probs, votes[judged])) for metric, (_, _, function) in AGREEMENT.items()]


def column(metric: str, source: str) -> Column:
    title, meaning, _ = AGREEMENT[metric]
    of, whose = ("Votes", "the votes on the same images") if source == SAME else (source.capitalize(), WHOSE[source])
    key, title, meaning = f"{source}_{metric}", f"{of} {title}", f"{meaning}, against {whose}"
    if metric in SHARES:
        return proportion(key, title, meaning, metric, source)
    return Column(key, title, meaning, metric, source, higher=None if metric in SIGNED else metric == "entropy_correlation")


def table(study: Study) -> Table:
    """Every metric, against people and against the exact distribution, where known."""
    columns = [column(metric, source) for source in study.results.targets("test") for metric in AGREEMENT]
    title = "Agreement with label distributions"
    return means_table(study.numbers, study.design, "agreement", title, columns, note=MARK_NOTE, folded=True)


def with_people(study: Study) -> Table:
    """The same against single people's soft labels, of the test images that they judged."""
    columns = [column(metric, PEOPLE) for metric in AGREEMENT]
    if study.results.people is not None and "human" in study.results.targets("test"):
        columns += [column(metric, SAME) for metric in DISTANCES]
    title = "Agreement with single people's soft labels"
    note = f"{_judged(study.results)} {MARK_NOTE}" if study.results.people is not None else MARK_NOTE
    return means_table(study.numbers, study.design, "agreement_people", title, columns, note=note, folded=True)


def _judged(results: Results) -> str:
    """How many test images they judged, and how far the votes on these are from what they said."""
    found = [results.of_people(split) for split in range(len(results.splits))]
    images = np.mean([len(judged) for judged, _ in found])
    each = " in each split, on average" if len(found) > 1 else ""
    text = (
        "Single people said how probable the likeliest classes are and which ones are impossible; the mean of six or more of "
        f"them is known for {images:.0f} of the test images{each}."
    )
    votes = [
        metrics.total_variation(results.targets("test", split)["human"][judged], theirs)
        for split, (judged, theirs) in enumerate(found)
        if len(judged) and "human" in results.targets("test", split)
    ]
    if not votes:
        return text
    apart = f"The shares of the votes on them are at a total variation of {plain(np.mean(votes))} from it."
    return f"{text} {apart} {_disputed(results)}"


def _disputed(results: Results) -> str:
    """How far the images that single people judged are disputed more than all test images."""
    entropies, agreed = [], []
    for split in range(len(results.splits)):
        votes, judged = results.targets("test", split)["human"], results.of_people(split)[0]
        entropy = metrics.entropy(votes)
        unanimous = votes.max(axis=1) > 1 - 1e-9
        if len(judged):
            entropies.append((entropy[judged].mean(), entropy.mean()))
            agreed.append((unanimous[judged].mean(), unanimous.mean()))
    (theirs, of_all), (few, many) = np.mean(entropies, axis=0), 100 * np.mean(agreed, axis=0)
    return (
        f"The votes on these images have a mean entropy of {plain(theirs)}, on all test images {plain(of_all)}; they are "
        f"unanimous on {few:.0f} % of them, of all on {many:.0f} %. So compare single people with the votes on the same "
        "images (last columns), not with those on all."
    )
