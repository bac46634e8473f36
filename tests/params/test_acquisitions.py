"""The section `acquisitions`: what it inherits, what it refuses, and what the plan makes of it."""

import pytest

from softcifar.errors import UserError
from softcifar.params.study import load
from softcifar.pipeline.plan import entries
from tests.conftest import ROOT

ONE = {
    "strategy": "density", "pool": "clean", "start": 2, "buy": 5, "budget": 30, "draws": 64, "checkpoint": "last",
    "patience": None,
}  # fmt: skip


def section(**changes):
    return {"acquisitions": {"one": ONE | changes}}


def test_an_acquisition_is_a_recipe(write_params):
    study = load(write_params(section(epochs=3)))
    one = study.acquisitions["one"]
    assert (one.epochs, one.members, one.clean, one.strategy.name) == (3, 1, None, "density")
    assert one.network == study.recipe.network


def test_a_study_may_have_nothing_else(write_params):
    alone = section() | {key: {} for key in ("students", "labels", "teachers", "surrogates")}
    alone |= {"evaluation": None, "distillation": None, "report.reference": "one"}
    assert list(load(write_params(alone)).acquisitions) == ["one"]
    with pytest.raises(UserError, match=r"report\.reference: there is no 'on'; did you mean 'one'"):
        load(write_params(alone | {"report.reference": "on"}))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"strategy": "densty"}, r"acquisitions\.one\.strategy: .*there is no 'densty'; did you mean 'density'"),
        ({"strategy": {"name": "panel", "people": 0}}, r"acquisitions\.one\.strategy.*people: found 0"),
        (
            {"strategy": "mutual_information"},
            r"members: found 1 with strategy 'mutual_information', .*allowed there: 2 or more",
        ),
        ({"strategy": "bald"}, r"method: found 'softmax' with strategy 'bald', .*allowed there: a method of several passes"),
        ({"pool": "durty"}, r"acquisitions\.one\.pool: found 'durty'"),
        ({"buy": 31}, r"acquisitions\.one.*buy: found 31 with budget 30; allowed: at most the budget"),
        ({"buy": 0}, r"acquisitions\.one\.buy: found 0"),
        ({"budget": 10**6}, r"acquisitions\.one\.budget: found 1000000 with \d+ training images \(data\.sizes\.train\)"),
        ({"checkpoint": "best"}, "checkpoint: found best, patience null; allowed in an acquisition: checkpoint: last"),
        ({"patience": 3}, "checkpoint: found last, patience 3; allowed in an acquisition: checkpoint: last and patience: null"),
        ({"lr": [0.1, 0.2]}, r"acquisitions\.one\.lr: found a list, which is tuned over; active learning is not tuned"),
        (
            {"augment": [{"name": "mixup", "q": "match_human"}]},
            "augment.mixup.q: found 'match_human'; allowed in an acquisition",
        ),
        (
            {"method": {"name": "swag", "start": 1000}},
            r"acquisitions\.one\.method: found swag with options that need 1010 steps, of 1 in all",
        ),
        ({"batch": 5}, r"acquisitions\.one: unknown key 'batch'"),
    ],
)
def test_wrong_params_are_one_sentence(write_params, changes, words):
    with pytest.raises(UserError, match=words) as error:
        load(write_params(section(**changes)))
    assert "\n" not in str(error.value)


class TestPlan:
    @pytest.fixture
    def listed(self, write_params, code):
        return lambda **changes: entries(load(write_params(section(**changes))), ROOT, code)

    def test_an_acquisition_changes_no_other_entry_but_the_reports(self, write_params, code, listed):
        before, after = entries(load(write_params({})), ROOT, code), listed()
        assert after.keys() - before.keys() == {"acquire/one.json"}
        assert {name for name in before if before[name] != after[name]} == {"report.json"}

    @pytest.mark.parametrize(
        ("changes", "anew"),
        [({"buy": 6}, True), ({"strategy": "random"}, True), ({"network": "shallow"}, True), ({"choose_by": "ece"}, False)],
    )
    def test_what_decides_an_acquisition(self, listed, changes, anew):
        assert (listed()["acquire/one.json"] != listed(**changes)["acquire/one.json"]) == anew

    def test_its_code_is_that_of_its_strategy(self, code):
        def reached(name):
            return {node[:2] for node in code.reached("stages.acquire", [("acquisition", name)])}

        assert ("softcifar.scores.ddu", "ddu") in reached("density")
        assert ("softcifar.scores.ddu", "ddu") not in reached("random")
        assert ("softcifar.training.loop", "train") in reached("random")
