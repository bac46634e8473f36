"""Whole simulations: scores of the right networks, choices by validation, files that a kill does not change, the stages."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.special import log_softmax, softmax

from softcifar.calibrators.temperature import fit_temperature
from softcifar.data.gaussians import fetch, read_data_sets
from softcifar.files import read_json, read_npz
from softcifar.params.sections import Seeds
from softcifar.params.simulation import Simulation
from softcifar.simulation import simulate as simulating
from softcifar.simulation.networks import initial, logits
from softcifar.simulation.run import run_simulation
from softcifar.simulation.scores import SCORES, divergences, scores, validation_scores
from softcifar.simulation.simulate import Protocol, one_data_set, simulate
from softcifar.simulation.teachers import teach
from softcifar.simulation.training import Schedule, train
from softcifar.training.trained import versions
from tests.conftest import study_file
from tests.simulation.helpers import FILES, METHODS

BINS = 15
CLASSES = ["a", "b", "c"]
SEEDS = Seeds(runs=2, search=1, init=0, order=0)
TRAINED = [name for name, method in METHODS.items() if "source" in method]
UNTAUGHT = {name: METHODS[name] for name in ("none", "none_scaled", "smoothing", "smoothing_scaled")}


def simulation(methods: dict = METHODS, **changes) -> Simulation:
    recipe = yaml.safe_load(study_file("gaussians").read_text())["recipe"]
    small = {"network": {"name": "mlp", "layers": 2, "width": 8}, "lr": 0.03, "epochs": 15, "batch_size": 10}
    return Simulation.model_validate({**recipe, **small, "patience": 4, "folds": 3, "methods": methods, **changes})


def plan_of(methods: dict = METHODS, **changes) -> Protocol:
    return Protocol(simulation(methods, **changes), SEEDS, BINS, 0, 3, 2)


@pytest.fixture(scope="module")
def splits(tmp_path_factory) -> dict[str, dict[str, np.ndarray]]:
    """Three data sets: 18 training, 15 validation and 120 test points each."""
    folder = tmp_path_factory.mktemp("drawn")
    fetch(folder, data_sets=3, train=6, validation=5, test=40)
    return read_data_sets(folder)[1]


def first(splits: dict) -> dict[str, dict[str, np.ndarray]]:
    return {split: {name: values[0] for name, values in arrays.items()} for split, arrays in splits.items()}


# One data set


def scores_on(test: dict[str, np.ndarray], probs: np.ndarray) -> list[float]:
    return list(scores(probs, test["labels"], test["exact"], test["dense"], BINS).values())


@pytest.fixture(scope="module")
def scored(splits):
    """(data, arrays of one_data_set, the logits (S, C, N, K) of validation and test behind them, what the teachers said)."""
    seen, said = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulating, "logits", lambda stack, points: seen.append(logits(stack, points)) or seen[-1])
        patch.setattr(simulating, "teach", lambda *given, **how: said.append(teach(*given, **how)) or said[-1])
        arrays = one_data_set(plan_of(), first(splits), 0)
    names = ("validation", "test")
    shaped = {name: each.numpy().reshape(len(TRAINED), 2, -1, 3) for name, each in zip(names, seen, strict=True)}
    return first(splits), arrays, shaped, said[0]


def test_every_network_is_scored_on_validation(scored):
    data, arrays, seen, _ = scored
    labels = data["validation"]["labels"]
    for s, name in enumerate(TRAINED):
        for c, network in enumerate(seen["validation"][s]):
            expected = validation_scores(network, labels, BINS)
            assert {key: arrays[f"validation_{key}"][s, c] for key in expected} == pytest.approx(expected)
            found = {key: arrays[f"scaled_validation_{key}"][s, c] for key in expected}
            if name not in ("none", "smoothing"):  # no method scales these
                assert np.isnan([*found.values(), arrays["temperature"][s, c]]).all()
                continue
            temperature = fit_temperature(network[None], labels)
            assert arrays["temperature"][s, c] == temperature
            assert found == pytest.approx(validation_scores(network, labels, BINS, temperature))
            assert found["nll"] <= expected["nll"]
            assert found["accuracy"] == expected["accuracy"]


def test_every_network_is_scored_on_test(scored):
    data, arrays, seen, _ = scored
    test = data["test"]
    tenth = np.minimum((test["exact"][np.arange(120), test["labels"]] * 10).astype(int), 9)
    assert arrays["test_by_probability"].tolist() == np.bincount(tenth, minlength=10).tolist()
    for s, c in np.ndindex(len(TRAINED), 2):
        network = seen["test"][s, c].astype(float)
        assert arrays["test"][s, c] == pytest.approx(scores_on(test, softmax(network, axis=1)))
        each = divergences(log_softmax(network, axis=1)[None], test["exact"])[0]
        sums = [each[tenth == number].sum() for number in range(10)]
        np.testing.assert_allclose(arrays["divergence_by_probability"][s, c], sums, atol=1e-4)


def test_a_method_is_scored_with_its_chosen_network(scored):
    data, arrays, seen, _ = scored
    for m, (name, entry) in enumerate(METHODS.items()):
        s, c = TRAINED.index(entry.get("scaled", name)), arrays["choice"][m]
        temperature = arrays["temperature"][s, c] if "scaled" in entry else 1.0
        assert arrays["chosen_temperature"][m] == temperature
        probs = softmax(seen["test"][s, c].astype(float) / temperature, axis=1)
        assert arrays["scores"][m] == pytest.approx(scores_on(data["test"], probs))
    assert arrays["chosen_temperature"][1] != 1  # none_scaled


def test_the_bayes_optimal_prediction_is_the_exact_distribution(scored):
    data, arrays, _, _ = scored
    found = dict(zip(SCORES, arrays["bayes"], strict=True))
    exact, labels = data["test"]["exact"], data["test"]["labels"]
    assert found["accuracy"] == (exact.argmax(axis=1) == labels).mean()
    assert found["nll"] == pytest.approx(-np.log(exact[np.arange(120), labels]).mean(), rel=1e-5)
    assert found["kl"] == pytest.approx(0, abs=1e-6)


def test_candidate_c_of_every_method_starts_alike(scored):
    """Smoothing by 0 is none, so it ends alike too."""
    _, arrays, _, _ = scored
    none, nothing = TRAINED.index("none"), TRAINED.index("nothing")
    np.testing.assert_array_equal(arrays["test"][none], arrays["test"][nothing])
    np.testing.assert_array_equal(arrays["epochs"][none], arrays["epochs"][nothing])
    assert (arrays["test"][none, 0] != arrays["test"][none, 1]).any()


def test_what_is_kept_of_every_training_point(scored):
    data, arrays, _, said = scored
    rows, labels = np.arange(18), data["train"]["labels"]
    np.testing.assert_allclose(arrays["exact_of_label"], data["train"]["exact"][rows, labels])
    sure = softmax(said.logits.astype(float) / said.temperature, axis=1)
    np.testing.assert_allclose(arrays["teacher_of_label"], sure[rows, labels], rtol=1e-6)
    taken = dict(zip(METHODS, arrays["smoothing"], strict=True))
    choice = dict(zip(METHODS, arrays["choice"], strict=True))
    for name in ("none", "none_scaled", "nothing"):
        np.testing.assert_array_equal(taken[name], 0)
    assert choice["smoothing"] == 1  # so that it matters which one is kept
    for name in ("smoothing", "smoothing_scaled"):
        np.testing.assert_allclose(taken[name], [0.6, 0.1][choice[name]] * 2 / 3, rtol=1e-6)
    p1 = [0.8, 0.9][choice["ils"]]
    np.testing.assert_allclose(taken["ils"], np.clip(1.5 * (sure[rows, labels] - p1) ** 2, 0, 0.5), atol=1e-6)
    np.testing.assert_allclose(taken["self_distillation"], 1 - softmax(said.logits, axis=1)[rows, labels], atol=1e-6)
    for name in ("beta",):  # made during training
        assert np.isnan(taken[name]).all()


def test_teachers_are_trained_only_where_a_method_needs_them(splits, monkeypatch):
    monkeypatch.setattr(simulating, "teach", None)
    assert np.isnan(one_data_set(plan_of(UNTAUGHT), first(splits), 0)["teacher_of_label"]).all()


def test_a_network_is_trained_as_params_say():
    plan = plan_of(weight_decay=0.001)
    assert plan.schedule == Schedule(lr=0.03, weight_decay=0.001, batch_size=10, epochs=15, patience=4)
    assert plan.sizes == [2, 8, 8, 3]


def test_every_data_set_has_seeds_of_its_own_and_every_method_has_the_same(splits, monkeypatch):
    inits, orders, taught = [], [], []
    monkeypatch.setattr(simulating, "initial", lambda seeds, sizes: inits.append(seeds) or initial(seeds, sizes))
    monkeypatch.setattr(simulating, "train", lambda *given: orders.append(given[7]) or train(*given))
    monkeypatch.setattr(simulating, "teach", lambda *given, **how: taught.append(how) or teach(*given, **how))
    for number in (0, 1):
        one_data_set(plan_of(), first(splits), number)
    for seeds in (inits, orders):
        assert all(some == some[:2] * len(TRAINED) for some in seeds)
        assert len({*seeds[0], *seeds[1]}) == 4
    assert taught[0]["folds"] == 3
    for name in ("init", "order", "fold_seed"):
        assert taught[0][name] != taught[1][name]


EPSILONS = [0.01, 0.1, 0.2, 0.3, 0.4, 0.6]
TRIED = {**UNTAUGHT, "smoothing": {"source": "uniform", "epsilon": EPSILONS}}


def tried(data: dict, choose_by: str) -> dict[str, np.ndarray]:
    plan = Protocol(simulation(TRIED, choose_by=choose_by), Seeds(runs=6, search=1, init=0, order=0), BINS, 0, 3, 2)
    return one_data_set(plan, data, 0)


@pytest.mark.parametrize(("choose_by", "best"), [("nll", np.argmin), ("accuracy", np.argmax), ("ece", np.argmin)])
def test_validation_chooses_and_test_does_not(splits, choose_by, best):
    data = first(splits)
    arrays = tried(data, choose_by)
    plain, scaled = arrays[f"validation_{choose_by}"], arrays[f"scaled_validation_{choose_by}"]
    assert arrays["choice"].tolist() == [best(plain[0]), best(scaled[0]), best(plain[1]), best(scaled[1])]
    assert set(arrays["choice"]) != {0}
    other = {**data, "test": {**data["test"], "labels": (data["test"]["labels"] + 1) % 3}}
    again = tried(other, choose_by)
    np.testing.assert_array_equal(again["choice"], arrays["choice"])
    np.testing.assert_array_equal(again["chosen_temperature"], arrays["chosen_temperature"])
    assert (again["scores"] != arrays["scores"]).any(axis=1).all()


# A whole simulation


def finish(splits: dict, root: Path) -> Path:
    """Run the simulation of UNTAUGHT and one taught method on three data sets; the folder of its files."""
    methods = {**UNTAUGHT, "ils": METHODS["ils"]}
    how = {"fold_seed": 0, "bins": BINS, "classes": CLASSES, "splits": splits}
    run_simulation("small", simulation(methods), SEEDS, **how, states=root / "states/fingerprint", out=root / "out")
    return root / "out"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def finished(splits, tmp_path_factory) -> Path:
    return finish(splits, tmp_path_factory.mktemp("finished"))


def test_two_runs_end_in_the_same_bytes_and_leave_no_state(splits, finished, tmp_path):
    (tmp_path / "states/other_params").mkdir(parents=True)
    assert contents(finish(splits, tmp_path)) == contents(finished)
    assert sorted(contents(finished)) == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_candidates(finished):
    table = pd.read_csv(finished / "candidates.csv", dtype={"options": str})
    assert len(table) == 3 * 3 * 2  # data sets, methods that train, candidates
    places = [(d, name, c) for d in range(3) for name in ("none", "smoothing", "ils") for c in range(2)]
    assert list(zip(table["data_set"], table["method"], table["candidate"], strict=True)) == places
    options = table["options"].fillna("").groupby(table["method"]).agg(list)
    assert options["none"] == ["", ""] * 3
    assert options["smoothing"] == ["epsilon=0.6", "epsilon=0.1"] * 3
    assert options["ils"] == ["p1=0.8", "p1=0.9"] * 3
    validation = ["nll", "accuracy", "ece"]
    assert list(table.columns) == [
        "data_set", "method", "candidate", "options", "chosen", *(f"validation_{name}" for name in validation), "temperature",
        *(f"scaled_validation_{name}" for name in validation), "best_epoch", "epochs", *(f"test_{name}" for name in SCORES),
    ]  # fmt: skip
    assert (table["chosen"].groupby([table["data_set"], table["method"]]).sum() == 1).all()
    best = table.loc[table.groupby(["data_set", "method"])["validation_nll"].idxmin()]
    assert (best["chosen"] == 1).all()
    assert ((table["best_epoch"] >= 1) & (table["best_epoch"] <= table["epochs"]) & (table["epochs"] <= 15)).all()
    assert table.groupby("method")["temperature"].count().to_dict() == {"none": 6, "smoothing": 6, "ils": 0}


def test_the_scores_are_those_of_the_chosen_candidates(finished):
    table = pd.read_csv(finished / "scores.csv")
    methods = ["bayes", *UNTAUGHT, "ils"]
    assert list(zip(table["data_set"], table["method"], strict=True)) == [(d, name) for d in range(3) for name in methods]
    assert list(table.columns) == ["data_set", "method", "choice", "temperature", *SCORES]
    tried = pd.read_csv(finished / "candidates.csv").set_index(["data_set", "method", "candidate"])
    for row in table.itertuples():
        if row.method == "bayes":
            assert (row.choice, row.temperature) == (-1, 1)
            assert row.kl == pytest.approx(0, abs=1e-6)
            continue
        network = tried.loc[(row.data_set, row.method.removesuffix("_scaled"), row.choice)]
        assert row.accuracy == network["test_accuracy"]
        if row.method.endswith("_scaled"):
            assert row.temperature == network["temperature"]
            assert row.nll != network["test_nll"]
        else:
            assert (row.temperature, row.nll, network["chosen"]) == (1, network["test_nll"], 1)


def test_the_arrays_for_figures_and_what_is_said_about_them(finished, splits):
    figures = read_npz(finished / "figures.npz")
    assert {name: values.shape for name, values in figures.items()} == {
        "divergence_by_probability": (3, 3, 2, 10),
        "test_by_probability": (3, 10),
        "exact_of_label": (3, 18),
        "teacher_of_label": (3, 18),
        "smoothing": (3, 5, 18),
    }
    of_label = np.take_along_axis(splits["train"]["exact"], splits["train"]["labels"][..., None], axis=2)[..., 0]
    np.testing.assert_allclose(figures["exact_of_label"], of_label)  # every data set at its place
    about = read_json(finished / "about.json")
    assert about["methods"] == [*UNTAUGHT, "ils"]
    assert about["candidates"] == {
        "none": [{}, {}],
        "smoothing": [{"epsilon": 0.6}, {"epsilon": 0.1}],
        "ils": [{"p1": 0.8}, {"p1": 0.9}],
    }
    assert (about["data_sets"], about["networks"]) == (3, 18)
    assert about["parameters"] == (2 + 1) * 8 + (8 + 1) * 8 + (8 + 1) * 3
    table = pd.read_csv(finished / "candidates.csv")
    assert about["mean_epochs"] == pytest.approx(table["epochs"].mean(), abs=0.01)
    assert (about["device"], about["precision"], about["versions"]) == ("cpu", "float32", versions())


class Killed(Exception):
    pass


def counting(monkeypatch, killed_at: int | None = None) -> list[int]:
    """The numbers of the data sets that are run from now on."""
    numbers = []

    def counted(plan, data, number):
        if number == killed_at:
            raise Killed
        numbers.append(number)
        return one_data_set(plan, data, number)

    monkeypatch.setattr(simulating, "one_data_set", counted)
    return numbers


@pytest.mark.parametrize("damaged", [False, True])
def test_a_killed_simulation_goes_on_and_ends_in_the_same_bytes(splits, finished, tmp_path, monkeypatch, damaged):
    assert counting(monkeypatch, killed_at=2) == []
    with pytest.raises(Killed):
        finish(splits, tmp_path)
    states = sorted((tmp_path / "states/fingerprint").iterdir())
    assert [path.name for path in states] == ["0000.npz", "0001.npz"]
    assert not (tmp_path / "out").exists()
    if damaged:
        states[0].write_bytes(states[0].read_bytes()[:-100])
        states[1].write_bytes(b"")
    numbers = counting(monkeypatch)
    assert contents(finish(splits, tmp_path)) == contents(finished)
    assert sorted(numbers) == ([0, 1, 2] if damaged else [2])


def test_how_many_data_sets_are_run_side_by_side_changes_nothing(splits, tmp_path, monkeypatch):
    results = []
    for workers in ("1", "3"):
        monkeypatch.setenv("SOFTCIFAR_WORKERS", workers)
        results.append(simulate(plan_of(UNTAUGHT), splits, tmp_path / workers, lambda _: None))
    one, three = results
    for name, values in one.items():
        np.testing.assert_array_equal(values, three[name])


def test_finished_data_sets_are_read_again_and_counted_as_progress(splits, tmp_path, monkeypatch):
    numbers, shown = counting(monkeypatch), []
    one, two = (simulate(plan_of(UNTAUGHT), splits, tmp_path, shown.append) for _ in range(2))
    assert sorted(numbers) == [0, 1, 2]
    assert shown == [0, 1, 1, 1, 3]
    assert one.keys() == two.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values, two[name])
        assert len(values) == 3
