"""Active learning in the report: its numbers, its claim, and what stands beside the published ones."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from softcifar.errors import UserError
from softcifar.report.chapters.acquisition import curves, first_bought, panel, published, tables
from softcifar.report.chapters.acquisition.columns import reference
from softcifar.report.chapters.acquisition.first_bought import first
from softcifar.report.chapters.acquisition.results import Acquired, area, labels_needed, load_acquisitions, numbers
from softcifar.report.chapters.claims import active_learning
from softcifar.report.core.columns import between, effect
from softcifar.report.core.design import Design
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import judge
from tests.report.fixture import write

LABELS = [20, 160, 300]
NETWORK = {"name": "lenet", "options": {}}
SAME = {"start": 2, "buy": 140, "budget": 300, "clean": 1000, "network": NETWORK, "epochs": 1, "draws": 5000}


def acquired(name: str, strategy: str, final: list[float], pool: str = "dirty", members: int = 1) -> Acquired:
    """Accuracies of .2, .4 and, by run, `final`; a third of the labels bought is ambiguous."""
    runs = len(final)
    curve = pd.DataFrame(
        [
            {"run": run, "step": step, "labels": labels, "images": labels, "ambiguous_share": 0.1 * step,
             "accuracy": accuracy, "nll": 1 - accuracy, "single_accuracy": accuracy - 0.05, "single_nll": 1.0}
            for run in range(runs)
            for step, (labels, accuracy) in enumerate(zip(LABELS, (0.2, 0.4, final[run]), strict=True))
        ]
    )  # fmt: skip
    bought = pd.DataFrame(
        [
            {"run": run, "step": int(place > 20), "place": place, "index": place, "label": place % 5,
             "ambiguous": int(place > 20 and place % 3 == 0)}
            for run in range(runs) for place in range(1, 81)
        ]
    )  # fmt: skip
    options = SAME | {"strategy": {"name": strategy, "options": {}}, "pool": pool, "members": members}
    about = {"runs": runs, "pool": {"images": 5000, "ambiguous": 4000 * (pool == "dirty")}}
    return Acquired(name, options, bought, curve, [about])


def spending(each: Acquired, shares: list[float]) -> Acquired:
    """The same with other shares of ambiguous images among its 60 purchases, by run."""
    bought = each.bought.copy()
    for run, share in enumerate(shares):
        later = (bought["run"] == run) & (bought["step"] > 0)
        bought.loc[later, "ambiguous"] = (np.arange(later.sum()) < share * later.sum()).astype(int)
    return Acquired(each.name, each.options, bought, each.curve, each.abouts)


def of(*members: Acquired, source: str = "mnist") -> Study:
    there = {each.name: each for each in members}
    params = {
        "datasets": {"digits": {"source": source}}, "data": {"images": "digits"}, "seeds": {"runs": 4},
        "report": {"reference": members[0].name},
    }  # fmt: skip
    results = SimpleNamespace(acquisitions=there, params=params, reference=members[0].name, students=list(there))
    return Study(results, {}, numbers(there), Design("runs", 1))


RANDOM = acquired("random", "random", [0.5, 0.52, 0.51, 0.53])
ENTROPY = acquired("entropy", "softmax_entropy", [0.5, 0.49, 0.51, 0.5])
DENSITY = acquired("density", "density", [0.9, 0.91, 0.95, 0.96])
PAIR = acquired("pair", "mutual_information", [0.6, 0.61, 0.6, 0.62], members=2)


def test_the_area_is_the_mean_height_of_the_curve():
    assert area(pd.Series([20, 160, 300]), pd.Series([0.2, 0.4, 0.6])) == pytest.approx(0.4)
    assert area(pd.Series([0, 100, 400]), pd.Series([0.0, 1.0, 1.0])) == pytest.approx((50 + 300) / 400)
    assert area(pd.Series([20]), pd.Series([0.3])) == 0.3


def test_labels_needed_are_those_of_the_first_step_that_is_good_enough():
    curve = pd.DataFrame({"labels": LABELS, "accuracy": [0.2, 0.9, 0.85]})
    assert labels_needed(curve, 0.85) == 160
    assert np.isnan(labels_needed(curve, 0.95))
    table = tables.needed(of(RANDOM, DENSITY))
    shown = {row[0].text: [cell.text for cell in row[2:]] for row in table.rows}
    assert shown == {"random": ["over 300"] * 3, "density": ["300", "300", "300 (2 of 4 runs)"]}
    assert table.frame["labels_at_95_reached"].tolist() == [0, 2]


def test_the_summary_has_what_the_files_say():
    frame = tables.table(of(RANDOM, DENSITY)).frame.set_index("acquisition")
    assert frame.loc["density", "accuracy"] == pytest.approx(0.93)
    assert frame.loc["density", "single_accuracy"] == pytest.approx(0.88)
    assert frame.loc["density", "area"] == pytest.approx((0.3 + (0.4 + 0.93) / 2) / 2)
    assert frame.loc["random", "bought_ambiguous"] == pytest.approx(20 / 60)
    assert frame.loc["density", "accuracy_mark"] == "best"


def test_every_strategy_is_compared_with_the_reference_of_its_pool():
    clean = acquired("random_clean", "random", [0.6] * 4, "clean"), acquired("density_clean", "density", [0.7] * 4, "clean")
    whole = of(RANDOM, DENSITY, *clean)
    assert reference(whole, list(clean)) is clean[0]  # of the same strategy as the study's reference
    frame = tables.comparisons(whole).frame
    rows = frame[frame["metric"] == "Accuracy %"].set_index("acquisition")
    assert rows.loc["density", "effect"] == pytest.approx(100 * (0.93 - 0.515))
    assert rows.loc["density", "verdict"] == "better on these images"
    assert rows.loc["density_clean", "against"] == "random_clean"
    assert rows.loc["density_clean", "verdict"] == "undecided"  # no spread to judge by


def test_who_buys_fewer_ambiguous_images_than_the_reference_is_tested():
    random, density = spending(RANDOM, [0.5, 0.5, 0.6, 0.6]), spending(DENSITY, [0.1, 0.2, 0.2, 0.25])
    whole = of(random, spending(ENTROPY, [0.9, 1.0, 1.0, 1.0]), density)
    frame = tables.comparisons(whole).frame
    rows = frame[frame["metric"] == "Bought ambiguous %"].set_index("acquisition")
    assert rows.loc["density", "effect"] == pytest.approx(100 * (0.75 - 2.2) / 4)
    assert rows["verdict"].to_dict() == {"entropy": "more on these images", "density": "fewer on these images"}
    assert rows.loc["density", "reason"].endswith("for fewer, < .001 corrected for 2 rows")
    finding = curves.draw(whole).finding
    assert "density spends the fewest labels on ambiguous images (18.8 %), entropy the most (97.5 %)." in finding
    assert (
        "The share of the labels bought that density spends on them less that of random is −36.25 points; 95 % interval "
        "−43.87 to −28.63: fewer on these images. Paired tests separate it from every other strategy on these images."
        in finding
    )
    clean = of(acquired("random_clean", "random", [0.6] * 4, "clean"), acquired("b", "density", [0.7] * 4, "clean"))
    assert not (tables.comparisons(clean).frame["metric"] == "Bought ambiguous %").any()


def test_a_verdict_about_other_images_has_their_interval():
    random, density = (acquired(name, name, [0.5 + 0.01 * run for run in range(6)]) for name in ("random", "density"))
    random, density = spending(random, [0.5, 0.5, 0.6] * 2), spending(density, [0.1, 0.1, 0.2, 0.15, 0.1, 0.2])
    whole = replace(of(random, density), design=Design("runs", 3))
    ((row,),) = (tables.spent(whole, [random, density], random),)
    assert (row.verdict, row.images_low == row.low) == ("supported", False)
    ends = between(row.images_low, row.images_high, effect)
    assert f"95 % interval for other images {ends}: fewer" in curves.draw(whole).finding


def test_the_first_images_are_counted_as_those_of_one_run():
    said = first_bought.in_words({"random": 3, "entropy": 12, "density": 3})
    assert said == (
        "Of the first 20 images bought from the dirty pool in run 0 alone, 12 of entropy are ambiguous and 3 of random and "
        "density; other runs may differ."
    )
    assert first_bought.in_words({"random": 3, "density": 3}).endswith("in run 0 alone, 3 of every strategy are ambiguous.")
    assert first_bought.in_words({"random": 3}) == ""


def test_what_ambiguous_means_is_said_under_the_table():
    assert "Ambiguous has two meanings here" in tables.table(of(RANDOM, DENSITY)).note


def test_where_random_buys_the_fewest_nobody_is_said_to_buy_fewer():
    whole = of(spending(RANDOM, [0.1, 0.2, 0.1, 0.2]), spending(DENSITY, [0.1, 0.2, 0.2, 0.2]))
    assert "random spends the fewest labels on ambiguous images (15.0 %), density the most (17.5 %)." in (
        curves.draw(whole).finding
    )
    assert "The share of the labels" not in curves.draw(whole).finding


def test_density_has_to_beat_all_rivals_and_random_at_once():
    """The largest p counts: the row is won where the hardest rival is beaten by itself, without a correction for rivals."""
    rows = active_learning.checks(of(RANDOM, ENTROPY, DENSITY, PAIR))[:4]
    assert [row.metric.split(", ")[0] for row in rows] == [
        "accuracy at the end", "area under the curve", "accuracy at the end of the first network alone",
        "area under the curve of the first network alone",
    ]  # fmt: skip
    assert {row.family for row in rows} == {"at once"}
    assert rows[0].compared.endswith("against all of random, entropy, pair at once")
    assert rows[0].students == ("density", "random", "entropy", "pair")
    assert rows[0].against["pair"].tolist() == pytest.approx([30, 30, 35, 34])
    verdicts = [finding.verdict for finding in judge(rows, Design("runs", 1))]
    assert verdicts[0] == "supported on these images"
    lucky = acquired("pair", "mutual_information", [0.99, 0.98, 0.98, 0.99], members=2)
    (worse, *_) = judge(active_learning.checks(of(RANDOM, ENTROPY, DENSITY, lucky)), Design("runs", 1))
    assert worse.compared.endswith("at once: pair")
    assert worse.verdict == "undecided"
    assert worse.effect == pytest.approx(93 - 98.5)
    assert len(active_learning.checks(of(RANDOM, DENSITY))) == 0  # random alone is no rival of the claim
    assert len(active_learning.checks(of(ENTROPY, DENSITY))) == 2  # one rival: its own rows say it


def test_in_a_clean_pool_density_has_to_beat_the_two_entropies_alone():
    final = {"random": [0.9] * 4, "softmax_entropy": [0.5] * 4, "predictive_entropy": [0.6] * 4, "density": [0.7] * 4}
    clean = [acquired(f"{strategy}_clean", strategy, values, "clean") for strategy, values in final.items()]
    (first, *_) = active_learning.checks(of(*clean))
    assert (first.claim, first.family) == ("D4, clean pool", "at once")
    assert list(first.against) == ["softmax_entropy_clean", "predictive_entropy_clean"]


def test_d4_holds_density_against_its_published_rivals_of_the_same_pool():
    clean = acquired("entropy_clean", "softmax_entropy", [0.6] * 4, "clean")
    rows = [row for row in active_learning.checks(of(RANDOM, ENTROPY, DENSITY, PAIR, clean)) if "at once" not in row.family]
    measures = "accuracy at the end", "area under the curve"
    alone = [(f"{title} of the first network alone, points", "pair", "") for title in measures]
    expected = [(f"{title}, points", rival, "") for rival in ("entropy", "pair") for title in measures]
    assert [(row.metric, row.students[1], row.family) for row in rows] == expected + alone
    assert {(row.claim, row.students[0]) for row in rows} == {("D4", "density")}
    assert "density (density (DDU), no spectral normalisation)" in rows[0].compared
    assert rows[0].against["entropy"].tolist() == pytest.approx([40, 42, 44, 46])
    assert "pair (mutual information of 2 networks)" in rows[2].compared
    other = acquired("other", "softmax_entropy", [0.5] * 4)
    other.options["buy"] = 7
    assert active_learning.checks(of(DENSITY, other)) == []  # not the same protocol
    other.options["buy"] = DENSITY.options["buy"]
    other.options["network"] = {"name": "lenet", "options": {"spectral_norm": True, "coeff": 3}}
    assert len(active_learning.checks(of(DENSITY, other))) == 2  # what density is published with may differ
    assert active_learning.checks(SimpleNamespace(results=SimpleNamespace())) == []


def test_published_numbers_stand_beside_those_of_digits_alone():
    (row,) = tables_of(of(RANDOM, DENSITY))
    assert (row["acquisition"], row["accuracy_published"], row["n"]) == ("density", 0.76, 4)
    assert row["accuracy"] == pytest.approx(0.93)
    assert "network lenet (resnet18)" in row["settings_that_differ"]
    assert "images mnist (ambiguous_mnist)" in row["settings_that_differ"]
    assert "ambiguous in the pool 80 % (98 %)" in row["settings_that_differ"]
    assert "clean" not in row["settings_that_differ"]
    assert tables_of(of(RANDOM, DENSITY, source="shapes")) == []


def tables_of(whole: Study) -> list[dict]:
    return published.table(whole).frame.to_dict("records")


def test_who_was_asked_about_ambiguous_images():
    bought = pd.DataFrame(
        [(0, 0, 1, False), (0, 1, 2, True), (0, 1, 2, True), (0, 1, 3, False), (0, 1, 3, False), (0, 1, 4, True)],
        columns=["run", "step", "index", "ambiguous"],
    )
    said = panel.answer(SimpleNamespace(name="panel_dirty", bought=bought))
    assert "of the images that several people were asked about 50 % (of 2)" in said
    assert "of the images that one person was asked about 100 % (of 1)" in said


def test_the_first_images_bought_leave_out_the_start():
    found = first(RANDOM)
    assert [index for index, _, _ in found] == list(range(21, 41))
    assert found[0] == (21, [1], True)


def test_an_image_of_one_class_by_99_per_cent_is_not_counted_as_ambiguous(tmp_path):
    folder = tmp_path / "acquisitions/a"
    folder.mkdir(parents=True)
    certain = np.eye(5)[np.zeros(81, dtype=int)]
    exact = certain.copy()
    exact[21:, 0], exact[21:, 1] = 0.99, 0.01
    exact[30:60, 0], exact[30:60, 1] = 0.8, 0.2
    bought = RANDOM.bought.assign(ambiguous=(RANDOM.bought["index"] > 20).astype(int))
    bought.to_csv(folder / "bought.csv", index=False)
    RANDOM.curve.assign(ambiguous_share=1.0).to_csv(folder / "curve.csv", index=False)
    (folder / "about.json").write_text("{}")
    params = {"acquisitions": {"a": {}}, "seeds": {"runs": 4}}
    train = {"index": np.arange(81), "exact": exact}
    found = load_acquisitions(params, tmp_path, [train])["a"]
    assert found.bought[found.bought["ambiguous"] == 1]["index"].unique().tolist() == list(range(30, 60))
    assert found.curve["ambiguous_share"].tolist() == pytest.approx([0, 30 / 80, 30 / 80] * 4)
    made = load_acquisitions(params, tmp_path, [train | {"ambiguous": np.arange(81) > 20}])["a"]
    assert made.bought["ambiguous"].tolist() == bought["ambiguous"].tolist()  # what the data set made to be so
    assert set(made.curve["ambiguous_share"]) == {1.0}


def test_missing_or_other_runs_are_one_sentence(tmp_path):
    params = {"acquisitions": {"a": {}}, "data": {"splits": 1}, "seeds": {"runs": 3}}
    with pytest.raises(UserError, match="there are no results of acquisition 'a'; run acquire for it"):
        load_acquisitions(params, tmp_path, [{}])
    folder = tmp_path / "acquisitions/a"
    folder.mkdir(parents=True)
    RANDOM.curve.to_csv(folder / "curve.csv", index=False)
    RANDOM.bought.to_csv(folder / "bought.csv", index=False)
    (folder / "about.json").write_text("{}")
    with pytest.raises(UserError, match="holds 4 runs, the study needs 3; run acquire for it again"):
        load_acquisitions(params, tmp_path, [{}])


def test_a_study_of_students_shows_it_where_there_is_some(study, tmp_path):
    whole, params = study
    assert 'id="acquisition"' not in (whole / "reports/index.html").read_text()
    for part in ("data", "scores", "models"):
        shutil.copytree(whole / part, tmp_path / part)
    params = json.loads(json.dumps(params)) | {"acquisitions": {}}
    for each in (RANDOM, ENTROPY, DENSITY):
        folder = tmp_path / "scores/acquisitions" / each.name
        folder.mkdir(parents=True)
        each.curve[each.curve["run"] < 3].to_csv(folder / "curve.csv", index=False)
        each.bought[each.bought["run"] < 3].to_csv(folder / "bought.csv", index=False)
        (folder / "about.json").write_text("{}")
        params["acquisitions"][each.name] = each.options
    reports = write(tmp_path, params, only=("acquisition", "claims"))
    assert 'id="acquisition"' in (reports / "index.html").read_text()
    assert (reports / "figures/first_bought.png").exists()
    assert set(pd.read_csv(reports / "tables/acquisition.csv")["acquisition"]) == {"random", "entropy", "density"}
    claims = pd.read_csv(reports / "tables/claims.csv")
    assert (claims["claim"] == "D4").sum() == 4
    compared = pd.read_csv(reports / "tables/acquisition_comparisons.csv")
    assert set(compared["against"]) == {"random"}  # the study's reference is a student
