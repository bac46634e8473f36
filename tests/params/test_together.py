"""What goes together; and one run names every mistake."""

import pytest
import yaml

from softcifar.errors import UserError
from softcifar.params import study as params


def mistakes(path) -> list[str]:
    with pytest.raises(UserError) as error:
        params.load(path)
    return [line.removeprefix(f"{path}: ") for line in str(error.value).split("\n")]


def test_one_run_names_every_mistake(write_params):
    changes = {
        "seeds.runs": None,
        "data.split_seed": "zero",
        "recipe.lr": "fast",
        "recipe.epochs": None,
        "recipe.choose_by": None,
        "labels.instance.teacher": "resnet9",
        "students.hard.labels": "hrad",
        "students.instance.loss.alpha": 2,
        "evaluation.attacks.pgd.steps": 0,
        "evaluation.attacks.fgsm.epsilon": 1,
        "report.reference": "hardd",
        "report.bin": 3,
        "more": 1,
    }
    found = mistakes(write_params(changes))
    beginnings = [
        "unknown key 'more'",
        "seeds.runs: this key is missing",
        "data.split_seed: found 'zero'; input should be a valid integer",
        "recipe.epochs: this key is missing",
        "recipe.lr: found 'fast'; input should be a valid number",
        "recipe.choose_by: this key is missing",
        "students.instance.loss.alpha: found 2; input should be less than 1",
        "evaluation.attacks.fgsm: unknown key 'epsilon'",
        "evaluation.attacks.pgd.steps: found 0; input should be greater than 0",
        "report: unknown key 'bin'; did you mean 'bins'?",
        "labels.instance.teacher: there is no 'resnet9'; did you mean 'resnet8'?",
    ]
    for each in beginnings:
        assert [line for line in found if line.startswith(each)], each
    assert len(found) == len(beginnings)  # what inherits the recipe does not repeat it; what hangs on a wrong section waits


def test_what_is_right_by_itself_is_held_against_the_rest(write_params):
    found = mistakes(write_params({"seeds.runs": 0, "students.hard.labels": "hrad", "report.reference": "hardd"}))
    assert [line.split(":")[0] for line in found] == ["seeds.runs", "students.hard.labels", "report.reference"]


def test_mistakes_that_a_student_states_itself_are_named_beside_those_of_the_recipe(write_params):
    found = mistakes(write_params({"recipe.lr": -1, "students.hard.lr": -1}))
    assert [line.split(":")[0] for line in found] == ["recipe.lr", "students.hard.lr"]


def test_twenty_mistakes_are_named_and_the_others_counted(write_params):
    found = mistakes(write_params({f"students.hard.key_{number}": 1 for number in range(30)}))
    assert len(found) == 21
    assert found[-1] == "and 10 more mistakes"


def test_of_what_was_found_200_characters_are_quoted(write_params):
    (line,) = mistakes(write_params({"recipe.optimizer": "a" * 10**5}))
    assert line == f"recipe.optimizer: found 'aaa{'a' * 196}...; input should be 'sgd' or 'adam'"


def test_aliases_that_multiply_are_quoted_in_short_time(write_params):
    path = write_params({})
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    path.write_text(bomb + path.read_text().replace("optimizer: sgd", "optimizer: *a11"))
    found = mistakes(path)
    assert len(found) == 13
    assert found[-1].startswith("recipe.optimizer: found [[[")
    assert len(found[-1]) < 300


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data.votes": {"train": "noise"}}, "data.votes.train: 'noise' has the source noise, which holds no votes; allowed: "),
        ({"data.images": "votes"}, "data.images: 'votes' has the source cifar10n, which holds no images; allowed: "),
        ({"data.corrupted": "noise"}, "data.corrupted: 'noise' has the source noise, which holds no corrupted images"),
        ({"data.images": "plain", "labels.human": {"source": "human"}},
         "labels.human: source 'human' needs people's votes, but 'plain' (source mnist) has none; name a data set of votes as "
         "data.votes.train"),
        ({"data.images": "plain", "data.protocol": "cifar10h"}, "data.protocol: 'cifar10h' needs people's votes, but 'plain'"),
        ({"data.images": "plain", "data.protocol": "cifar10h", "data.votes": {"train": "votes"}},
         "data.protocol: 'cifar10h' needs people's votes, but 'plain' (source mnist) has none; name a data set of votes as "
         "data.votes.test"),
    ],
)  # fmt: skip
def test_data_sets_hold_what_is_asked_of_them(write_params, changes, message):
    more = {"datasets.plain": {"source": "mnist"}, "datasets.votes": {"source": "cifar10n"}}
    assert [line for line in mistakes(write_params(more | changes)) if line.startswith(message)]


@pytest.mark.parametrize(
    ("people", "images", "message"),
    [
        ("nobody", "plain", "report.people: there is no 'nobody'"),
        ("votes", "plain", "report.people: 'votes' has the source cifar10n; allowed: cifar10s"),
        (
            "people",
            "shapes",
            "report.people: 'people' has soft labels of CIFAR-10's test images, but 'shapes' (data.images) has",
        ),
        ("people", "plain", ""),
    ],
)
def test_single_people_judged_cifar10s_test_images(write_params, people, images, message):
    more = {f"datasets.{name}": {"source": source} for name, source in
            (("plain", "cifar10"), ("votes", "cifar10n"), ("people", "cifar10s"))}  # fmt: skip
    path = write_params(more | {"data.images": images, "report.people": people})
    if message:
        assert [line for line in mistakes(path) if line.startswith(message)]
    else:
        assert params.load(path).report.people == "people"


OF_CIFAR10 = {"data.images": "plain", "data.protocol": "cifar10h", "data.votes": {"test": "many"}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, ""),
        ({"labels.soft.people": "nobody"}, "labels.soft.people: there is no 'nobody'"),
        ({"labels.soft.people": "many"}, "labels.soft.people: 'many' has the source cifar10h; allowed: cifar10s"),
        (
            {"labels.soft.people": None},
            "labels.soft: source 'elicited' needs single people's soft labels; add people: <a key of",
        ),
        ({"labels.soft.source": "human"}, "labels.soft: people: source 'human' uses nobody's soft labels; remove this key"),
        ({"labels.soft.teacher": "deep"}, "labels.soft: teacher: source 'elicited' uses no teacher; remove this key"),
        (
            {"data.protocol": "standard"},
            "labels.soft.people: 'people' has soft labels of CIFAR-10's test images, and data.protocol",
        ),
        (
            {"data.images": "shapes"},
            "labels.soft.people: 'people' has soft labels of CIFAR-10's test images, but 'shapes' (data",
        ),
        (
            {"seeds.refit": True, "recipe.checkpoint": "last", "students.learner.labels": "soft"},
            "students.learner.labels: 'soft' comes from single people, which labels no validation images",
        ),
    ],
)
def test_single_people_label_cifar10s_test_images(write_params, changes, message):
    sources = {"plain": "cifar10", "many": "cifar10h", "people": "cifar10s"}
    more = {f"datasets.{name}": {"source": source} for name, source in sources.items()}
    more |= OF_CIFAR10 | {"labels.soft": {"source": "elicited", "people": "people"}, "students.learner": {"labels": "soft"}}
    path = write_params(more | changes)
    if message:
        assert [line for line in mistakes(path) if line.startswith(message)], mistakes(path)
    else:
        assert params.load(path).labels["soft"].model_dump() == {
            "source": "elicited", "teacher": None, "calibrated": False, "people": "people", "options": {}
        }  # fmt: skip


def test_a_source_without_single_people_has_the_entries_that_it_always_had(write_params):
    assert "people" not in params.load(write_params({})).labels["hard"].model_dump()


def test_validation_does_not_choose_among_draws_of_votes(write_params):
    drawn = {"source": "human_sampled", "votes_per_image": 3}
    path = write_params({"labels.drawn": drawn | {"seed": [0, 1]}})
    assert any(line.startswith("labels.drawn.seed: found [0, 1], a list") for line in mistakes(path))
    assert params.load(write_params({"labels.drawn": drawn | {"seed": 7}})).labels["drawn"].options["seed"] == 7


def test_votes_that_are_there_are_no_mistake(write_params):
    human = {"labels.human": {"source": "human"}}
    assert params.load(write_params(human)).labels["human"].source == "human"  # shapes come with votes
    given = {"datasets.plain": {"source": "cifar10"}, "datasets.votes": {"source": "cifar10n"}, "data.images": "plain"}
    assert params.load(write_params(human | given | {"data.votes": {"train": "votes"}})).data.votes == {"train": "votes"}


def test_a_section_that_is_none_is_named_once(write_params):
    path = write_params({})
    content = yaml.safe_load(path.read_text()) | {"students": 3}
    path.write_text(yaml.safe_dump(content))
    assert mistakes(path) == ["students: found 3; input should be a valid dictionary"]


SWAG = {"name": "swag", "start": 6, "every": 2}  # needs 8 steps; smoke has 1 epoch of 500 images in batches of 64


def test_weights_that_are_averaged_come_from_within_the_training(write_params):
    def changed(**changes: object):
        return write_params({f"students.hard.{key}": value for key, value in {"method": SWAG, **changes}.items()})

    assert params.load(changed()).students["hard"].method.options["start"] == 6
    assert mistakes(changed(method={**SWAG, "start": 7})) == [
        "students.hard.method: found swag with options that need 9 steps, of 8 in all (1 times 500 images, in batches of 64); "
        "allowed there: at most so many"
    ]
    (sentence,) = mistakes(changed(batch_size=[32, 128]))  # the fewest steps of what is tried
    assert sentence.startswith("students.hard.method: found swag with options that need 8 steps, of 4 in all")
    assert params.load(changed(epochs=[2, 3], method={**SWAG, "start": 14}))
