"""Which methods take part in training follows from what they override: there is nothing to declare, so nothing to forget."""

import pytest

from softcifar.methods import METHODS
from softcifar.methods.method import UncertaintyMethod
from softcifar.params.study import load
from softcifar.pipeline.plan import entries
from tests.conftest import ROOT


class Weighted(UncertaintyMethod):
    """A method that someone adds: it changes the loss, and says nothing else of itself."""

    def loss(self, classifier, pixels, logits, targets, base):
        return 2 * base(pixels, logits, targets)


class Counted(UncertaintyMethod):
    def end_step(self, classifier, pixels, targets):
        self.steps = getattr(self, "steps", 0) + 1


class Fitted(UncertaintyMethod):
    def finish(self, classifier, train, validation, validation_labels):
        return {"images": sum(map(len, train))}


class Asked(UncertaintyMethod):
    def predict(self, classifier, pixels):
        return classifier(pixels)[None] / 2

    def scores(self, classifier, pixels):
        return {"norm": classifier.features(pixels).norm(dim=1)}


class Derived(Weighted):
    """Inherits the hook."""


@pytest.mark.parametrize("method", [Weighted, Counted, Fitted, Derived, METHODS["sngp"], METHODS["duq"]])
def test_a_method_that_overrides_a_hook_trains(method):
    assert method.trains()


@pytest.mark.parametrize("method", [Asked, UncertaintyMethod, METHODS["softmax"], METHODS["mc_dropout"]])
def test_a_method_that_only_predicts_does_not(method):
    assert not method.trains()


class Switched(UncertaintyMethod):
    def __init__(self, *, weight: float = 2.0) -> None:
        self.input_gradient = weight > 0


def test_a_hook_that_only_an_instance_has_is_refused():
    with pytest.raises(AttributeError, match="input_gradient: is read from the class"):
        Switched()


def test_its_networks_are_not_those_of_plain_softmax(write_params, code, monkeypatch):
    """In the plan, by which finished runs are shared."""
    monkeypatch.setitem(METHODS, "sngp", Weighted)
    monkeypatch.setitem(METHODS, "mc_dropout", Asked)
    planned = {
        name: entries(load(write_params({"students.hard.method": name})), ROOT, code)["train/hard.json"]
        for name in ("softmax", "sngp", "mc_dropout")
    }
    assert planned["sngp"]["params"]["student"]["method"]["name"] == "sngp"
    assert planned["sngp"]["code"] != planned["softmax"]["code"]
    assert planned["mc_dropout"] == planned["softmax"]
