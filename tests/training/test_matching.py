"""q: match_human: the share of mixed images whose added entropy is that of people's labels."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from scipy.special import digamma

from softcifar.augment import cutmix, mixup
from softcifar.errors import UserError
from softcifar.params.chosen import Chosen
from softcifar.params.sections import LabelSource, Student
from softcifar.training.matching import added_entropy, matched
from softcifar.training.state import Store
from softcifar.training.student import train_student
from tests.augment.helpers import batch, generator
from tests.training.helpers import SEEDS, SMALL, recipe

SHAPE = (16, 16, 3)
TARGETS = np.eye(10, dtype=np.float32)[np.arange(1000) % 10]
VOTES = np.where(TARGETS == 1, 9, np.roll(TARGETS, 1, axis=1))  # nine against one
HUMAN = -(0.9 * np.log(0.9) + 0.1 * np.log(0.1))


def test_mixup_of_hard_labels_adds_the_expected_entropy_of_a_beta():
    """E[-l log l - (1 - l) log(1 - l)] = digamma(2a + 1) - digamma(a + 1), times the share of partners of another class."""
    found = added_entropy(Chosen(name="mixup", options={"alpha": 0.4, "q": 1.0}), 1000, TARGETS, SHAPE)
    other = 1 - (100 - 1) / 1000 - 1 / 1000  # a partner may be the image itself
    assert found == pytest.approx(other * (digamma(1.8) - digamma(1.4)), rel=0.015)


@pytest.mark.parametrize(("name", "function"), [("mixup", mixup), ("cutmix", cutmix)])
def test_the_entropy_added_is_that_of_the_votes(name, function):
    steps = ["crop_flip", {"name": name, "alpha": 1.0, "q": "match_human"}]
    given = recipe(augment=steps, batch_size=100)
    found = matched(given, TARGETS, VOTES, SHAPE, "students.a")
    assert found.augment[0] == given.augment[0]
    q = found.augment[1].options["q"]
    assert 0.3 < q < 1
    targets = torch.as_tensor(TARGETS).repeat(30, 1)
    mixed = function(torch.zeros(len(targets), 1, 16, 16), targets, generator(7), alpha=1.0, q=q)[1]
    assert torch.special.entr(mixed).sum(1).mean().item() == pytest.approx(HUMAN, rel=0.03)
    assert matched(given, TARGETS, VOTES, SHAPE, "students.a") == found  # the same at every call


def test_other_recipes_stay_as_they_are():
    given = recipe(augment=["crop_flip", "mixup"])
    assert matched(given, TARGETS, None, SHAPE, "students.a") == given


def test_people_who_all_agree_mean_no_mixing():
    given = recipe(augment=[{"name": "mixup", "q": "match_human"}])
    assert matched(given, TARGETS, 5 * TARGETS, SHAPE, "x").augment[0].options["q"] == 0


@pytest.mark.parametrize(
    ("votes", "alpha", "message"),
    [
        (
            None,
            1.0,
            "students.a.augment: mixup: q: found 'match_human', but the training images have no votes; allowed there: ",
        ),
        (VOTES, 0.05, r"adds 0\.\d+ nats where people's labels have 0\.325; allowed: a larger alpha"),
    ],
)
def test_what_cannot_be_matched_is_one_sentence(votes, alpha, message):
    with pytest.raises(UserError, match=message):
        matched(recipe(augment=[{"name": "mixup", "alpha": alpha, "q": "match_human"}]), TARGETS, votes, SHAPE, "students.a")


def test_the_word_is_no_number_to_the_augmentation_itself():
    with pytest.raises(UserError, match="q: found 'match_human'; allowed: 0 to 1"):
        mixup(*batch(4), generator(), q="match_human")


def test_a_student_is_trained_with_the_matched_share_and_says_so(splits, tmp_path):
    train_split, validation, manifest = splits
    votes = 19 * np.eye(2)[train_split.labels] + np.eye(2)[1 - train_split.labels]
    student = {**SMALL, "labels": "hard", "epochs": 1, "augment": [{"name": "mixup", "alpha": 1.0, "q": "match_human"}]}

    def run(name: str, people: np.ndarray | None) -> None:
        train_student(
            name, Student.model_validate(student), SEEDS, train_split=dataclasses.replace(train_split, votes=people),
            validation=validation, targets=np.eye(2, dtype=np.float32)[train_split.labels][None], manifest=manifest,
            source=LabelSource.model_validate({"source": "hard"}), states=Store(tmp_path / "s", "x"), out=tmp_path / name,
        )  # fmt: skip

    run("a", votes)
    (step,) = json.loads((tmp_path / "a/about.json").read_text())["augment"]
    # 15 of 16 partners are others, 30 of the 59 others of the other class; a uniform lambda then adds half a nat on average.
    people = -(0.95 * np.log(0.95) + 0.05 * np.log(0.05))
    assert step["options"]["q"] == pytest.approx(people / (15 / 16 * 30 / 59 * 0.5), rel=0.03)
    with pytest.raises(UserError, match=r"students.b.augment: mixup: q: found 'match_human', but .* no votes"):
        run("b", None)
