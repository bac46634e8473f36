"""The page opens with what was found: sentences and the figure are computed, by the rules of docs/verdicts.md."""

import copy
import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from softcifar.report.chapters.findings import in_sentences, sentences
from softcifar.report.chapters.findings.benefits import Benefit, judged_benefits
from softcifar.report.chapters.findings.sentences import (
    about,
    answer,
    answers,
    any_by_chance,
    interval,
    opening,
    side,
    unanswered,
)
from softcifar.report.core import judged
from softcifar.report.core.columns import ACCURACY, Column, effect
from softcifar.report.core.comparisons import against
from softcifar.report.core.design import Design
from softcifar.report.core.long_table import typed
from tests.report.fixture import make_study, placed, read, study_of, write
from tests.report.page import Page

RIGHT = Benefit("accuracy", ACCURACY, "Accuracy", "right more often than {}", "right less often")
LOSS = Column("nll", "NLL", "", "nll")
BELIEVED = Benefit("people", LOSS, "", "more probable than {}", "less", base=1.0)
ONE = Design()


def rows(column: Column, **runs: list[float]) -> list:
    """Judged against the first one."""
    table = [
        (name, "run", run, column.metric, "test", "", value) for name, each in runs.items() for run, value in enumerate(each)
    ]
    return against(typed(table), [column], next(iter(runs)), Design())


# Sentences


def test_a_sentence_says_who_by_how_much_and_what_is_open():
    base = [0.700, 0.710, 0.705, 0.695]
    gains = {"good": [0.020, 0.021, 0.019, 0.020], "bad": [-0.030, -0.031, -0.029, -0.030], "open": [0.01, -0.01, 0.02, 0.0]}
    found = rows(ACCURACY, ref=base, **{name: list(np.add(base, gain)) for name, gain in gains.items()})
    said = answer(RIGHT, found, "ref", ONE)
    half = stats.sem([2.0, 2.1, 1.9, 2.0]) * stats.t.isf(0.025, 3)  # points
    assert f"{half:.2f}" == "0.13"
    assert {words: count for words, count in said.counts.items() if count} == {"better": 1, "worse": 1, "not decided": 1}
    needed = next(row for row in found if row.compared == "open").needed
    assert said.text == (
        "Right more often than ref: good +2.0 points (95 % interval +1.9 to +2.1, 4 runs); right less often: bad −3.0 points "
        "(95 % interval −3.1 to −2.9, 4 runs); closest to a decision: open, 0.5 points better as seen "
        f"(95 % interval −1.6 to +2.6, 4 runs), by {needed - 4:.0f} runs more if the difference is as large as it looks."
    )


def test_the_side_that_somebody_is_on_comes_first():
    base = np.array([0.700, 0.710, 0.705, 0.695])
    found = rows(ACCURACY, ref=list(base), bad=list(base - [0.030, 0.031, 0.029, 0.030]))
    assert answer(RIGHT, found, "ref", ONE).text == (
        "Right less often than ref: bad −3.0 points (95 % interval −3.1 to −2.9, 4 runs)."
    )
    assert BELIEVED.opposite == "less probable than {}"
    taught = replace(RIGHT, better="better teachers than {}", worse="worse ones")
    assert answer(taught, found, "ref", ONE).text.startswith("Worse teachers than ref: bad −3.0")


def test_nobody_is_named_where_nothing_is_decided():
    said = answer(RIGHT, rows(ACCURACY, ref=[0.7, 0.71, 0.72], open=[0.71, 0.70, 0.735]), "ref", ONE)
    assert said.text.startswith(
        "Right more often than ref: not decided for anybody; closest to a decision: open, 0.5 points better"
    )
    assert sum(said.counts.values()) == said.counts["not decided"] == 1


def test_below_three_runs_there_is_no_interval_and_no_verdict():
    found = rows(ACCURACY, ref=[0.7, 0.7], far=[0.9, 0.9], near=[0.69, 0.70])
    assert all(math.isnan(row.low) and side(row) == "undecided" for row in found)
    assert answer(RIGHT, found, "ref", ONE).text == (
        "Right more often than ref: not decided for anybody; a test takes 3 runs and has 2, so 1 more; "
        "seen, in points: −0.5 (near) to +20.0 (far)."
    )


def test_three_are_named_and_the_others_counted():
    base = np.array([0.70, 0.71, 0.72, 0.73, 0.69])
    noise = 0.0005 * np.array([1, -1, 0, 1, -1])
    found = rows(ACCURACY, ref=list(base), **{f"s{size}": list(base + size / 100 + noise) for size in range(1, 6)})
    text = answer(RIGHT, found, "ref", ONE).text
    assert [f"s{size} +{size}.0" in text for size in (5, 4, 3, 2)] == [True, True, True, False]
    assert text.endswith("and 2 more.")


def test_what_is_better_has_a_plus_also_where_less_is_better():
    ece = Benefit(
        "calibration", Column("ece", "ECE", "", "ece", scale=100), "", "better calibrated than {}", "worse calibrated"
    )
    base, noise = np.array([0.10, 0.11, 0.09]), 0.001 * np.array([1, -1, 0])
    found = rows(ece.column, ref=list(base), low=list(base - 0.05 + noise), high=list(base + 0.02 + noise))
    assert [row.effect for row in found] == pytest.approx([-5, 2])
    text = answer(ece, found, "ref", ONE).text
    assert text.startswith("Better calibrated than ref: low +5.0 points (95 % interval +4.8 to +5.2, 3 runs); ")
    assert "worse calibrated: high −2.0 points (95 % interval −2.2 to −1.8, 3 runs)" in text


def test_log_losses_are_shown_as_points_of_the_geometric_mean_probability():
    """The reference's probability and the gain make the student's; the interval turns over with the sign of the loss."""
    loss = np.array([1.0, 1.1, 0.9, 1.0])  # mean 1, the base
    found = rows(LOSS, ref=list(loss), soft=list(loss - math.log(1.25) + [0, 0.01, -0.01, 0]))
    assert 100 * math.exp(-1) + BELIEVED.gain(found[0].effect) == pytest.approx(100 * math.exp(-1 + math.log(1.25)))
    low, high = interval(BELIEVED, found[0])
    assert low < BELIEVED.gain(found[0].effect) < high
    assert (low, high) == pytest.approx((BELIEVED.gain(found[0].high), BELIEVED.gain(found[0].low)))
    assert answer(BELIEVED, found, "ref", ONE).text.startswith("More probable than ref: soft +9.2 points (95 % interval +")


def test_without_spread_or_with_too_few_runs_nothing_is_promised():
    base = [0.5, 0.625, 0.75]
    found = rows(ACCURACY, ref=base, same=base, moved=[0.75, 0.875, 1.0], short=[0.6, 0.7, math.nan])
    assert answer(RIGHT, found, "ref", ONE).text == (
        "Right more often than ref: not decided for anybody; no spread to judge by: same and moved; too few runs: short."
    )


def test_a_study_of_splits_says_what_is_about_these_images():
    """Each run is a split of its own but for the second pass over them: within a split the gain is always the same."""
    splits = Design(splits=3)
    base = np.array([0.70, 0.71, 0.72, 0.70, 0.71, 0.72])
    noise = 0.0002 * np.array([1, -1, 0, -1, 1, 0.5])
    gains = {"all": [0.05] * 6, "these": [0.01, 0.05, 0.09] * 2, "open": [0.01, -0.015, 0.02, -0.02, 0.015, 0.0]}
    table = [
        (name, "run", run, "accuracy", "test", "", value)
        for name, gain in ({"ref": [0.0] * 6} | gains).items()
        for run, value in enumerate(base + gain + (noise if name != "ref" else 0))
    ]
    found = against(typed(table), [ACCURACY], "ref", splits)
    assert [row.verdict for row in found] == ["supported", "supported on these images", "undecided"]
    said = answer(RIGHT, found, "ref", splits)
    assert {words: count for words, count in said.counts.items() if count} == {
        "better": 1, "better on these images": 1, "not decided": 1,
    }  # fmt: skip
    first, second, third = said.text.split("; ")
    assert first.startswith("Right more often than ref: all +5.0 points")
    assert first.endswith("3 splits)")
    assert second.startswith("on these images alone, right more often than ref: these +5.0 points")
    assert second.endswith("6 runs)")
    assert third.startswith("closest to a decision: open, ")
    assert third.endswith("3 splits).")  # not so many runs more, which tell of these images
    alone = answer(RIGHT, rows(ACCURACY, ref=list(base), all=list(base + 0.05 + noise)), "ref", ONE)
    assert alone.counts["better"] == 1  # one split: the first line says so for everything
    assert "further runs on these test images" in about(ONE)
    assert "further runs on these test images and" in about(Design(splits=3, other_tests=False))
    assert "between 3 splits" in about(splits)
    assert "of other novel images it tells nothing" not in about(splits)
    assert about(splits, novel=True).endswith("of other novel images it tells nothing.")
    assert "novel" not in about(ONE, novel=True)  # of no other images at all


def test_chance_counts_numbers_with_a_test_and_both_questions():
    some = rows(ACCURACY, ref=[0.7, 0.71, 0.72], open=[0.71, 0.70, 0.735])
    few = rows(ACCURACY, ref=[0.7, 0.71], open=[0.71, 0.70])
    assert any_by_chance([some] * 8 + [few, []], ONE).startswith("about 11 %, up to 18 % where")  # 1 - .985^8, 1 - .976^8
    assert any_by_chance([some] * 8, Design(splits=3)).startswith("about 21 %, up to 32 % where")
    once = Design(splits=3, repeated=False)  # one run per split: both questions have one test
    assert any_by_chance([some] * 8, once).startswith("about 11 %, up to 18 % where")
    assert any_by_chance([few], ONE) == ""


def test_further_images_give_the_interval_where_the_study_tells_of_them():
    found = rows(ACCURACY, ref=[0.7, 0.71, 0.72], open=[0.71, 0.70, 0.735])[0]
    images = replace(found, images_low=-9.0, images_high=9.0)
    assert interval(RIGHT, found) == (found.low, found.high)
    assert interval(RIGHT, images) == (-9, 9)
    these = replace(images, verdict="supported on these images")
    assert interval(RIGHT, these) == (found.low, found.high)
    assert judged.interval(images, Design(splits=4)) == ", 95 % interval −9.00 to +9.00, 4 splits"
    assert judged.interval(these, Design(splits=4)).endswith(f" to {effect(found.high)}, 3 runs")


# The study's questions


def test_every_question_is_answered_from_its_own_numbers(study):
    root, params = study
    made = placed(root, params)
    asked = answers(made)
    assert [evidence for _, evidence, _ in asked] == [
        "summary",
        "calibration",
        "agreement",
        "novelty",
        "robustness",
        "distillation",
        "methods",
    ]
    assert [len(each) for *_, each in asked] == [1, 1, 1, 2, 2, 1, 1]
    assert unanswered(made) == []
    found = {row.compared: row for row in judged_benefits(made)["human_cross_entropy"]}
    values = made.numbers.query("kind == 'run' and metric == 'cross_entropy' and set == 'human'")
    by_run = values.pivot(index="seed", columns="student", values="value")
    assert found["human"].effect == pytest.approx((by_run["human"] - by_run["hard"]).mean())
    assert set(found) == {"smooth", "human", "sampling", "instance", "relaxed", "relaxed_ece"}
    assert {row.compared for row in judged_benefits(made)["shallow_accuracy"]} == {"smooth", "instance"}


def test_networks_of_two_names_are_compared_once(study):
    root, params = study
    twice = copy.deepcopy(params)
    twice["students"]["relaxed_ece"] = twice["students"]["relaxed"]
    made = study_of(read(root, twice))
    for part in ("choice", "choose_by"):
        made.results.students["relaxed_ece"].about[part] = made.results.students["relaxed"].about[part]
    made.results.students["relaxed_ece"].abouts[0].update(made.results.students["relaxed_ece"].about)
    assert "relaxed_ece" not in {row.compared for row in judged_benefits(made)["accuracy"]}


def test_the_page_opens_with_the_findings_and_links_to_the_evidence(study):
    text = (study[0] / "reports" / "index.html").read_text()
    tags = Page(text).tags
    assert next(attrs["id"] for tag, attrs in tags if tag == "section") == "findings"
    first = text[text.index('id="findings"') : text.index('id="figure-differences"')]
    links = {attrs["href"][1:] for tag, attrs in Page(first).tags if tag == "a"}
    assert links == {"summary", "calibration", "agreement", "novelty", "robustness", "distillation", "methods"}
    assert links <= {attrs["id"] for _, attrs in tags if "id" in attrs}
    assert "about 13 %, up to 20 % where runs are skewed, of such pages" in first  # 1 - (1 - .015)^9: 8 numbers, and methods
    assert "Everything here is about further runs on these test images" in first[: first.index("<dl")]
    made = placed(*study)
    assert opening(made) == (
        "A student is a network trained on one kind of label; 7 of them were trained on drawn (5 classes), each in 3 "
        "runs, and tested on 200 test images. The others are compared with hard (hard labels), which is right on "
        f"{100 * made.mean('accuracy')['hard']:.1f} % of them."
    )
    assert opening(made) in first


def test_a_table_has_the_sentences_for_other_files_and_the_page_has_them_once(study):
    reports, made = study[0] / "reports", placed(*study)
    table = pd.read_csv(reports / "tables/findings.csv")
    said = [(question, each.text) for question, _, found in answers(made) for each in found]
    assert list(table.itertuples(index=False, name=None)) == [("What is compared?", f"{opening(made)} {about(ONE)}"), *said]
    assert "findings-table" not in (reports / "index.html").read_text()


def test_what_limits_a_finding_stands_in_the_table_too(study, monkeypatch):
    made = replace(placed(*study), design=Design(splits=3))
    monkeypatch.setattr(sentences, "hidden", lambda study: "The gradients of human look masked.")
    table = in_sentences(made).frame
    assert table["finding"][0].endswith("of other novel images it tells nothing.")
    attacked, corrupted = table.loc[table["question"] == "Does it stand up to attacks and corruptions?", "finding"]
    assert attacked.endswith("The gradients of human look masked.")
    assert "masked" not in corrupted


def test_better_and_worse_differ_in_colour_and_in_grey(study):
    text = (study[0] / "reports" / "index.html").read_text()
    better, worse = (" ".join(re.findall(rf"\.count\.{word}\s*{{([^}}]*)}}", text)) for word in ("better", "worse"))
    assert ("--better" in better, "--worse" in worse) == (True, True)
    assert ("solid" in better, "dashed" in worse) == (True, True)


def test_a_study_of_less_says_what_it_does_not_answer(tmp_path):
    """Two runs, no votes, no novel images, nothing taught: no verdict, no question without an answer, and no error."""
    params = make_study(tmp_path, students={"hard": (1, 1, 1), "smooth": (0.9, 1.1, 1)}, runs=2, images=60)
    for part in ("train", "validation", "test"):
        path = tmp_path / "data" / "study" / f"{part}.npz"
        np.savez(path, **{name: array for name, array in np.load(path).items() if name not in ("votes", "exact")})
    params["data"]["ood"] = {}
    params["distillation"]["students"] = []
    made = placed(tmp_path, params)
    assert [evidence for _, evidence, _ in answers(made)] == ["summary", "calibration", "robustness"]
    assert [each.split("?")[1] for each in unanswered(made)] == [
        " No test image has votes.", " There are no novel images.",
        " Fewer than two students, the reference included, have taught.",
    ]  # fmt: skip
    html = (write(tmp_path, params) / "index.html").read_text()
    assert "a test takes 3 runs and has 2, so 1 more" in html
    assert "Decided: 0 of 4 differences" in html
    assert "of such pages" not in html
    table = pd.read_csv(tmp_path / "reports/tables/comparisons.csv")
    assert set(table["verdict"]) == {"undecided"}
    assert table["low"].isna().all()
