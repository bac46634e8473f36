"""How often each rule of the report decides wrongly, and how often its intervals hold the truth: simulated runs.

The true effect of every row lies at the bound of its claim, so that each verdict "supported" or "contradicted" is an error.
`python -m tests.verdicts` writes the table of docs/verdicts.md.
"""

import functools
import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from softcifar import metrics
from softcifar.metrics.statistics import LEVEL
from softcifar.report.chapters.advice.standings import Pairs
from softcifar.report.chapters.votes.worth import POINTS, in_sequence
from softcifar.report.core.comparisons import marks
from softcifar.report.core.design import Design
from softcifar.report.core.pairs import together
from softcifar.report.core.verdicts import SIDED, Check, NowhereBest, decide

DRAWS = 5000
RUNS = (3, 5, 10)
ROWS = (1, 20)
SKEWNESS = 1.0  # of one student's runs (an exponential distribution has 2)
ONE = Design()
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def normal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return generator.standard_normal(shape)


def skewed(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A gamma distribution with mean 0, standard deviation 1 and the skewness above."""
    order = 4 / SKEWNESS**2
    return (generator.gamma(order, size=shape) - order) / np.sqrt(order)


# name: how runs are drawn, and how far the rivals' runs spread, where ours spread 1
SPREADS: dict[str, tuple[Draw, float]] = {
    "normal": (normal, 1.0),
    "skewed": (skewed, 1.0),
    "skewed, rivals twice as far": (skewed, 2.0),
    "skewed, rivals half as far": (skewed, 0.5),
}


def _check(differences: np.ndarray, **how) -> Check:
    """differences (m, n), to m rivals."""
    against = {str(number): pd.Series(each) for number, each in enumerate(differences)}
    return Check("X1", "", "", "", True, against, **how)


# Each rule at the bound of its claim; ours, rivals (m, n), every row a pair of its own. FAR: beyond all doubt.
FAR = 100.0
BOTH = "all pairs together, or one of them"  # two families


def one_rival_a_row(ours: np.ndarray, rivals: np.ndarray) -> list:
    return [_check(each[None]) for each in ours - rivals]


def margin(ours: np.ndarray, rivals: np.ndarray) -> list:
    """Ours is worse by exactly the margin, which is a tenth of the rival's errors, of about 5, run by run."""
    allowed = 0.1 * (5 - rivals)
    return [
        _check((a - b - c)[None], margin=pd.Series(c)) for a, b, c in zip(ours, rivals, np.maximum(allowed, 0), strict=True)
    ]


def each_one_as_good(ours: np.ndarray, rivals: np.ndarray) -> list:
    """One rival is as good, all others are far behind: the worst case for "better than each"."""
    return [_check(ours[0] - rivals + FAR * (np.arange(len(rivals)) > 0)[:, None])]


def each_all_alike(ours: np.ndarray, rivals: np.ndarray) -> list:
    """The worst case for "some rival is better"."""
    return [_check(ours[0] - rivals)]


def some_all_alike(ours: np.ndarray, rivals: np.ndarray) -> list:
    """The worst case for "better than at least one"."""
    return [_check(ours[0] - rivals, every=False)]


def some_one_as_good(ours: np.ndarray, rivals: np.ndarray) -> list:
    """One rival is as good, all others are far ahead: the worst case for "all rivals are better"."""
    return [_check(ours[0] - rivals - FAR * (np.arange(len(rivals)) > 0)[:, None], every=False)]


def nowhere_best(ours: np.ndarray, rivals: np.ndarray) -> list:
    """Ours is as good as every rival in one measure and far better in another one."""
    live = pd.DataFrame(np.vstack([ours[0], rivals]).T)
    return [NowhereBest("X1", "", "", {("live", True): live, ("won", True): live + FAR * (live.columns == 0)})]


def over_all_pairs(ours: np.ndarray, rivals: np.ndarray) -> list:
    """The mean over all pairs as one row; half of what a run does is common to all pairs, on either side."""
    return together(one_rival_a_row(ours + ours[:1], rivals + rivals[:1]), "")


def over_all_and_each(ours: np.ndarray, rivals: np.ndarray) -> list:
    """The same row and the single pairs, two families of one claim: any wrong verdict in either."""
    return [*over_all_pairs(ours, rivals), *one_rival_a_row(ours + ours[:1], rivals + rivals[:1])]


def at_once_one_as_good(ours: np.ndarray, rivals: np.ndarray) -> list:
    """An ensemble is as good by every measure, all others are far behind: their own rows are right, so they are left out."""
    return _at_once(ours, rivals, FAR)


def at_once_all_alike(ours: np.ndarray, rivals: np.ndarray) -> list:
    """The worst case for "some rival is better"."""
    return _at_once(ours, rivals, 0.0)


def _at_once(ours: np.ndarray, rivals: np.ndarray, behind: float) -> list:
    """As D4 has them: four rivals, of which the first buys at random and has no row of its own and the last two are ensembles,
    whose first networks are compared as well, each by two measures; and by every measure all four at once. The measures, and an
    ensemble and its first network, have nothing in common but what is common to runs of one number."""
    rows, good = [], 2
    for mine, theirs in zip(ours, np.split(rivals, 2), strict=False):
        first = np.concatenate([theirs[:2], theirs[4:]])
        for values, own in ((theirs[:4], (1, 2, 3)), (first, (2, 3))):
            differences = mine - values + behind * (np.arange(4) != good)[:, None]
            rows.append(replace(_check(differences), family="at once"))
            rows += [_check(differences[[each]]) for each in own if each == good or not behind]
    return rows


CLAIMS = {
    "one rival a row": one_rival_a_row,
    "one rival a row, margin": margin,
    "better than each rival, one as good": each_one_as_good,
    "better than each rival, all alike": each_all_alike,
    "better than one rival, all alike": some_all_alike,
    "better than one rival, one as good": some_one_as_good,
    "nowhere best": nowhere_best,
    "all pairs together": over_all_pairs,
    BOTH: over_all_and_each,
    "all rivals at once, or one of them, one as good": at_once_one_as_good,
    "all rivals at once, or one of them, all alike": at_once_all_alike,
}


def claim_rates(rule: str, spread: str, runs: int, rows: int, draws: int = DRAWS) -> tuple[float, float]:
    """How often at least one row of a claim is wrongly supported, and wrongly contradicted."""
    draw, scale = SPREADS[spread]
    generator = np.random.default_rng([runs, rows, list(CLAIMS).index(rule), list(SPREADS).index(spread)])
    wrong = np.zeros(2)
    for _ in range(draws):
        shared = generator.standard_normal(runs)  # what the runs of one number have in common
        ours, rivals = (shared + factor * draw(generator, (rows, runs)) for factor in (1.0, scale))
        sides = {judged.side for judged in decide(CLAIMS[rule](ours, rivals), ONE.these)}
        wrong += ["supported" in sides, "contradicted" in sides]
    return tuple(wrong / draws)


def table_rates(spread: str, runs: int, students: int, draws: int = DRAWS) -> dict[str, float]:
    """How often one of equally good students is called better, or worse, than the reference after Holm's correction; and how
    often one of two equally good ones is bold, all others being far behind."""
    draw, scale = SPREADS[spread]
    generator = np.random.default_rng([runs, students, list(SPREADS).index(spread), 7])
    names = [f"s{number}" for number in range(students)]
    wrong = {"better": 0, "worse": 0, "bold": 0}
    for _ in range(draws):
        scales = np.where(np.arange(students) > 0, scale, 1.0)[:, None]
        values = generator.standard_normal(runs) + scales * draw(generator, (students, runs))
        frame = pd.DataFrame(dict(zip(names, values, strict=True)))
        behind = frame - FAR * (np.arange(students) > 1)
        wrong["bold"] += "best" in marks(behind, ONE, higher=True).values()
        rows = [_check((frame[name] - frame["s0"]).to_numpy()[None]) for name in names[1:]]
        sides = {judged.side for judged in decide(rows, ONE.these)}
        wrong["better"] += "supported" in sides
        wrong["worse"] += "contradicted" in sides
    return {key: count / draws for key, count in wrong.items()}


def beaten_rate(spread: str, runs: int, sources: int, draws: int = DRAWS) -> float:
    """How often a cell of the table "Which labels should I use?" calls one of equally good sources beaten.

    Only draws with a p that comes near deciding are handed to the rule, which takes long."""
    draw, scale = SPREADS[spread]
    generator = np.random.default_rng([runs, sources, list(SPREADS).index(spread), 19])
    scales = np.where(np.arange(sources) >= sources // 2, scale, 1.0)
    values = generator.standard_normal((draws, runs, 1)) + scales * draw(generator, (draws, runs, sources))
    a, b = np.triu_indices(sources, 1)
    p = stats.ttest_1samp(values[..., a] - values[..., b], 0, axis=1).pvalue / 2  # one-sided, the smaller one; (draws, pairs)
    near = values[len(a) * p.min(axis=1) < 2 * SIDED]
    names = list(range(sources))
    return sum(bool(Pairs.of(pd.DataFrame(each), ONE.these, higher=True).beaten(names)) for each in near) / draws


def enough_rate(spread: str, runs: int, numbers: int, draws: int = DRAWS) -> float:
    """How often so many numbers of votes, each worse than the most by exactly the margin, have one that is "no more than the
    margin" worse. rivals: the student of the most votes.

    Only draws whose largest number comes near deciding are handed to the rule, which takes long: it stops at all others."""
    draw, scale = SPREADS[spread]
    generator = np.random.default_rng([runs, numbers, list(SPREADS).index(spread), 23])
    most = scale * draw(generator, (draws, 1, runs))
    less = draw(generator, (draws, numbers, runs)) - most - POINTS
    near = less[stats.ttest_1samp(less[:, -1], -POINTS, axis=1, alternative="greater").pvalue < 2 * SIDED]
    found = ([_check(each[None], margin=POINTS) for each in rows] for rows in near)
    return sum(any(row.verdict.startswith("supported") for row in in_sequence(rows, ONE)) for rows in found) / draws


def equivalent_rates(spread: str, runs: int, rows: int, draws: int = DRAWS) -> tuple[float, float]:
    """How often one of so many rows is called equivalent where each differs by exactly what matters in practice; and how often
    any row gets a wrong verdict of the three where half of them differ by nothing instead.

    What matters is ten times as much as runs spread, so that the bound on the other side excuses nothing. Only draws with a p
    that comes near deciding wrongly are handed to the rule, which takes long."""
    draw, scale = SPREADS[spread]
    generator = np.random.default_rng([runs, rows, list(SPREADS).index(spread), 29])
    practical, none = 10.0, np.arange(rows) < rows // 2
    noise = draw(generator, (draws, rows, runs)) - scale * draw(generator, (draws, rows, runs))
    below = stats.ttest_1samp(noise, 0, axis=2, alternative="less").pvalue
    sides = np.where(none, np.minimum(below, 1 - below), 1 - below)  # what a wrong verdict of the mixed family takes
    first = [
        any(judged.small for judged in _all_equivalent(each + practical, practical))
        for each in noise[rows * below.min(axis=1) < 2 * SIDED]
    ]
    mixed = [
        any(
            judged.side in ("supported", "contradicted") if nothing else judged.small
            for judged, nothing in zip(_all_equivalent(each - practical * ~none[:, None], practical), none, strict=True)
        )
        for each in noise[(rows - rows // 2) * sides.min(axis=1) < 2 * SIDED]
    ]
    return sum(first) / draws, sum(mixed) / draws


def _all_equivalent(differences: np.ndarray, practical: float) -> list:
    return decide([_check(each[None], practical=practical) for each in differences], ONE.these)


def coverage(spread: str, runs: int, draws: int = DRAWS) -> float:
    """How often the 95 % interval of a row holds the true difference."""
    draw, scale = SPREADS[spread]
    generator = np.random.default_rng([runs, list(SPREADS).index(spread), 11])
    differences = draw(generator, (draws, runs)) - scale * draw(generator, (draws, runs))
    intervals = np.array([metrics.over_runs(each).interval() for each in differences])
    return float(((intervals[:, 0] < 0) & (intervals[:, 1] > 0)).mean())


def coverage_on_these_images(splits: int, rounds: int, draws: int = DRAWS) -> float:
    """The same where splits lie twice as far apart as runs; the truth is the mean over the splits."""
    generator = np.random.default_rng([splits, rounds, 13])
    of_split, held = np.arange(splits * rounds) % splits, 0
    for _ in range(draws):
        images = 2 * generator.standard_normal(splits)
        low, high = metrics.over_runs(images[of_split] + generator.standard_normal(splits * rounds), of_split).interval()
        held += low < images.mean() < high
    return held / draws


IMAGES, FEATURES, SEPARATION = 100, 12, 1.6


def on_other_images(pair: str, splits: int, rounds: int, draws: int = 2000) -> tuple[float, float]:
    """How often the interval for further images like these holds the difference of two learners over all data sets; and how
    often a claim whose bound lies there would be decided (on either side).

    Each draw is a data set of its own, cut into folds. The two learners train on a random four fifths of each training part,
    which makes runs differ. Their accuracy on a fold is an unbiased estimate of the true one, so the mean over all draws is the
    truth.
    """
    generator = np.random.default_rng([list(PAIRS).index(pair), splits, rounds, 17])
    found = [_one_data_set(generator, PAIRS[pair], splits, rounds) for _ in range(draws)]
    truth = np.mean([estimate.mean for estimate in found])
    intervals = np.array([estimate.interval() for estimate in found])
    above = np.array([estimate.p_above(truth) for estimate in found])
    held = (intervals[:, 0] < truth) & (intervals[:, 1] > truth)
    return float(held.mean()), float(((above < LEVEL / 2) | (above > 1 - LEVEL / 2)).mean())


def _one_data_set(generator: np.random.Generator, learners: tuple, splits: int, rounds: int) -> metrics.Estimate:
    labels = np.arange(IMAGES) % 2
    points = generator.standard_normal((IMAGES, FEATURES))
    points[:, 0] += SEPARATION * labels
    fold = generator.permutation(np.arange(IMAGES) % splits)
    differences = []
    for run in range(splits * rounds):
        train, test = np.flatnonzero(fold != run % splits), fold == run % splits
        chosen = generator.permutation(train)[: int(0.8 * len(train))]
        right = [(learn(points[chosen], labels[chosen], points[test]) == labels[test]).mean() for learn in learners]
        differences.append(right[0] - right[1])
    return metrics.over_images(differences, np.arange(len(differences)) % splits)


def _centroids(points: np.ndarray, labels: np.ndarray, test: np.ndarray, covariance: np.ndarray | None = None) -> np.ndarray:
    means = np.array([points[labels == label].mean(0) for label in (0, 1)])
    weights = means[1] - means[0]
    if covariance is not None:
        weights = np.linalg.solve(covariance, weights)
    return ((test - means.mean(0)) @ weights > 0).astype(int)


def _discriminant(points: np.ndarray, labels: np.ndarray, test: np.ndarray) -> np.ndarray:
    centred = points - np.array([points[labels == label].mean(0) for label in (0, 1)])[labels]
    return _centroids(points, labels, test, centred.T @ centred / len(points))


def _neighbours(points: np.ndarray, labels: np.ndarray, test: np.ndarray, count: int = 9) -> np.ndarray:
    distances = np.square(test[:, None] - points[None]).sum(-1)
    return (labels[np.argpartition(distances, count, axis=1)[:, :count]].mean(1) > 0.5).astype(int)


PAIRS = {
    "linear discriminant, nearest centroid": (_discriminant, _centroids),
    "linear discriminant, 9 neighbours": (_discriminant, _neighbours),
    "1 neighbour, 9 neighbours": (functools.partial(_neighbours, count=1), _neighbours),
}
HARDEST, OTHER_SIDE = "skewed, rivals twice as far", "skewed, rivals half as far"


def cases() -> list[tuple[str, str, int, int]]:
    """(rule, spread, runs, rows or rivals) of the claims that are simulated."""
    first, *others, nowhere, pooled, both, as_good, alike = CLAIMS
    listed = list(itertools.product([first], SPREADS, RUNS, ROWS))
    listed += itertools.product([first], (HARDEST, OTHER_SIDE), (10,), (50,))
    listed += itertools.product(others, ("normal", HARDEST, OTHER_SIDE), RUNS, (5,))
    listed += itertools.product([nowhere], ("normal", HARDEST, OTHER_SIDE), RUNS, (1,))
    listed += itertools.product([pooled, both], ("normal", HARDEST, OTHER_SIDE), RUNS, (15,))
    return [*listed, *itertools.product([as_good, alike], ("normal", HARDEST, OTHER_SIDE), RUNS, (12,))]
