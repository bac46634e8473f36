"""Which labels should I use? Budgets, aims, who is beaten by whom, and what is said where nothing can be told."""

import copy
import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from softcifar.report.chapters.advice import aims, decision, facts, sentences, sources, standings
from softcifar.report.chapters.advice.sources import Source, budgets
from softcifar.report.chapters.advice.standings import BEATEN, BEATEN_HERE, ONLY_HERE, OPEN, Pairs, Standing
from softcifar.report.core.design import Design
from softcifar.report.core.origins import softness_alone
from tests.report.fixture import STUDENTS, make_study, placed, read, study_of

ONE = Design()
FREE = {"hard", "smooth", "relaxed", "relaxed_ece"}


@pytest.fixture(scope="module")
def made(study):
    return placed(*study)


def source(name: str, votes: int = 0, teachers: int = 0, effort: float = 1.0) -> Source:
    return Source(name, name, votes, teachers, effort)


def standing(student: str, standing: str = OPEN, budget: str = "labels", wanted: str = "accuracy", **other) -> Standing:
    values = {"allows": budget, "aim": wanted, "metric": wanted, "mean": 1.0, "behind": math.nan, "low": math.nan,
              "high": math.nan, "n": 3, "digits": 1, "by": ""} | other  # fmt: skip
    return Standing(budget=budget, wanted=wanted, student=student, standing=standing, **values)


# Sources and budgets


def test_sources_differ_from_the_reference_in_softness_alone(study):
    root, params = study
    assert [each.student for each in sources.sources(read(root, params))] == [
        "hard", "smooth", "human", "instance", "relaxed", "relaxed_ece",
    ]  # fmt: skip
    changed = copy.deepcopy(params)
    flip = params["students"]["hard"]["augment"]
    changed["students"]["smooth"]["lr"] = 0.5
    changed["students"]["human"]["augment"] = [*flip, {"name": "mixup", "options": {"alpha": 1.0}}]
    changed["students"]["instance"]["augment"] = [*flip, {"name": "randaugment", "options": {}}]
    changed["students"]["relaxed"]["augment"] = [*flip, {"name": "soft_crop", "options": {"mode": "hard"}}]
    results = read(root, changed)
    alone = {name: softness_alone(results, name) for name in changed["students"]}
    assert alone == {
        "hard": True, "smooth": False, "human": True, "sampling": False, "instance": False, "relaxed": False,
        "relaxed_ece": True,
    }  # fmt: skip


def test_a_source_has_what_it_costs(made):
    costs = {each.student: each for each in sources.sources(made.results)}
    assert (costs["human"].votes, costs["human"].teachers) == (51, 0)
    assert (costs["instance"].votes, costs["instance"].teachers) == (0, 5)
    assert costs["hard"].effort == 1
    assert costs["relaxed"].effort == pytest.approx(7 / 3)  # three runs, and two of each of two other values
    assert costs["relaxed_ece"].what == "label relaxation, chosen by ECE"


def test_a_budget_allows_what_it_pays_for():
    found = [source("hard"), source("human", votes=51), source("taught", teachers=5), source("both", votes=51, teachers=5)]
    allowed = {budget.key: budget.students for budget in budgets(found, "people's")}
    assert allowed == {
        "labels": ("hard",), "teacher": ("hard", "taught"), "votes": ("hard", "human"),
        "both": ("hard", "human", "taught", "both"),
    }  # fmt: skip
    assert [budget.words for budget in budgets(found, "networks'")][2] == "labels and networks' votes"


def test_a_budget_that_adds_nothing_is_no_budget():
    assert [budget.key for budget in budgets([source("hard"), source("smooth")], "people's")] == ["labels"]
    assert [budget.key for budget in budgets([source("hard"), source("human", votes=1)], "people's")] == ["labels", "votes"]
    assert [budget.key for budget in budgets([source("human", votes=1)], "people's")] == ["votes"]


# Aims


def test_every_number_of_the_findings_is_an_aim_and_refusing_too(made):
    assert [aim.key for aim in aims.aims(made)] == [
        "accuracy", "calibration", "people", "refusing", "novelty", "novelty", "robustness", "robustness", "teaching",
    ]  # fmt: skip
    words = [aim.words for aim in aims.aims(made)]
    assert words[2:5] == [
        "agreement with simulated annotators", "refusing by max probability", "novelty by entropy (AUROC, near novel)",
    ]  # fmt: skip
    assert words[1] == "calibration as trained (before temperature scaling)"
    titles = {aim.key: aim.column.title for aim in aims.aims(made)}
    assert titles["novelty"].endswith(", predictive entropy")
    assert (titles["refusing"], titles["calibration"]) == ("AURC, max probability", "ECE %, as trained")
    assert "robustness (when corrupted)" in words


def test_of_people_they_are_called_people(study):
    results = copy.deepcopy(read(*study))
    results.params["data"]["votes"] = {"test": "people"}
    made = study_of(results)
    assert "agreement with people" in [aim.words for aim in aims.aims(made)]
    assert "labels and people's votes" in [budget.words for budget in sources.of_study(made)[1]]


# Who is beaten


def runs(**values: list[float]) -> pd.DataFrame:
    return pd.DataFrame(values)


def test_a_pair_is_decided_by_the_paired_test_of_all_pairs():
    base, noise = np.array([0.70, 0.72, 0.71, 0.69]), 0.001 * np.array([1, -1, 0.5, -0.5])
    values = runs(good=base + 0.05, fair=base + 0.03 + 20 * noise, poor=base + noise)
    pairs = Pairs.of(values, ONE.these, higher=True)
    assert list(pairs.means.index) == ["good", "fair", "poor"]
    p = {(a, b): stats.ttest_1samp(values[a] - values[b], 0, alternative="greater").pvalue for a, b in pairs.behind}
    assert 3 * p["good", "poor"] < 0.0075
    assert 2 * p["fair", "poor"] > 0.0075
    assert pairs.beaten(["good", "fair", "poor"]) == {"poor": ["good"]}
    assert Pairs.of(-values, ONE.these, higher=False).beaten(["good", "fair", "poor"]) == {"poor": ["good"]}


def test_the_correction_is_for_the_pairs_of_the_budget_alone():
    """A p that one test may have and three may not."""
    base, noise = np.array([0.70, 0.72, 0.71]), np.array([1, -1, 0.4])
    values = runs(a=base, b=base - 0.08 + 0.013 * noise, c=base - 0.04 + 0.05 * noise)
    pairs = Pairs.of(values, ONE.these, higher=True)
    p = stats.ttest_1samp(values["a"] - values["b"], 0, alternative="greater").pvalue
    assert 0.0025 < p < 0.0075
    assert pairs.beaten(["a", "b"]) == {"b": ["a"]}
    assert pairs.beaten(["a", "b", "c"]) == {}


def test_one_that_is_not_best_may_beat_another():
    """The best mean is uncertain, the second is not."""
    base, noise = np.array([0.70, 0.72, 0.71, 0.69]), np.array([1.0, -1.0, 0.5, -0.5])
    values = runs(first=base + 0.06 + 0.05 * noise, second=base + 0.05, last=base + 0.0005 * noise)
    assert Pairs.of(values, ONE.these, higher=True).beaten(list(values)) == {"last": ["second"]}


def test_equal_values_and_missing_ones_have_no_test():
    values = runs(a=[0.7, 0.7, 0.7], b=[0.7, 0.7, 0.7], c=[0.5, np.nan, np.nan])
    assert Pairs.of(values, ONE.these, higher=True).beaten(list(values)) == {}


def test_the_rows_are_those_of_the_long_table(made):
    rows = [row for row in standings.standings(made) if (row.budget, row.aim) == ("both", "accuracy")]
    assert {row.student for row in rows} == {*FREE, "human", "instance"}
    table = made.numbers.query("kind == 'run' and metric == 'accuracy' and set == 'test'").pivot(
        index="seed", columns="student", values="value"
    )
    best, second = rows[0].student, rows[1].student
    assert best == table[[row.student for row in rows]].mean().idxmax()
    assert math.isnan(rows[0].behind)
    lost = 100 * (table[best] - table[second])
    half = stats.sem(lost) * stats.t.isf(0.025, 2)
    assert (rows[1].behind, rows[1].low, rows[1].high) == pytest.approx((lost.mean(), lost.mean() - half, lost.mean() + half))
    assert rows[1].n == 3


def test_less_is_better_of_errors(made):
    rows = [row for row in standings.standings(made) if (row.budget, row.aim) == ("labels", "calibration")]
    assert [row.mean for row in rows] == sorted(row.mean for row in rows)
    assert all(row.behind >= 0 for row in rows[1:])


def test_only_those_that_have_the_number_are_compared(made):
    of = {row.budget: set() for row in standings.standings(made)}
    for row in standings.standings(made):
        if row.aim == "teaching":
            of[row.budget].add(row.student)
    assert of == {"labels": {"hard", "smooth"}, "votes": {"hard", "smooth"}, "teacher": {"hard", "smooth", "instance"},
                  "both": {"hard", "smooth", "instance"}}  # fmt: skip


def test_further_images_are_the_question_where_the_study_tells_of_them(study, monkeypatch):
    made = placed(*study)
    values = runs(
        a=[0.80, 0.90, 0.70, 0.801, 0.899, 0.701], b=[0.79, 0.80, 0.72, 0.79, 0.8, 0.72], c=[0.5, 0.6, 0.4, 0.502, 0.601, 0.4]
    )
    design = Design(splits=3)
    these, beyond = (Pairs.of(values, each, higher=True) for each in (design.these, design.beyond))
    budget = budgets([source(name) for name in values], "people's")[0]
    rows = {row.student: row for row in standings._cell(["a", "b", "c"], aims.aims(made)[0], budget, these, beyond)}
    assert {name: row.standing for name, row in rows.items()} == {"a": OPEN, "b": ONLY_HERE, "c": BEATEN}
    assert rows["b"].left
    assert not rows["c"].left
    assert rows["b"].n == 3  # splits
    alone = {row.student: row for row in standings._cell(["a", "b", "c"], aims.aims(made)[0], budget, these, None)}
    assert {alone[name].standing for name in "bc"} == {BEATEN_HERE}  # one split: all that a verdict can be about
    assert not alone["b"].left


# What is said


def test_the_table_has_a_cell_for_each_budget_and_aim(made, tables):
    shown = tables["advice"].set_index("wanted")
    for (budget, wanted), rows in standings.cells(standings.standings(made)).items():
        assert shown.loc[wanted, budget] == decision.left(rows)
    assert list(shown.columns) == ["metric", "labels", "teacher", "votes", "both"]


def test_a_cell_that_holds_all_says_so():
    assert decision.left([standing("a"), standing("b")]) == "all 2, not told apart"
    assert decision.left([standing("a"), standing("b"), standing("c", BEATEN)]) == "a, b (of 3)"
    assert decision.left([standing("a"), standing("b", ONLY_HERE)]) == "all 2, not told apart for further images"
    assert decision.left([standing("a"), standing("b", BEATEN_HERE)]) == "a (of 2)"
    assert decision.left([standing("a")]) == "a, no other"


def test_a_study_that_tells_nobody_apart_says_so():
    rows = [standing(name, wanted=wanted) for wanted in ("accuracy", "refusing") for name in ("a", "b", "c")]
    ((words, said),) = sentences.advice(rows, [source("a", votes=3), source("b"), source("c", effort=2)])
    assert words == "With labels"
    assert said == (
        "This study cannot tell a (3 votes per image), b and c apart in any aim that has a test; that does not make them "
        "equally good, nor the cheapest, b, the one to use."
    )
    ((_, said),) = sentences.advice(rows[:3], [source("a"), source("b"), source("c")])
    assert said == (
        "This study cannot tell a, b and c apart in accuracy; that does not make them equally good, though all cost the same."
    )


def test_what_is_decided_on_these_images_alone_is_neither_beaten_nor_beaten_in_nothing():
    rows = [standing(name, ONLY_HERE if name == "b" else OPEN, wanted=wanted) for wanted in ("x", "y") for name in "abc"]
    found = [source(name) for name in "abc"]
    ((_, said),) = sentences.advice(rows, found)
    assert said.startswith("This study cannot tell a, b and c apart for further images in any aim that has a test;")
    assert said.endswith(" Beaten on these images alone: b in x; b in y.")
    rows += [standing("a", wanted="z"), standing("b", wanted="z"), standing("c", BEATEN, wanted="z")]
    ((_, said),) = sentences.advice(rows, found)
    assert "In the other 2 aims this study cannot tell them apart for further images." in said
    assert said.endswith("Beaten on these images alone: b in x; b in y. Beaten in nothing: a.")
    ((_, said),) = sentences.advice([standing("a"), standing("b", BEATEN_HERE)], found)
    assert said == "Of a and b, on these images: for accuracy only a is not beaten. Beaten in nothing: a."


def test_where_no_aim_has_two_sources_there_is_nothing_to_choose():
    rows = [standing("a"), standing("b", wanted="calibration")]
    ((_, said),) = sentences.advice(rows, [source("a"), source("b")])
    assert said == "No aim has a number of two of a and b, so nothing to choose."


def test_of_some_aims_nobody_is_called_beaten_in_nothing():
    rows = [standing(name, BEATEN if name == "c" else OPEN) for name in "abc"]
    ((_, said),) = sentences.advice(rows, [source(name) for name in "abc"], whole=False)
    assert said == "Of a, b and c: for accuracy c is beaten."


def test_who_is_beaten_is_said_aim_by_aim():
    rows = [
        standing("a"), standing("b", BEATEN), standing("c", BEATEN),
        standing("b", wanted="calibration"), standing("a", wanted="calibration"), standing("c", BEATEN, wanted="calibration"),
        standing("a", wanted="refusing"), standing("b", wanted="refusing"), standing("c", wanted="refusing"),
    ]  # fmt: skip
    ((_, said),) = sentences.advice(rows, [source("a", votes=3), source("b"), source("c")])
    assert said == (
        "Of a (3 votes per image), b and c: for accuracy only a is not beaten; for calibration c is beaten. In refusing this "
        "study cannot tell them apart. Beaten in nothing: a."
    )
    swapped = [standing("a", BEATEN), standing("b"), standing("a", wanted="x"), standing("b", BEATEN, wanted="x")]
    ((_, said),) = sentences.advice(swapped, [source("a"), source("b")])
    assert said.endswith("Each of them is beaten in something.")


def test_one_source_alone_is_no_choice():
    ((_, said),) = sentences.advice([standing("hard")], [source("hard"), source("human", votes=51)])
    assert said == "There is hard alone, so nothing to choose."


def test_below_three_runs_there_is_no_verdict_but_the_costs(tmp_path):
    params = make_study(tmp_path, students={name: STUDENTS[name] for name in ("hard", "smooth", "human")}, runs=2, images=60)
    made = placed(tmp_path, params)
    assert standings.standings(made) == []
    assert decision.table(made).rows == standings.table(made).rows == []
    assert len(sources.table(made).rows) == 3
    said = facts(made)
    assert said["advised"] == []
    assert said["nothing"] == "Students have 2 runs, and a test takes 3, so this study does not say which to use."


def test_without_a_second_source_the_chapter_has_nothing(study):
    root, params = study
    alone = copy.deepcopy(params)
    for name in FREE - {"hard"} | {"human", "instance"}:
        alone["students"][name]["lr"] = 0.5
    made = study_of(read(root, alone))
    assert decision.table(made).rows == sources.table(made).rows == standings.table(made).rows == []
    assert facts(made)["nothing"].startswith("No student differs from hard in labels or loss alone")


def test_the_page_has_the_chapter(study):
    page = (study[0] / "reports/index.html").read_text()
    assert "Which labels should I use?" in page
    assert "in labels or loss alone, or in steps that soften targets\n(votes also correct labels)" in page
    assert "Not among them, because something else differs from hard, too: sampling." in page


def test_a_study_computes_its_standings_once(made, monkeypatch):
    first = standings.standings(made)
    monkeypatch.setattr(standings, "aims", None)
    assert standings.standings(made) is first
    assert len(first) == len(list(itertools.chain(*standings.cells(first).values())))
