"""A whole acquisition: recomputed step by step, killed and resumed, side by side, and what it refuses."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from softcifar.acquisition import acquire as module
from softcifar.acquisition.acquire import Purchase, learned, steps_of
from softcifar.acquisition.pool import answers_of, pool_of
from softcifar.errors import UserError
from softcifar.methods.prediction import predict_logits
from softcifar.models.classifier import PLAIN, Classifier, classifier
from softcifar.params.sections import Seeds
from softcifar.scores.predictive_entropy import predictive_entropy
from softcifar.seeding import derive
from softcifar.training.loop import Task, train
from tests.acquisition.helpers import DROPOUT, MANIFEST, arrays, contents, options, run
from tests.training.helpers import CPU, Killed, no_progress


def test_every_step_can_be_recomputed(tmp_path):
    """Run 1: what is bought is what a network that is trained here, on the labels of that step, is least sure of."""
    out = run(tmp_path)
    found, test = arrays(40, 0, ambiguous=16), arrays(20, 1, ambiguous=6)
    bought, curve = pd.read_csv(out / "bought.csv"), pd.read_csv(out / "curve.csv")
    mine, scores = bought[bought["run"] == 1], curve[curve["run"] == 1].set_index("step")
    assert mine["place"].tolist() == list(range(1, 13))
    assert mine["step"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert scores["labels"].tolist() == [4, 8, 12]
    assert set(mine[mine["step"] == 0]["ambiguous"]) == {0}
    pool = pool_of("a", found, 2, kind="dirty", clean=None, seed=derive(0, "acquire"))
    recipe = options()
    for step in range(3):
        labelled = mine[mine["step"] <= step]
        rows = labelled["index"].to_numpy() - 1000
        targets = np.eye(2, dtype=np.float32)[labelled["label"]]
        task = Task(
            "", recipe, found["images"][rows], targets, None, None, MANIFEST, derive(1, "acquire", step, 0),
            derive(1, "acquire", step, 0), images_per_epoch=16,
        )  # fmt: skip
        network = classifier(recipe.network, MANIFEST, seed=0)
        network.load_state_dict(train(task, CPU, tmp_path / f"own{step}.safetensors", no_progress).best)

        def logits(images, network=network):
            return predict_logits(network, images, PLAIN, batch_size=500, seed=0)

        clean = ~test["ambiguous"]
        right = logits(test["images"][clean])[0].argmax(axis=1) == test["labels"][clean]
        assert scores.loc[step, "accuracy"] == pytest.approx(right.mean())
        log_probs = torch.log_softmax(torch.as_tensor(logits(test["images"][~clean])[0]).double(), dim=1).numpy()
        nll = -log_probs[np.arange(6), test["labels"][~clean]].mean()
        assert scores.loc[step, "ambiguous_nll"] == pytest.approx(nll, rel=1e-5)
        assert scores.loc[step, "ambiguous_share"] == pytest.approx((rows >= 24).mean())
        if step < 2:
            entropy = predictive_entropy(logits(found["images"]))
            entropy[rows] = -1
            following = mine[mine["step"] == step + 1]
            order = np.argsort(-entropy, kind="stable")[:4]
            assert following["index"].tolist() == (1000 + order).tolist()
            said = [answers_of(pool.shares[row], 1, derive(1, "acquire", "answer", int(row)))[0] for row in order]
            assert following["label"].tolist() == said


def test_no_image_is_bought_twice_and_a_run_depends_on_its_seeds_alone(tmp_path):
    one = pd.read_csv(run(tmp_path) / "bought.csv")
    assert not one.duplicated(["run", "index"]).any()
    three = pd.read_csv(run(tmp_path, "b", "other", Seeds(runs=3, search=1, init=0, order=0)) / "bought.csv")
    pd.testing.assert_frame_equal(three[three["run"] < 2], one)
    runs = [part["index"].tolist() for _, part in three.groupby("run")]
    assert runs[0] != runs[1]


def test_a_clean_pool_buys_nothing_ambiguous_and_strategies_start_alike(tmp_path):
    clean = pd.read_csv(run(tmp_path, "clean", pool="clean") / "bought.csv")
    assert set(clean["ambiguous"]) == {0}
    start = [
        pd.read_csv(run(tmp_path, name, strategy=name, members=members) / "bought.csv").query("step == 0")
        for name, members in (("random", 1), ("mutual_information", 2), ("density", 1))
    ]
    for each in start[1:]:
        pd.testing.assert_frame_equal(each, start[0])


def test_a_panels_answers_are_labels_of_one_image(tmp_path):
    out = run(tmp_path, strategy={"name": "panel", "people": 3, "known": 1.0})
    bought, curve = pd.read_csv(out / "bought.csv"), pd.read_csv(out / "curve.csv")
    assert bought.groupby("run").size().tolist() == [12, 12]  # every answer counts
    assert curve["labels"].tolist() == [4, 8, 12] * 2
    later = bought[bought["step"] > 0]
    assert later.groupby(["run", "step"])["index"].agg(lambda own: sorted(own.value_counts())).tolist() == [[1, 3]] * 4
    assert curve[curve["step"] == 2]["images"].tolist() == [8, 8]


def test_an_image_is_learned_with_the_shares_of_its_answers():
    shares = learned([Purchase(0, [1, 1, 0, 1]), Purchase(3, [0])], 2)
    assert shares.tolist() == [[0.25, 0.75], [1, 0]]
    assert shares.dtype == np.float32


def test_an_ensemble_predicts_together_and_its_first_network_alone(tmp_path):
    pair = pd.read_csv(run(tmp_path, "pair", strategy="predictive_entropy", members=2) / "curve.csv")
    one = pd.read_csv(run(tmp_path, "one", strategy="softmax_entropy") / "curve.csv")
    both_start = pair[pair["step"] == 0], one[one["step"] == 0]
    assert np.array_equal(both_start[0]["single_nll"], both_start[1]["nll"])  # the very same network
    assert (both_start[0]["nll"] != both_start[0]["single_nll"]).all()
    assert np.array_equal(one["single_nll"], one["nll"])
    dropping = pd.read_csv(run(tmp_path, "dropping", strategy="bald", **DROPOUT) / "curve.csv")
    assert (dropping["nll"] != dropping["single_nll"]).all()


STRATEGIES = {
    "softmax_entropy": {},
    "density": {},
    "random": {},
    "mutual_information": {"members": 2},
    "bald": DROPOUT,
    "panel": {},
}


@pytest.mark.parametrize("after", [1, 9, 20, 21])
@pytest.mark.parametrize("strategy", ["mutual_information", "bald"])
def test_a_killed_acquisition_goes_on_and_ends_in_the_same_bytes(tmp_path, strategy, after):
    """Killed while a network trains (of 2 runs x 3 steps x 2 epochs x 2 batches a member), whatever was drawn in between."""
    given = {"strategy": strategy, **STRATEGIES[strategy]}
    whole = contents(run(tmp_path, "a", "whole", **given))
    count = 0

    def count_and_kill(network, _):
        nonlocal count
        count += isinstance(network, Classifier) and network.training
        if count == after and network.training:
            raise Killed

    hook = torch.nn.modules.module.register_module_forward_pre_hook(count_and_kill)
    try:
        with pytest.raises(Killed):
            run(tmp_path, "b", "killed", **given)
    finally:
        hook.remove()
    assert not (tmp_path / "b").exists()
    torch.rand(3)
    assert contents(run(tmp_path, "b", "killed", **given)) == whole
    assert len(list((tmp_path / "killed").glob("*.safetensors"))) == 2  # a state per run, none of single networks


@pytest.mark.parametrize("place", ["_buy", "save_state", "restored"])
def test_so_does_one_that_is_killed_between_training_and_the_next_step(tmp_path, monkeypatch, place):
    whole = contents(run(tmp_path, "a", "whole", strategy="panel"))
    original, calls = getattr(module, place), 0

    def dying(*given):
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Killed
        return original(*given)

    monkeypatch.setattr(module, place, dying)
    with pytest.raises(Killed):
        run(tmp_path, "b", "killed", strategy="panel")
    monkeypatch.undo()
    assert contents(run(tmp_path, "b", "killed", strategy="panel")) == whole


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_two_workers_end_in_the_bytes_of_one(tmp_path, monkeypatch, strategy):
    given = {"strategy": strategy, **STRATEGIES[strategy]}
    one = contents(run(tmp_path, "a", "one", **given))
    monkeypatch.setenv("SOFTCIFAR_WORKERS", "2")
    assert contents(run(tmp_path, "b", "two", **given)) == one


def test_a_finished_run_trains_nothing_again(tmp_path, monkeypatch):
    one = contents(run(tmp_path))
    monkeypatch.setattr(module, "train", None)
    assert contents(run(tmp_path, "b")) == one


def test_what_it_leaves(tmp_path):
    out = run(tmp_path, strategy="mutual_information", members=2)
    assert sorted(contents(out)) == ["about.json", "bought.csv", "curve.csv"]
    about = json.loads((out / "about.json").read_text())
    assert about["pool"] == {"images": 40, "ambiguous": 16}
    assert about["test"] == {"": 14, "ambiguous_": 6}
    assert about["networks"] == 2 * 3 * 2
    assert about["draws"] == 2 * 3 * 2 * 2 * 16
    clean = run(tmp_path, "clean", test=arrays(20, 1), pool="clean")
    assert "ambiguous_accuracy" not in pd.read_csv(clean / "curve.csv")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"buy": 41, "budget": 41}, "acquisitions.a.buy: found 41, but the pool has 40 images; allowed: at most that"),
        ({"budget": 41}, "acquisitions.a.budget: found 41, but the pool has 40 images; allowed: at most that"),
        ({"budget": 25, "pool": "clean"}, "acquisitions.a.budget: found 25, but the pool has 24 images; allowed: at most that"),
        (
            {"start": 7},
            r"acquisitions.a.budget: found 12, but 7 images of each of 2 classes \(start\) are 14; allowed: at least",
        ),
        ({"start": 13, "budget": 30}, "acquisitions.a.start: found 13, but the pool has 12 unambiguous images of class 'dark'"),
        (
            {"lr": 1000, "weight_decay": 100, "optimizer": "sgd"},
            "acquisition a, run 0, 4 labels: gives logits that are not finite",
        ),
        ({"test": arrays(6, 1, ambiguous=6)}, "acquisitions: every test image is ambiguous; allowed: a data set with others"),
        ({"train": arrays(40, 0, ambiguous=16, votes=False)}, "16 ambiguous images have neither votes nor an exact label dist"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_leaves_nothing(tmp_path, changes, words):
    with pytest.raises(UserError, match=words) as error:
        run(tmp_path, **changes)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "a").exists()


def test_the_last_purchase_is_what_is_left_of_the_budget():
    assert steps_of("a", options(budget=13), 40, 2) == [4, 8, 12, 13]
    assert steps_of("a", options(budget=4), 40, 2) == [4]
