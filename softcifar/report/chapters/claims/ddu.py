"""The claims of deep deterministic uncertainty (Mukhoti et al. 2023): D1 to D3. (D4: active_learning.)"""

import pandas as pd

from softcifar.report.chapters.ambiguity.separation import AMBIGUOUS_CLEAN, NOVEL_AMBIGUOUS, NOVEL_CLEAN
from softcifar.report.chapters.published.literature import MUKHOTI
from softcifar.report.core.columns import HEADLINE_SCORE, WHOSE
from softcifar.report.core.kinds import (
    CHANGED,
    PLAIN,
    alike,
    described,
    distinct,
    loss,
    method,
    own_score,
    score_titles,
    share_of_images,
)
from softcifar.report.core.pairs import CROSS_ENTROPY, shared_runs, stated
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import Check

DENSITY = "ddu"
RIVALS = ("duq", "sngp")  # methods whose own scores the paper compares with
MARGIN = 0.01  # of AUROC, within which a density matches an ensemble

PLAIN_D3 = "D3, not normalised"
D = stated(
    MUKHOTI,
    {
        "D1": "The feature density of one network beats softmax entropy, energy, DUQ and SNGP at novelty detection.",
        "D2": "It matches a deep ensemble.",
        "D3": "Entropy shows ambiguity, feature density shows novelty.",
        PLAIN_D3: "The same of networks without spectral normalisation, whose features the paper calls unfit for density.",
    },
)


def checks(study: Study) -> list[Check]:
    """A row per claim, kind of sets and rival that the study has; [] where it has no novel images."""
    students = _students(study.results)
    beats = [check for ours in students for check in _beats(study, ours)]
    matches = [check for ours in students for check in _matches(study, ours)]
    if study.results.made_ambiguous() is None:
        apart = [check for ours in students for check in _tells_apart(study, ours)]
    else:
        apart = [check for ours in _plain(study.results) for check in _tells_made_apart(study, ours)]
        apart.sort(key=lambda check: check.claim)
    return [*beats, *_beats_elsewhere(study, students), *matches, *apart]


def _students(results: Results) -> list[str]:
    """Plain students with spectral normalisation, as the paper has them; else the reference, if it is a plain one."""
    plain = _plain(results)
    normalised = [name for name in plain if _normalised(results, name)]
    return normalised or [name for name in plain if name == results.reference]


def _plain(results: Results) -> list[str]:
    """Without those with labels of a share of the images, which have no density."""
    names = [name for name in distinct(results) if share_of_images(results, name) == 1]
    return [name for name in names if (method(results, name), loss(results, name)) == (PLAIN, CROSS_ENTROPY)]


def _normalised(results: Results, student: str) -> bool:
    return bool(results.params["students"][student]["network"]["options"].get("spectral_norm"))


def _twins(results: Results, student: str) -> list[str]:
    """The same network without spectral normalisation, whose entropy and energy are the published rivals; else the student."""
    if not _normalised(results, student):
        return [student]
    network = results.params["students"][student]["network"]["name"]
    others = [name for name in _plain(results) if results.params["students"][name]["network"]["name"] == network]
    others = [name for name in others if not _normalised(results, name)]
    return [name for name in others if alike(results, student, name, but=("network",))] or [student]


def _name(results: Results, student: str) -> str:
    return described(results, student) + ("" if _normalised(results, student) else ", no spectral normalisation")


def _metric(study: Study) -> str:
    """AUROC against the test images, without those that were made to be ambiguous: what they do to it is D3's question."""
    return "auroc" if study.results.made_ambiguous() is None else NOVEL_CLEAN


def _against(study: Study) -> str:
    return "" if study.results.made_ambiguous() is None else " against clean test images"


def _auroc(study: Study, student: str, kind: str, score: str) -> pd.Series:
    return shared_runs(study.numbers, [student], _metric(study), set=kind, score=score)[student]


def _beats(study: Study, ours: str) -> list[Check]:
    results = study.results
    rivals = [(plain, score) for plain in _twins(results, ours) for score in (HEADLINE_SCORE, "energy")]
    rivals += [(name, own_score(results, name)) for name in _of_methods(results, RIVALS, ours)]
    return [_beats_one(study, kind, ours, *rival) for kind in results.ood_kinds for rival in rivals]


def _beats_elsewhere(study: Study, students: list[str]) -> list[Check]:
    """A rival method that the study has with other labels alone meets the density of the plain student of those labels."""
    results, pairs = study.results, []
    for name in RIVALS:
        if any(_of_methods(results, (name,), ours) for ours in students):
            continue
        for plain in _plain(results):
            near = not students or any(alike(results, ours, plain, but=("labels", *CHANGED)) for ours in students)
            if near and DENSITY in results.students[plain].novelty:
                pairs += [(plain, rival) for rival in _of_methods(results, (name,), plain)]
    return [
        _beats_one(study, kind, ours, rival, own_score(results, rival)) for kind in results.ood_kinds for ours, rival in pairs
    ]


def _of_methods(results: Results, methods: tuple[str, ...], ours: str) -> list[str]:
    """Students of these methods that are like ours in all else."""
    others = [name for name in distinct(results) if method(results, name) in methods]
    return [name for name in others if alike(results, ours, name, but=CHANGED)]


def _beats_one(study: Study, kind: str, ours: str, rival: str, score: str) -> Check:
    whose, title = "its" if rival == ours else f"{rival}'s", score_titles(study.results).get(score, score)
    compared = f"density of {_name(study.results, ours)} against {whose} {title}{_reversed(study, ours, kind)}"
    differences = _auroc(study, ours, kind, DENSITY) - _auroc(study, rival, kind, score)
    students = tuple(dict.fromkeys((ours, rival)))
    return Check("D1", D["D1"], compared, f"AUROC, {kind} sets{_against(study)}", True, {rival: differences}, students=students)


def _reversed(study: Study, student: str, kind: str) -> str:
    """What has to be said of a density whose AUROC lies below .5."""
    auroc = _auroc(study, student, kind, DENSITY).mean()
    return f"; the density ranks novel images as less novel than test images (AUROC {auroc:.2f})" if auroc < 0.5 else ""


def _matches(study: Study, ours: str) -> list[Check]:
    """Disjoint ensembles of the plain network, each against the mean density of the runs with the numbers of its members."""
    numbers, titles, rows = study.numbers, score_titles(study.results), []
    for rival in _twins(study.results, ours):
        of_rival = numbers[
            (numbers["student"] == rival) & (numbers["kind"] == "ensemble") & (numbers["metric"] == _metric(study))
        ]
        for kind in study.results.ood_kinds:
            density = _auroc(study, ours, kind, DENSITY)
            for score in (HEADLINE_SCORE, "mutual_information"):
                of = of_rival[(of_rival["set"] == kind) & (of_rival["score"] == score)].set_index("seed")["value"]
                if of.empty:
                    continue
                differences = density.groupby(density.index % len(of)).mean() - of
                whose = "its own runs" if rival == ours else f"{rival}'s runs"
                compared = (
                    f"density of {_name(study.results, ours)} against the {titles[score]} of ensembles of {whose}, "
                    f"{len(density) // len(of)} in each{_reversed(study, ours, kind)}"
                )
                title = f"AUROC, {kind} sets{_against(study)} (margin {MARGIN:g})"
                students = tuple(dict.fromkeys((ours, rival)))
                rows.append(
                    Check("D2", D["D2"], compared, title, True, {score: differences}, MARGIN, students, unit="ensembles")
                )
    return rows


def _tells_apart(study: Study, ours: str) -> list[Check]:
    results = study.results
    known = results.targets("test")
    compared = [
        ("ambiguity_correlation", source, f"rank correlation with the entropy of {WHOSE[source]}", HEADLINE_SCORE, DENSITY)
        for source in known
    ]
    compared += [
        ("auroc_ambiguous", kind, f"AUROC of {kind} sets against ambiguous test images", DENSITY, HEADLINE_SCORE)
        for kind in (results.ood_kinds if known else ())
    ]
    return _scores_compared(study, ours, "D3", compared)


def _tells_made_apart(study: Study, ours: str) -> list[Check]:
    """The same where the study says which test images were made to be ambiguous, of every plain network, and of ensembles."""
    results = study.results
    claim = "D3" if _normalised(results, ours) else PLAIN_D3
    compared = [(AMBIGUOUS_CLEAN, "test", "AUROC of ambiguous against clean test images", HEADLINE_SCORE, DENSITY)]
    compared += [
        (NOVEL_AMBIGUOUS, kind, f"AUROC of {kind} sets against ambiguous test images", DENSITY, HEADLINE_SCORE)
        for kind in results.ood_kinds
    ]
    rows = _scores_compared(study, ours, claim, compared)
    return rows + [check for kind in results.ood_kinds for check in _mixed_by_ensembles(study, ours, kind)]


def _scores_compared(study: Study, ours: str, claim: str, compared: list[tuple[str, str, str, str, str]]) -> list[Check]:
    """A row per (metric, set, its title, the score that the claim puts first, the other one), both of one student."""
    titles, rows = score_titles(study.results), []
    for metric, place, title, better, worse in compared:
        first, second = (shared_runs(study.numbers, [ours], metric, set=place, score=score)[ours] for score in (better, worse))
        words = f"{titles[better]} against {titles[worse]}, both of {_name(study.results, ours)}"
        rows.append(Check(claim, D[claim], words, title, True, {worse: first - second}, students=(ours,)))
    return rows


def _mixed_by_ensembles(study: Study, ours: str, kind: str) -> list[Check]:
    """Each ensemble's entropy, which holds both, against the mean density of its members; corrected apart from single runs."""
    numbers, titles = study.numbers, score_titles(study.results)
    of = numbers[(numbers["student"] == ours) & (numbers["kind"] == "ensemble") & (numbers["metric"] == NOVEL_AMBIGUOUS)]
    entropy = of[(of["set"] == kind) & (of["score"] == HEADLINE_SCORE)].set_index("seed")["value"]
    if entropy.empty:
        return []
    density = shared_runs(numbers, [ours], NOVEL_AMBIGUOUS, set=kind, score=DENSITY)[ours]
    differences = density.groupby(density.index % len(entropy)).mean() - entropy
    words = (
        f"{titles[DENSITY]} of {_name(study.results, ours)} against the {titles[HEADLINE_SCORE]} of ensembles of its runs, "
        f"{len(density) // len(entropy)} in each"
    )
    title = f"AUROC of {kind} sets against ambiguous test images"
    claim = "D3" if _normalised(study.results, ours) else PLAIN_D3
    return [
        Check(
            claim,
            D[claim],
            words,
            title,
            True,
            {HEADLINE_SCORE: differences},
            students=(ours,),
            unit="ensembles",
            family="ensembles",
        )
    ]
