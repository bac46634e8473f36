"""Two kinds of uncertainty: how every score ranks people's disagreement, errors and novelty (Mucsanyi et al. 2024)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from softcifar.report.chapters.novelty.ambiguity import judged_by
from softcifar.report.core.columns import Column, plain
from softcifar.report.core.drawing import ACCENT, DARK, GREY, HAIR, Drawing, legend, named_rows, no_zero
from softcifar.report.core.kinds import NORMALISED, distinct, score_titles
from softcifar.report.core.results import Results
from softcifar.report.core.study import Study
from softcifar.report.core.tables import MARK_NOTE, Table, means_table
from softcifar.report.core.voters import distribution

PANELS = {"ambiguity": "ambiguity", "errors": "errors", "novelty": "novelty", "apart": "novel, not ambiguous"}
MARKS = {
    "": {"color": DARK, "marker": "o"},
    "near": {"color": ACCENT, "marker": "o"},
    "far": {"color": DARK, "marker": "s"},
}
ONE = {"linestyle": "none", "markersize": 2.6, "alpha": 0.35, "markeredgewidth": 0}  # a student
ALL = {"linestyle": "none", "markersize": 6, "markeredgecolor": "white", "markeredgewidth": 0.7, "zorder": 4}  # their mean


def whose(results: Results) -> tuple[str, str]:
    """(set of the long table, in words) of the labels whose entropy is ambiguity, in every panel; ("", "") for none."""
    source = judged_by(results)
    return source, distribution(results, source) if source else ""


def columns(results: Results) -> list[Column]:
    """Of the scores that rows name."""
    source, words = whose(results)
    meaning = f"Spearman's correlation with the entropy of {words}, test images: does it show ambiguity?"
    ambiguity = [Column("ambiguity", "Ambiguity", meaning, "ambiguity_correlation", source, None, higher=True)]
    errors = [_auroc("errors", "Errors", "wrong answers against right ones", "error_auroc", "test")]
    kinds = results.ood_kinds
    novelty = [
        _auroc(f"novelty_{kind}", f"Novelty, {kind}", f"{kind} sets against test images", "auroc", kind) for kind in kinds
    ]
    what = "{} sets against ambiguous test images: does it tell the two apart?"
    apart = [
        _auroc(f"apart_{kind}", f"Novel, not ambiguous, {kind}", what.format(kind), "auroc_ambiguous", kind) for kind in kinds
    ]
    return [*ambiguity, *errors, *novelty, *apart] if source else [*errors, *novelty]


def _auroc(key: str, title: str, what: str, metric: str, place: str) -> Column:
    return Column(key, title, f"AUROC of {what}", metric, place, None, higher=True)


def table(study: Study) -> Table:
    """A row per student and score; single networks."""
    numbers = study.numbers[(study.numbers["kind"] == "run") & (study.numbers["score"] != NORMALISED)]
    shown = columns(study.results) if study.results.ood else []
    keys, titles = {key: key for key in ("student", "score")}, score_titles(study.results)
    note = (
        "A score that shows ambiguity ranks the test images as people's disagreement does; one that shows novelty ranks novel "
        f"images before test images, and before the ambiguous ones among them as well. {MARK_NOTE}"
    )
    title = "Two kinds of uncertainty, by student and score"
    return means_table(numbers, study.design, "two_kinds", title, shown, note=note, keys=keys, titles=titles, folded=True)


def draw(study: Study) -> Drawing | None:
    """A row per score; what it ranks in panels side by side, a dot per student and one for their mean."""
    results = study.results
    if not results.ood:
        return None
    titles, shown = score_titles(results), columns(results)
    means = {each.key: _by_score(study, each) for each in shown}
    once = [name for name in distinct(results) if name in study.students]
    overall = pd.DataFrame({key: values.reindex(columns=once).mean(axis=1) for key, values in means.items()})
    overall = overall.dropna(axis=1, how="all")
    overall = overall.sort_values(overall.columns[0], ascending=False, kind="stable")
    groups = _groups([each for each in shown if each.key in overall])
    names = [titles.get(score, score) for score in overall.index]
    grid, axes = named_rows(names, len(groups), width=1.75, row=0.235, gap=0.22, top=0.7, bottom=0.5)
    for ax, (title, members) in zip(axes, groups.items(), strict=True):
        _panel(ax, [(kind, means[key].reindex(overall.index)) for kind, key in members.items()])
        ax.set_title(title)
        ax.axvline(0.0 if title == PANELS["ambiguity"] else 0.5, **HAIR, zorder=0.9)
        ax.xaxis.set_major_formatter(no_zero)
    words = "rank correlation (first panel), AUROC (others); thin line: a random score" if "ambiguity" in overall else "AUROC"
    grid.text(grid.lefts[0], grid.height - 0.05, words, va="bottom", fontsize=8)
    entries = {"test images alone": MARKS[""] | ALL} | {f"{kind} sets": MARKS[kind] | ALL for kind in results.ood_kinds}
    legend(grid.figure, entries | {"one student": {"color": GREY, "marker": "o"} | ONE}, left=0.2)
    return Drawing(
        "two_kinds",
        "Who tells ambiguity from novelty?",
        _reading(results, "ambiguity" in overall),
        _finding(overall, _shared(means, once), titles, results),
        f"{len(groups)} panels side by side with a row for each of {len(overall)} scores.",
        grid.figure,
    )


def _reading(results: Results, ambiguous: bool) -> str:
    errors = "the AUROC of wrong against right answers (errors) and of novel against test images (novelty)"
    dots = "Large dots are means over students, small ones students (means over runs)."
    if not ambiguous:
        return f"A row per score: {errors}. {dots}"
    return (
        "A row per score, from those that follow ambiguity most to those that do so least. First the rank correlation with the "
        f"entropy of {whose(results)[1]} about the test images (ambiguity), then {errors}, last that of novel images against "
        "the ambiguous test images, at most a fifth: those whose entropy in the first panel is highest. "
        f"{dots} A score of ambiguity alone lies far right in the first panel, near chance for novelty and far below it in the "
        "last panel, whose test images are the very ones that it ranks highest; a score of novelty alone lies at chance in the "
        "first panel and far right in those of novelty."
    )


def _groups(shown: list[Column]) -> dict[str, dict[str, str]]:
    """{title of a panel: {kind of sets, "" for test images alone: key of a column}}."""
    groups: dict[str, dict[str, str]] = {}
    for each in shown:
        name, _, kind = each.key.partition("_")
        groups.setdefault(PANELS[name], {})[kind] = each.key
    return groups


def _by_score(study: Study, column: Column) -> pd.DataFrame:
    """Means over runs: a row per score, a column per student; NaN where a student has no such score."""
    chosen = column.select(study.numbers)
    chosen = chosen[(chosen["kind"] == "run") & (chosen["score"] != NORMALISED)]
    return chosen.pivot_table(index="score", columns="student", values="value", aggfunc="mean", sort=False)


def _panel(ax: Axes, values: list[tuple[str, pd.DataFrame]]) -> None:
    for place, (kind, of_students) in enumerate(values):
        offset = (place - (len(values) - 1) / 2) * 0.3
        rows = np.arange(len(of_students)) + offset
        for student in of_students:
            ax.plot(of_students[student], rows, **MARKS[kind], **ONE)
        ax.plot(of_students.mean(axis=1), rows, **MARKS[kind], **ALL)


def _shared(means: dict[str, pd.DataFrame], students: list[str]) -> list[str]:
    """The scores that all of these students have, which alone have means over the same students."""
    scores = dict.fromkeys(score for values in means.values() for score in values.index)
    has = sum(values.reindex(index=list(scores), columns=students).notna().astype(int) for values in means.values())
    return list(has.index[(has > 0).all(axis=1)])


def _finding(overall: pd.DataFrame, shared: list[str], titles: dict[str, str], results: Results) -> str:
    overall = overall.loc[overall.index.isin(shared)].dropna(axis=1, how="all")

    def highest(key: str) -> str:
        score = overall[key].idxmax()
        return f"{titles.get(score, score)} ({plain(overall[key].max(), 2)})"

    words = {"ambiguity": "ambiguity", "errors": "errors"} | {
        f"novelty_{kind}": f"{kind} novelty" for kind in results.ood_kinds
    }
    shown = ", ".join(f"{what} {highest(key)}" for key, what in words.items() if key in overall)
    apart = ", ".join(f"{kind} {highest(f'apart_{kind}')}" for kind in results.ood_kinds if f"apart_{kind}" in overall)
    sentence = f"Highest means of the {len(overall)} scores that all students have, networks of two names counted once: {shown}"
    return sentence + (f"; at telling novel images from ambiguous test images: {apart}." if apart else ".")
