"""Label sources: the properties that every source of the registry has, whatever its inputs and options, and its mistakes."""

import inspect
import typing

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import entropy

from softcifar.errors import UserError
from softcifar.labels import (
    LABEL_SOURCES,
    adaptive_instance_based,
    adaptive_uniform,
    beta_smoothing,
    class_based,
    confidence_scaled,
    elicited,
    hard,
    human,
    human_kept,
    human_sampled,
    human_thresholded,
    human_where_elicited,
    instance_based,
    majority_sampled,
    self_distillation,
    shifted_logits,
    teacher,
    uniform,
)
from softcifar.labels.sampled import first_votes, labelled
from softcifar.labels.source import inputs
from softcifar.params.options import check
from softcifar.params.ranges import Fraction, NonNegative, NonNegativeInt, Positive, PositiveFraction, PositiveInt

ORDER = ("labels", "num_classes", "votes", "soft_labels", "teacher_logits", "calibrated_logits", "student_logits", "seed")
LOGITS = ("teacher_logits", "calibrated_logits", "student_logits")
# Their labels of an image depend on the images beside it.
OF_THE_BATCH = ("class_based", "beta_smoothing", "human_sampled", "majority_sampled", "dawid_skene")


def make_inputs(seed: int, images: int, classes: int, kind: str = "random", scale: float = 1.0) -> dict:
    """Every input a source may ask for. kind: what the networks' logits look like."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=images)
    logits = scale * rng.standard_normal((images, classes))
    if kind == "uniform":
        logits = np.full((images, classes), scale)
    elif kind == "certain":
        logits[np.arange(images), labels] = 1e4
    elif kind == "certain, all others alike":
        logits = np.zeros((images, classes))
        logits[np.arange(images), labels] = 1e4
    elif kind == "certain of another class":
        logits[np.arange(images), (labels + 1) % classes] = 1e4
    elif kind == "certain that it is not the label":
        logits[np.arange(images), labels] = -1e4
    return {
        "labels": labels,
        "num_classes": classes,
        "votes": rng.multinomial(51, rng.dirichlet(np.ones(classes)), size=images),
        "soft_labels": np.where(rng.random(images)[:, None] < 0.5, rng.dirichlet(np.ones(classes), size=images), 0),
        "teacher_logits": logits,
        "calibrated_logits": logits / 2,
        "student_logits": logits,
        "seed": seed,
    }


def call(name: str, case: dict, **options):
    return LABEL_SOURCES[name](*(case[each] for each in inputs(LABEL_SOURCES[name])), **options)


def in_range(function) -> st.SearchStrategy:
    """Any options that the annotations of a source allow (numbers up to 1e6)."""
    ranges = {
        Fraction: st.floats(0, 1), NonNegative: st.floats(0, 1e6), Positive: st.floats(1e-6, 1e6),
        PositiveFraction: st.floats(1e-3, 1), PositiveInt: st.integers(1, 10**6), NonNegativeInt: st.integers(0, 10**9),
    }  # fmt: skip

    def values(annotation) -> st.SearchStrategy:
        if typing.get_origin(annotation) is typing.Literal:
            return st.sampled_from(typing.get_args(annotation))
        return ranges[annotation]

    options = [each for each in inspect.signature(function).parameters.values() if each.kind is each.KEYWORD_ONLY]
    return st.fixed_dictionaries({}, optional={each.name: values(each.annotation) for each in options})


def votes_of(case: dict, tau: float) -> np.ndarray:
    shares = case["votes"] / 51
    certain = entropy(shares, axis=1) < tau
    return np.where(certain[:, None], shares.argmax(1)[:, None] == np.arange(case["num_classes"]), shares)


def where_asked(case: dict, given: np.ndarray) -> np.ndarray:
    """What the label got of those who were asked, all of it where nobody was."""
    own = given[np.arange(len(given)), case["labels"]]
    return np.where(case["soft_labels"].any(axis=1), own, 1)


def drawn_of(case: dict, votes_per_image: int = 1, seed: int = 0) -> np.ndarray:
    drawn = first_votes(case["votes"].astype(float), votes_per_image, seed)
    assert (drawn.sum(axis=1) == min(votes_per_image, 51)).all()
    return drawn


def share_of_label(case: dict, votes: np.ndarray) -> np.ndarray:
    return votes[np.arange(len(votes)), case["labels"]] / votes.sum(axis=1)


def adaptive(case: dict, p1: float = 0.9, p2: float = 2.0) -> np.ndarray:
    return 1 - (p2 * (taught(case, 2.0) - p1) ** 2).clip(0, 0.5)


def taught(case: dict, temperature: float = 1.0) -> np.ndarray:
    return softmax(case["teacher_logits"] / temperature, axis=1)[np.arange(len(case["labels"])), case["labels"]]


def shifted(case: dict, epsilon: float = 0.1) -> np.ndarray:
    logits = case["teacher_logits"] - case["teacher_logits"].min(axis=1, keepdims=True)
    total = logits.sum(axis=1)
    share = logits[np.arange(len(logits)), case["labels"]] / np.where(total > 0, total, 1)
    return 1 - epsilon * np.where(total > 0, share, 1 / case["num_classes"])


def scaled(case: dict, mass: str = "confidence", spread: str = "", epsilon: float = 0.1, temperature: float = 1.0):
    confidence = taught(case, temperature)
    return 1 - epsilon * (confidence if mass == "confidence" else 1 - confidence)


def ordered(case: dict, found: np.ndarray) -> np.ndarray:
    """The masses found, given out anew: the surest image gets the largest (of equally sure ones, each keeps its own)."""
    order = np.lexsort((found, taught(case).round(12)))
    expected = np.empty_like(found)
    expected[order] = np.sort(found)
    return expected


# What each source says that the label of the data set gets: (inputs, mass found, **options) -> mass (N,).
MASS_OF_THE_LABEL = {
    "hard": lambda case, found: np.ones(len(found)),
    "majority": lambda case, found: case["votes"].argmax(1) == case["labels"],
    "human": lambda case, found: (case["votes"] / 51)[np.arange(len(found)), case["labels"]],
    "human_thresholded": lambda case, found, tau=0.15: votes_of(case, tau)[np.arange(len(found)), case["labels"]],
    "human_kept": lambda case, found: case["votes"].max(axis=1) / 51,
    "human_sampled": lambda case, found, **options: share_of_label(case, drawn_of(case, **options)),
    "majority_sampled": lambda case, found, **options: drawn_of(case, **options).argmax(axis=1) == case["labels"],
    "dawid_skene": lambda case, found, **options: found,  # what it has to be is in test_dawid_skene.py
    "elicited": lambda case, found: where_asked(case, case["soft_labels"]),
    "human_where_elicited": lambda case, found: where_asked(case, case["votes"] / 51),
    "uniform": lambda case, found, epsilon=0.1: np.full(len(found), 1 - epsilon + epsilon / case["num_classes"]),
    "class_based": lambda case, found, epsilon=0.1: np.full(len(found), 1 - epsilon),
    "teacher": lambda case, found, temperature=1.0: taught(case, temperature),
    "self_distillation": lambda case, found: taught(case),
    "instance_based": lambda case, found, epsilon=0.1, temperature=1.0: np.full(len(found), 1 - epsilon),
    "adaptive_uniform": lambda case, found, **options: adaptive(case, **options),
    "adaptive_instance_based": lambda case, found, temperature=1.0, **options: adaptive(case, **options),
    "shifted_logits": lambda case, found, **options: shifted(case, **options),
    "confidence_scaled": lambda case, found, **options: scaled(case, **options),
    "beta_smoothing": lambda case, found, concentration=9.0: ordered(case, found),
}

CASES = st.builds(
    make_inputs,
    st.integers(0, 10_000),
    st.integers(1, 20),
    st.one_of(st.integers(2, 12), st.integers(2, 1000)),
    st.sampled_from(
        [
            "random", "uniform", "certain", "certain, all others alike", "certain of another class",
            "certain that it is not the label",
        ]
    ),
    st.sampled_from([0.0, 1.0, 30.0, 2000.0]),
)  # fmt: skip


@pytest.mark.parametrize("name", LABEL_SOURCES)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_source_gives_distributions_and_the_label_its_stated_mass(name, data):
    """Fails for a source that is registered without a line in MASS_OF_THE_LABEL."""
    case = data.draw(CASES)
    options = data.draw(in_range(LABEL_SOURCES[name]))
    before = {key: np.copy(value) for key, value in case.items()}
    with np.errstate(all="raise", under="ignore"):
        probs = call(name, case, **options)
    assert probs.dtype == np.float64
    assert probs.shape == (len(case["labels"]), case["num_classes"])
    assert (probs >= 0).all()  # nan is not
    has = labelled(len(probs), options.pop("share_of_images", 1.0), options.get("seed", 0))
    np.testing.assert_allclose(probs.sum(axis=1), has, atol=1e-12)  # of the others zeros
    found = probs[np.arange(len(probs)), case["labels"]]
    np.testing.assert_allclose(found, has * MASS_OF_THE_LABEL[name](case, found, **options), atol=1e-12)
    for key, value in case.items():
        np.testing.assert_array_equal(value, before[key], err_msg=f"{key} was changed in place")


def test_no_source_is_described_that_is_not_registered():
    assert MASS_OF_THE_LABEL.keys() == LABEL_SOURCES.keys()


@pytest.mark.parametrize("name", LABEL_SOURCES)
def test_inputs_are_known_and_in_order(name):
    """The stage and the training loop pass inputs by these names."""
    found = inputs(LABEL_SOURCES[name])
    assert list(found) == [each for each in ORDER if each in found]


def test_online_sources_need_the_student():
    online = {name: inputs(source) for name, source in LABEL_SOURCES.items() if "student_logits" in inputs(source)}
    assert online == {
        "beta_smoothing": ("labels", "student_logits", "seed"),
    }


@pytest.mark.parametrize("name", [name for name in LABEL_SOURCES if name not in OF_THE_BATCH])
def test_the_labels_of_an_image_do_not_depend_on_the_others(name):
    case = make_inputs(0, 12, 5, scale=2.0)
    chosen = np.array([7, 2, 3])
    some = {key: value[chosen] if isinstance(value, np.ndarray) else value for key, value in case.items()}
    np.testing.assert_allclose(call(name, some), call(name, case)[chosen], rtol=1e-13)


@pytest.mark.parametrize("name", LABEL_SOURCES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int16, torch.uint8])
def test_tensors_give_tensors_whatever_their_numbers(name, dtype):
    """The values are those of the same numbers in float64, and no gradient goes through them."""
    arrays = make_inputs(0, 8, 5, scale=20.0)
    logits = torch.as_tensor(arrays["teacher_logits"]).abs().to(dtype)
    tensors = {
        key: torch.as_tensor(value) if isinstance(value, np.ndarray) else value for key, value in arrays.items()
    } | {
        key: logits.clone().requires_grad_(dtype.is_floating_point) for key in LOGITS
    }  # fmt: skip
    found = call(name, tensors)
    assert isinstance(found, torch.Tensor)
    assert found.dtype == torch.float64
    assert not found.requires_grad
    exact = logits.double().numpy()
    np.testing.assert_array_equal(found.numpy(), call(name, arrays | dict.fromkeys(LOGITS, exact)))


@pytest.mark.parametrize("name", LABEL_SOURCES)
def test_no_images_give_no_labels(name):
    case = make_inputs(0, 3, 4)
    none = {key: value[:0] if isinstance(value, np.ndarray) else value for key, value in case.items()}
    assert call(name, none).shape == (0, 4)


@pytest.mark.parametrize("name", LABEL_SOURCES)
def test_options_have_defaults_that_params_accept(name):
    assert call(name, make_inputs(0, 3, 4), **check(LABEL_SOURCES[name], {})).shape == (3, 4)


@pytest.mark.parametrize(
    ("function", "arguments", "options", "message"),
    [
        (uniform, ([0], 3), {"epsilon": 1.5}, "epsilon: found 1.5"),
        (uniform, ([3], 3), {}, "labels: found values 3 to 3; allowed: 0 to 2"),
        (uniform, ([-1], 3), {}, "labels: found values -1 to -1; allowed: 0 to 2"),
        (uniform, ([0.5], 3), {}, "labels: found float64"),
        (uniform, ([[0]], 3), {}, r"labels: found int64 of shape \(1, 1\)"),
        (uniform, ([0], 1), {}, "num_classes: found 1"),
        (hard, ([0], 2.5), {}, "num_classes: found 2.5; allowed: a non-negative integer"),
        (teacher, (np.array([[np.nan, 0]]),), {}, "teacher_logits: found a value that is not finite"),
        (teacher, (np.zeros(3),), {}, r"teacher_logits: found float64 of shape \(3,\); allowed: numbers of shape \(N, K\)"),
        (teacher, (np.array([["a", "b"]]),), {}, "teacher_logits: found <U1"),
        (teacher, (np.zeros((1, 3)),), {"temperature": -1}, "temperature: found -1"),
        (self_distillation, (np.zeros((4, 1)),), {}, "num_classes: found 1; allowed: at least 2"),
        (human, (np.array([[0, 0]]),), {}, "an image without votes"),
        (human, (np.array([[3, -1]]),), {}, "votes: found a negative count"),
        (human_thresholded, (np.array([[3, 1]]),), {"tau": -1}, "tau: found -1"),
        (human_kept, ([0, 1], np.array([[3, 1]])), {}, r"votes: found shape \(1, 2\); allowed: \(2, 2\)"),
        (elicited, ([0], np.array([[0.9, 0.2]])), {}, "soft_labels: found 'a row that is no distribution'; allowed: prob"),
        (elicited, ([0], np.array([[1.5, -0.5]])), {}, "soft_labels: found 'a row that is no distribution'"),
        (elicited, ([0, 1], np.array([[1.0, 0.0]])), {}, r"soft_labels: found shape \(1, 2\); allowed: \(2, 2\)"),
        (human_where_elicited, ([0], np.array([[0, 0]]), np.array([[1.0, 0.0]])), {}, "an image without votes"),
        (human_where_elicited, ([0], np.array([[2, 1]]), np.array([[0.4, 0.4]])), {}, "soft_labels: found"),
        (human_sampled, (np.array([[0.5, 0.5]]),), {}, "votes: found 'shares of votes'; allowed: whole counts"),
        (human_sampled, (np.array([[3, 1]]),), {"votes_per_image": 0}, "votes_per_image: found 0; allowed: at least 1"),
        (human_sampled, (np.array([[0, 0]]),), {}, "an image without votes"),
        (majority_sampled, (np.array([[3, 1]]),), {"seed": -1}, "seed: found -1"),
        (human_sampled, (np.array([[3, 1]]),), {"share_of_images": 0.0}, "share_of_images: found 0.0; allowed: above 0 and at"),
        (majority_sampled, (np.array([[3, 1]]),), {"share_of_images": 1.5}, "share_of_images: found 1.5"),
        (instance_based, ([0], np.zeros((2, 3))), {}, r"teacher_logits: found shape \(2, 3\); allowed: \(1, 3\)"),
        (instance_based, ([0], np.zeros((1, 3))), {"epsilon": -0.1}, "epsilon: found -0.1"),
        (instance_based, ([0], np.zeros((1, 3))), {"temperature": 0}, "temperature: found 0"),
        (class_based, ([0], np.zeros((1, 3))), {"epsilon": 2}, "epsilon: found 2"),
        (adaptive_uniform, ([0], np.zeros((1, 3))), {"p1": 1.1}, "p1: found 1.1"),
        (adaptive_instance_based, ([0], *[np.zeros((1, 3))] * 2), {"temperature": 0}, "temperature: found 0"),
        (adaptive_instance_based, ([0], *[np.zeros((1, 3))] * 2), {"p1": -1}, "p1: found -1"),
        (adaptive_instance_based, ([0], *[np.zeros((1, 3))] * 2), {"p2": -1}, "p2: found -1"),
        (shifted_logits, ([0], np.zeros((1, 3))), {"epsilon": 2}, "epsilon: found 2"),
        (confidence_scaled, ([0], np.zeros((1, 3))), {"mass": "v1"}, "mass: found 'v1'; allowed: confidence, doubt"),
        (confidence_scaled, ([0], np.zeros((1, 3))), {"spread": "even"}, "spread: found 'even'; allowed: uniform, inst"),
        (confidence_scaled, ([0], np.zeros((1, 3))), {"epsilon": 2}, "epsilon: found 2"),
        (confidence_scaled, ([0], np.zeros((1, 3))), {"temperature": 0}, "temperature: found 0"),
        (beta_smoothing, ([0], np.zeros((1, 3)), 0.5), {}, "seed: found 0.5; allowed: a non-negative integer"),
        (beta_smoothing, ([0], np.zeros((1, 3)), -1), {}, "seed: found -1; allowed: a non-negative integer"),
        (beta_smoothing, ([0], np.zeros((1, 3)), 0), {"concentration": 0}, "concentration: found 0"),
        (beta_smoothing, ([0], np.zeros((2, 3)), 0), {}, r"student_logits: found shape \(2, 3\); allowed: \(1, 3\)"),
        (beta_smoothing, ([0], np.full((1, 3), np.inf), 0), {}, "student_logits: found a value that is not finite"),
    ],
)
def test_mistakes_are_one_sentence(function, arguments, options, message):
    arrays = [np.array(each) if isinstance(each, list) else each for each in arguments]
    with pytest.raises(UserError, match=message) as caught:
        function(*arrays, **options)
    assert "\n" not in str(caught.value)


def test_options_are_checked_in_params():
    assert check(confidence_scaled, {"mass": "doubt"}) == {
        "mass": "doubt", "spread": "instance_based", "epsilon": 0.1, "temperature": 1.0
    }  # fmt: skip
    for function, options in (
        (confidence_scaled, {"mass": "v1"}),
        (beta_smoothing, {"concentration": 0}),
        (beta_smoothing, {"seed": 1}),
        (human_sampled, {"votes_per_image": 0}),
        (human_sampled, {"share_of_images": 0}),
        (human_kept, {"seed": 1}),
        (self_distillation, {"temperature": 4}),
    ):
        with pytest.raises(ValueError, match=next(iter(options))):
            check(function, options)
