"""The report of simulations: its numbers are those of the files, told from methods' sources, same input same bytes."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from softcifar.data.gaussians import fetch
from softcifar.data.repeated import prepare_repeated
from softcifar.errors import UserError
from softcifar.files import read_json, read_npz
from softcifar.metrics import rank_comparison
from softcifar.params.study import load
from softcifar.report import write_report
from softcifar.report.chapters.simulations.columns import COLUMNS, values
from softcifar.report.chapters.simulations.results import read as read_study
from softcifar.report.chapters.simulations.smoothing.how_much import best_epsilon
from softcifar.report.chapters.simulations.summary.budgets import by_budget
from softcifar.report.chapters.simulations.summary.critical_difference import groups
from softcifar.report.core.columns import plain
from softcifar.simulation.run import run_simulation
from tests.conftest import ROOT
from tests.report.fixture import row
from tests.report.page import Page

METHODS = {
    "plain": {"source": "hard"},
    "plain_scaled": {"scaled": "plain"},
    "even": {"source": "uniform", "epsilon": [0.05, 0.1, 0.2, 0.4]},
    "one": {"source": "adaptive_uniform", "p1": [0.8, 0.9], "p2": [1.0, 2.0]},
    "both": {"source": "adaptive_instance_based", "p1": [0.8, 0.9], "p2": [1.0, 2.0]},
    "both_scaled": {"scaled": "both"},
}


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> tuple[Path, dict]:
    """(folder, params): five data sets, two simulations, names that are not those of the study gaussians."""
    root = tmp_path_factory.mktemp("gaussians")
    given = yaml.safe_load((ROOT / "studies/gaussians/params.yaml").read_text())
    given["datasets"]["gaussians"] |= {"data_sets": 5, "train": 20, "validation": 20, "test": 100}
    given["data"]["sizes"]["validation"] = 60
    given["seeds"]["runs"] = 4
    given["recipe"] |= {"epochs": 12}
    options = {"patience": 4, "methods": METHODS}
    given["simulations"] = {"crossed": options | {"folds": 2}, "seen": options | {"folds": 1}}
    given["report"]["reference"] = "plain"
    (root / "params.yaml").write_text(yaml.safe_dump(given, sort_keys=False))
    params = load(root / "params.yaml")
    (root / "data/raw/gaussians").mkdir(parents=True)
    fetch(root / "data/raw/gaussians", data_sets=5, train=20, validation=20, test=100)
    prepare_repeated(
        root / "data/raw",
        root / "data/study",
        root / "data/ood",
        root / "data/shifted",
        sources={"gaussians": "gaussians"},
        images="gaussians",
        sizes=params.data.sizes.model_dump(),
    )
    arrays = ("points", "labels", "exact", "dense")
    splits = {name: read_npz(root / f"data/study/{name}.npz", *arrays) for name in ("train", "validation", "test")}
    for name, simulation in params.simulations.items():
        run_simulation(
            name,
            simulation,
            params.seeds,
            fold_seed=0,
            bins=15,
            classes=["a", "b", "c"],
            splits=splits,
            states=root / "states" / name / "x",
            out=root / "scores/simulations" / name,
        )
    plain_params = params.model_dump(mode="json")
    report(root, plain_params)
    return root, plain_params


def report(root: Path, params: dict, reports: str = "reports") -> None:
    write_report(params, data=root / "data", scores=root / "scores", models=root / "models", reports=root / reports)


def read(study):
    root, params = study
    return read_study(params, data=root / "data", scores=root / "scores", models=root / "models")


@pytest.fixture(scope="module")
def tables(study) -> dict[str, pd.DataFrame]:
    return {path.stem: pd.read_csv(path) for path in (study[0] / "reports/tables").glob("*.csv")}


def scores(study, simulation: str = "crossed") -> pd.DataFrame:
    return pd.read_csv(study[0] / "scores/simulations" / simulation / "scores.csv")


def test_summary_holds_means_over_data_sets(study, tables):
    for simulation in ("crossed", "seen"):
        for method in METHODS:
            values = scores(study, simulation).query("method == @method")["nll"]
            found = row(tables["summary"], method=method, simulation=simulation)
            assert found["n"] == 5
            assert found["nll"] == pytest.approx(values.mean(), rel=1e-12)
            assert found["nll_se"] == pytest.approx(values.std(ddof=1) / np.sqrt(5), rel=1e-9)
    bayes = row(tables["summary"], method="Bayes-optimal")
    assert bayes["accuracy"] == pytest.approx(scores(study).query("method == 'bayes'")["accuracy"].mean(), rel=1e-12)
    assert bayes["accuracy"] >= tables["summary"]["accuracy"].max()


def test_ranks_are_those_over_data_sets(study, tables):
    values = scores(study, "seen").pivot(index="data_set", columns="method", values="accuracy")[list(METHODS)]
    expected = rank_comparison(values, higher=True)
    found = tables["ranks"].query("simulation == 'seen'")
    assert found["method"].tolist() == list(METHODS)
    np.testing.assert_allclose(found["accuracy"], expected.average_ranks)
    note = (study[0] / "reports/tables/ranks.md").read_text()
    assert f"seen: critical difference {expected.critical_difference:.2f}" in note


def test_claims_compare_the_methods_by_source_and_by_data_set(study, tables):
    claims = tables["claims"]
    pair = claims[claims["compared"] == "crossed: both (ILS) against even (label smoothing)"]
    assert pair["claim"].tolist() == ["B1", "B1"]
    values = scores(study).pivot(index="data_set", columns="method", values="accuracy")
    assert row(pair, metric="accuracy, points")["effect"] == pytest.approx(100 * (values["both"] - values["even"]).mean())
    assert set(claims["unit"]) == {"data sets"}
    assert set(claims["n"]) == {5}
    best = claims[claims["claim"] == "B2"]
    assert len(best) == 2 * 2  # simulations, definitions of class-wise ECE
    rivals = best["compared"].iloc[0].split("each of ")[1].split(":")[0]
    assert rivals == "plain, plain_scaled, even, one"


def test_published_rows_name_the_lonely_network(study, tables):
    published = tables["published"]
    candidates = pd.read_csv(study[0] / "scores/simulations/crossed/candidates.csv")
    first = candidates.query("method == 'plain' and candidate == 0")
    found = row(published, method="plain, one network")
    assert found["accuracy"] == pytest.approx(first["test_accuracy"].mean(), rel=1e-12)
    assert found["accuracy_published"] == 0.7845
    assert row(published, method="plain")["accuracy"] == pytest.approx(
        row(tables["summary"], method="plain", simulation="crossed")["accuracy"]
    )
    assert published.query("method == 'plain'")["simulation"].tolist() == ["crossed"]  # the same networks in the other one
    assert published.query("method == 'both'")["simulation"].tolist() == ["crossed", "seen"]


def test_simulations_are_compared_where_they_differ(study, tables):
    found = tables["simulations"]
    assert set(found["method"]) == {"one", "both", "both_scaled"}
    a, b = (scores(study, name).query("method == 'both'")["nll"].to_numpy() for name in ("crossed", "seen"))
    assert row(found, method="both", metric="NLL")["effect"] == pytest.approx((a - b).mean())
    assert set(found["verdict"]) <= {"better", "worse", "undecided"}


def test_the_page_opens_with_the_findings_of_every_simulation(study, tables):
    html = (study[0] / "reports/index.html").read_text()
    tags = Page(html).tags
    assert next(attrs["id"] for tag, attrs in tags if tag == "section") == "findings"
    first = html[html.index('id="findings"') : html.index('id="summary"')]
    assert first.count("crossed: ") == first.count("seen: ") == 3  # accuracy, ECE, KL
    values = scores(study).pivot(index="data_set", columns="method", values="accuracy")
    compared = tables["comparisons"].query("simulation == 'crossed' and metric == 'Accuracy %'").set_index("method")
    assert compared.loc["both", "effect"] == pytest.approx(100 * (values["both"] - values["plain"]).mean())
    assert set(compared.index) == set(METHODS) - {"plain"}


def test_tuning_counts_choices(study, tables):
    choices = scores(study).query("method == 'even'")["choice"]
    found = row(tables["tuning"], method="even", simulation="crossed")
    assert float(found["most_chosen"]) == [0.05, 0.1, 0.2, 0.4][choices.mode()[0]]
    assert found["most_chosen_share"] == pytest.approx((choices == choices.mode()[0]).mean())
    assert found["at_ends"] == f"epsilon {100 * choices.isin([0, 3]).mean():.0f} (50)"
    assert "plain" not in set(tables["tuning"]["method"])


def test_budget_ends_at_what_validation_chose(study):
    numbers = read(study)
    simulation = numbers.results.simulations["crossed"]
    for column in COLUMNS.values():
        means, _ = by_budget(simulation, "plain", column)
        assert means[-1] == pytest.approx(values(numbers, simulation, column.key)["plain"].mean(), rel=1e-12)
        first = simulation.candidates.query("method == 'plain' and candidate == 0")[f"test_{column.key}"]
        assert means[0] == pytest.approx(first.mean(), rel=1e-12)


def test_best_epsilon_has_the_least_divergence(study):
    simulation = read(study).results.simulations["seen"]
    place = simulation.trained.index("even")
    simulation.arrays["test_by_probability"][:] = [[300, 1, *[300] * 8]] * 5
    simulation.arrays["divergence_by_probability"][:, place] = 1.0
    simulation.arrays["divergence_by_probability"][:, place, 2, 0] = 0.5
    simulation.arrays["divergence_by_probability"][:, place, 3, 9] = 0.5
    epsilons, best = best_epsilon(simulation, "even")
    assert epsilons == [0.05, 0.1, 0.2, 0.4]
    assert best[0] == 0.2
    assert best[9] == 0.4
    assert np.isnan(best[1])  # too few points there


@pytest.mark.parametrize(
    ("average", "critical", "expected"),
    [
        ([1.0, 2.0, 3.0, 4.0], 1.5, [(0, 1), (1, 2), (2, 3)]),
        ([4.0, 1.0, 2.0, 3.0], 2.5, [(0, 2), (1, 3)]),
        ([1.0, 1.2, 1.4, 4.0], 1.0, [(0, 2)]),
        ([1.0, 3.0], 0.5, []),
    ],
)
def test_bars_join_the_longest_runs(average, critical, expected):
    from softcifar.metrics import RankComparison

    assert groups(RankComparison(np.array(average), 0.5, critical)) == expected


def test_page_is_whole_and_self_contained(study, tables):
    text = (study[0] / "reports/index.html").read_text()
    tags = Page(text).tags
    assert sum(tag == "img" for tag, _ in tags) == 5
    assert all(properties["alt"] for tag, properties in tags if tag == "img")
    for word in ("Ranks over the data sets", "What a budget buys", "How much to smooth", "Two options at a time", "B2"):
        assert word in text
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)
    found = row(tables["summary"], method="both_scaled", simulation="seen")
    assert f'<span class="mean">{plain(found["nll"])}</span>' in text
    names = {"points.png", "critical_difference.svg", "budgets.svg", "smoothing.svg", "grids.svg"}
    assert {path.name for path in (study[0] / "reports/figures").iterdir()} == names


def test_metrics_for_dvc(study, tables):
    found = json.loads((study[0] / "reports/metrics.json").read_text())
    expected = row(tables["summary"], method="one", simulation="seen")
    assert found["seen"]["one"]["ece"] == pytest.approx(expected["ece"], abs=1e-6)
    plots = pd.read_csv(study[0] / "reports/plots/data_sets.csv")
    assert len(plots) == 2 * 5 * (len(METHODS) + 1)


def test_same_input_gives_the_same_bytes(study):
    root, params = study
    report(root, params, "again")
    for path in sorted((root / "reports").rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (root / "again" / path.relative_to(root / "reports")).read_bytes(), path.name


def test_what_is_missing_or_unfit_is_named(study, tmp_path):
    root, params = study
    renamed = params | {"simulations": {"other": params["simulations"]["seen"]}}
    with pytest.raises(UserError, match="no scores of simulation 'other'"):
        report(root, renamed)
    fewer = json.loads(json.dumps(params))
    del fewer["simulations"]["seen"]["methods"]["plain_scaled"]
    with pytest.raises(UserError, match="run simulate again"):
        report(root, fewer)
    assert read_json(root / "reports/metrics.json")  # what was there is still there
