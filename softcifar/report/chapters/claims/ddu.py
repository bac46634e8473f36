"""The claims of deep deterministic uncertainty (Mukhoti et al. 2023): D1 to D3. (D4 is about active learning.)"""

import numpy as np

from softcifar.report.chapters.published.literature import MUKHOTI
from softcifar.report.core.columns import HEADLINE_SCORE, WHOSE
from softcifar.report.core.kinds import PLAIN, alike, described, loss, method, own_score, score_titles
from softcifar.report.core.pairs import CROSS_ENTROPY, shared_runs, stated
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import Finding, difference

DENSITY = "ddu"
RIVALS = ("duq", "sngp")  # methods whose own scores the paper compares with
MARGIN = 0.01  # of AUROC, within which a density matches an ensemble

D = stated(
    MUKHOTI,
    {
        "D1": "The feature density of one network beats softmax entropy, energy, DUQ and SNGP at novelty detection.",
        "D2": "It matches a deep ensemble of the same networks.",
        "D3": "Entropy shows ambiguity, feature density shows novelty.",
    },
)


def findings(study: Study) -> list[Finding]:
    """A row per claim, kind of sets and rival that the study has; [] where it has no novel images."""
    students = _students(study.results)
    return [finding for claim in (_beats, _matches, _tells_apart) for ours in students for finding in claim(study, ours)]


def _students(results: Results) -> list[str]:
    """Plain students with spectral normalisation, as the paper has them; else the reference, if it is a plain one."""
    plain = [name for name in results.students if (method(results, name), loss(results, name)) == (PLAIN, CROSS_ENTROPY)]
    normalised = [name for name in plain if _normalised(results, name)]
    return normalised or [name for name in plain if name == results.reference]


def _normalised(results: Results, student: str) -> bool:
    return bool(results.params["students"][student]["network"]["options"].get("spectral_norm"))


def _name(results: Results, student: str) -> str:
    return described(results, student) + ("" if _normalised(results, student) else ", no spectral normalisation")


def _auroc(study: Study, student: str, kind: str, score: str) -> np.ndarray:
    return shared_runs(study.numbers, [student], "auroc", set=kind, score=score)[0]


def _beats(study: Study, ours: str) -> list[Finding]:
    results, titles = study.results, score_titles(study.results)
    others = [name for name in results.students if method(results, name) in RIVALS]
    others = [name for name in others if alike(results, ours, name, but=("network", "method", "lr"))]
    rivals = [(ours, HEADLINE_SCORE), (ours, "energy"), *((name, own_score(results, name)) for name in others)]
    rows = []
    for kind in results.ood_kinds:
        for rival, score in rivals:
            whose = "its" if rival == ours else f"{rival}'s"
            compared = f"density of {_name(results, ours)} against {whose} {titles.get(score, score)}"
            values = _auroc(study, ours, kind, DENSITY), _auroc(study, rival, kind, score)
            rows.append(difference("D1", D["D1"], compared, f"AUROC, {kind} sets", *values, higher=True))
    return rows


def _matches(study: Study, ours: str) -> list[Finding]:
    """Each run against the one ensemble of all runs, whose own spread is therefore not in the interval."""
    numbers, titles = study.numbers, score_titles(study.results)
    ensembles = numbers[(numbers["student"] == ours) & (numbers["kind"] == "ensemble") & (numbers["metric"] == "auroc")]
    rows = []
    for kind in study.results.ood_kinds:
        density = _auroc(study, ours, kind, DENSITY)
        for score in (HEADLINE_SCORE, "mutual_information"):
            of = ensembles[(ensembles["set"] == kind) & (ensembles["score"] == score)]["value"]
            if len(of) != 1:
                continue
            compared = f"density of {_name(study.results, ours)} against the {titles[score]} of the one ensemble of its runs"
            compared += ", whose own spread is not in the interval"
            title = f"AUROC, {kind} sets (margin {MARGIN:g})"
            ensemble = np.full(len(density), of.iloc[0])
            rows.append(difference("D2", D["D2"], compared, title, density, ensemble, higher=True, margin=MARGIN))
    return rows


def _tells_apart(study: Study, ours: str) -> list[Finding]:
    results, titles = study.results, score_titles(study.results)
    known = results.targets("test")
    compared = [
        ("ambiguity_correlation", source, f"rank correlation with the entropy of {WHOSE[source]}", HEADLINE_SCORE, DENSITY)
        for source in known
    ]
    compared += [
        ("auroc_ambiguous", kind, f"AUROC of {kind} sets against ambiguous test images", DENSITY, HEADLINE_SCORE)
        for kind in (results.ood_kinds if known else ())
    ]
    rows = []
    for metric, place, title, *scores in compared:
        values = [shared_runs(study.numbers, [ours], metric, set=place, score=score)[0] for score in scores]
        words = f"{titles[scores[0]]} against {titles[scores[1]]}, both of {_name(results, ours)}"
        rows.append(difference("D3", D["D3"], words, title, *values, higher=True))
    return rows
