"""The scores that params name: each against its formula written out, image by image, and at its edges."""

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from softcifar.errors import UserError
from softcifar.metrics import auroc
from softcifar.scores import NAMED_SCORES
from softcifar.scores.fdbd import fdbd
from softcifar.scores.inputs import inputs, needs_linear_layer, scored
from softcifar.scores.knn import directions, knn
from softcifar.scores.mahalanobis import mahalanobis
from softcifar.scores.mahalanobis_perturbed import mahalanobis_perturbed
from softcifar.scores.rmds import rmds
from softcifar.scores.vim import principal, vim

OPTIONS = {"knn": {"neighbours": 5}, "vim": {"dimension": 3}, "mahalanobis_perturbed": {"eps_255": 2.55}}


@pytest.fixture
def given() -> dict[str, np.ndarray]:
    """Three classes of unequal size in six dimensions, features to judge, and a last layer that knows the classes."""
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [30, 50, 20])
    centres = 3 * generator.normal(size=(3, 6))
    train = centres[labels] + generator.normal(size=(100, 6)) * [1, 2, 0.5, 1, 0.1, 0.2]
    return {
        "train": train,
        "labels": labels,
        "features": 3 * generator.normal(size=(40, 6)),
        "weight": centres / 4,
        "bias": generator.normal(size=3),
    }


def one_score(name, given, options=OPTIONS):
    return scored(NAMED_SCORES[name], {"perturbed": perturbed(given["features"])} | given, options.get(name, {}))


def all_scores(given, **changes):
    return {name: one_score(name, given | changes) for name in NAMED_SCORES}


def perturbed(features):
    """Of images that are their own features."""

    def after(distance, step):
        pixels = torch.tensor(np.asarray(features), requires_grad=True)
        (gradient,) = torch.autograd.grad(distance(pixels).sum(), pixels)
        return (pixels - step * gradient.sign()).detach().numpy()

    return after


def test_knn_is_the_distance_to_the_kth_nearest_direction(given):
    train, features = given["train"], given["features"]
    for neighbours in (1, 7, 100):
        expected = []
        for one in features:
            distances = [np.linalg.norm(one / np.linalg.norm(one) - other / np.linalg.norm(other)) for other in train]
            expected.append(sorted(distances)[neighbours - 1])
        np.testing.assert_allclose(knn(train, features, neighbours=neighbours), expected, atol=1e-7)


def test_knn_knows_directions_alone(given):
    scaled = given["features"] * np.geomspace(1e-200, 1e200, 40)[:, None]
    np.testing.assert_allclose(knn(given["train"], scaled), knn(given["train"], given["features"]), atol=1e-7)
    assert directions(np.zeros((1, 3))).tolist() == [[0, 0, 0]]
    np.testing.assert_allclose(knn([[3.0, 4.0]], [[0.0, 0.0], [30.0, 40.0]], neighbours=1), [1, 0], atol=1e-7)


def test_rmds_is_the_nearest_class_less_the_background(given):
    train, labels, features = given["train"], given["labels"], given["features"]
    means = np.stack([train[labels == number].mean(axis=0) for number in range(3)])
    within, background = (np.linalg.inv(np.cov(train - middle, rowvar=False, ddof=0)) for middle in (means[labels], 0))
    expected = [
        min((one - mean) @ within @ (one - mean) for mean in means)
        - (one - train.mean(axis=0)) @ background @ (one - train.mean(axis=0))
        for one in features
    ]
    np.testing.assert_allclose(rmds(train, labels, features), expected, rtol=1e-9)


def test_directions_without_variance_count_for_nothing_in_rmds(given):
    padded = [np.pad(given[name], ((0, 0), (0, 3))) for name in ("train", "features")]
    padded[1][:, -1] = 5.0
    expected = rmds(given["train"], given["labels"], given["features"])
    np.testing.assert_allclose(rmds(padded[0], given["labels"], padded[1]), expected, rtol=1e-9)


def test_rmds_of_a_single_class_is_0(given):
    np.testing.assert_allclose(rmds(given["train"], np.zeros(100), given["features"]), 0, atol=1e-9)


@pytest.mark.parametrize("dimension", [1, 3, 5])
def test_vim_is_the_logarithm_of_the_odds_of_the_virtual_class(given, dimension):
    train, features, weight, bias = (given[name] for name in ("train", "features", "weight", "bias"))
    origin = -np.linalg.pinv(weight) @ bias
    values, vectors = np.linalg.eigh((train - origin).T @ (train - origin))
    kept = vectors[:, np.argsort(-values)[:dimension]]

    def residual(one):
        return np.linalg.norm((one - origin) - kept @ (kept.T @ (one - origin)))

    alpha = np.mean([max(weight @ one + bias) for one in train]) / np.mean([residual(one) for one in train])
    found = vim(train, features, weight, bias, dimension=dimension)
    for one, score in zip(features, found, strict=True):
        logits = np.append(weight @ one + bias, alpha * residual(one))
        virtual = np.exp(logits[-1] - logsumexp(logits))
        assert 1 / (1 + np.exp(-score)) == pytest.approx(virtual, rel=1e-6, abs=1e-12)


def test_vims_dimension_follows_the_width():
    assert {width: principal(width) for width in (2, 84, 128, 512, 513, 768, 2047, 2048, 4096)} == {
        2: 1, 84: 42, 128: 64, 512: 256, 513: 512, 768: 512, 2047: 512, 2048: 1000, 4096: 1000,
    }  # fmt: skip


def test_vim_has_no_score_without_a_residual(given):
    layer = given["weight"], given["bias"]
    with pytest.raises(UserError, match="dimension: found 6 with 6 features; allowed: 1 to 5"):
        vim(given["train"], given["features"], *layer, dimension=6)
    flat = given["train"] * [1, 1, 1, 0, 0, 0]
    with pytest.raises(UserError, match="features lie within as many dimensions; allowed: fewer"):
        vim(flat, given["features"], layer[0] * [1, 1, 1, 0, 0, 0], layer[1], dimension=3)


def test_fdbd_is_the_mean_distance_to_the_boundaries_over_that_from_the_mean(given):
    train, features, weight, bias = (given[name] for name in ("train", "features", "weight", "bias"))
    for one, score in zip(features, fdbd(train, features, weight, bias), strict=True):
        logits = weight @ one + bias
        ours = logits.argmax()
        others = [number for number in range(3) if number != ours]
        distances = []
        for other in others:
            normal = weight[ours] - weight[other]
            shift = (logits[ours] - logits[other]) / (normal @ normal)
            moved = one - shift * normal  # the nearest point of the boundary
            assert (weight[ours] - weight[other]) @ moved + bias[ours] - bias[other] == pytest.approx(0, abs=1e-9)
            distances.append(np.linalg.norm(moved - one))
        assert score == pytest.approx(-np.mean(distances) / np.linalg.norm(one - train.mean(axis=0)))


def test_fdbd_is_finite_in_the_middle_and_without_boundaries(given):
    middle = given["train"].mean(axis=0, keepdims=True)
    same = np.tile(given["weight"][:1], (3, 1))
    assert np.isfinite(fdbd(given["train"], middle, given["weight"], given["bias"])).all()
    assert fdbd(given["train"], given["features"], same, np.zeros(3)).tolist() == [0.0] * 40


def test_the_perturbed_distance_is_the_distance_after_a_step_towards_the_nearest_class(given):
    train, labels, features = given["train"], given["labels"], given["features"]
    asked = []

    def after(distance, step):
        asked.append(step)
        before = distance(torch.tensor(features))
        np.testing.assert_allclose(before.numpy(), mahalanobis(train, labels, features), rtol=1e-9)  # the same distance
        return perturbed(features)(distance, step)

    found = mahalanobis_perturbed(train, labels, after, eps_255=2.55)
    assert asked == [2.55 / 255]
    moved = features.copy()
    for row, one in enumerate(features):
        for place in range(6):
            ends = [mahalanobis(train, labels, [one + sign * 1e-6 * np.eye(6)[place]])[0] for sign in (1, -1)]
            moved[row, place] -= 0.01 * np.sign(ends[0] - ends[1])
    np.testing.assert_allclose(found, mahalanobis(train, labels, moved), rtol=1e-9)
    assert (found < mahalanobis(train, labels, features)).all()


def test_what_each_works_on():
    assert {name: inputs(score) for name, score in NAMED_SCORES.items()} == {
        "knn": ("train", "features"),
        "vim": ("train", "features", "weight", "bias"),
        "rmds": ("train", "labels", "features"),
        "fdbd": ("train", "features", "weight", "bias"),
        "mahalanobis_perturbed": ("train", "labels", "perturbed"),
    }
    assert [name for name, score in NAMED_SCORES.items() if needs_linear_layer(score)] == ["vim", "fdbd"]


@pytest.mark.parametrize("name", NAMED_SCORES)
def test_other_directions_are_novel(name):
    """Features of half as many dimensions as there are, and novel ones in the others: every score is higher there."""
    generator = np.random.default_rng(1)
    centres = np.pad(4 * np.eye(5), ((0, 0), (0, 5)))
    labels = generator.integers(5, size=400)
    train, known = (centres[labels] + 0.3 * generator.normal(size=(400, 10)) for _ in range(2))
    novel = 0.3 * generator.normal(size=(400, 10)) + np.pad(generator.uniform(1, 3, size=(400, 5)), ((0, 0), (5, 0)))
    given = {"train": train, "labels": labels, "weight": centres, "bias": np.zeros(5)}
    step = {"mahalanobis_perturbed": {"eps_255": 2.55}}
    ours, theirs = (one_score(name, given | {"features": each}, step) for each in (known, novel))
    assert ours.shape == (400,)
    assert ours.dtype == np.float64
    assert auroc(ours, theirs) > 0.9


def test_the_images_that_are_judged_together_do_not_matter(given):
    together = all_scores(given)
    alone = all_scores(given, features=given["features"][7:8])
    for name, values in together.items():
        np.testing.assert_allclose(alone[name], values[7:8], rtol=1e-9, atol=1e-7)


def test_float32_features_do(given):
    small = {name: values.astype(np.float32) if values.dtype == np.float64 else values for name, values in given.items()}
    for name, values in all_scores(small).items():
        np.testing.assert_allclose(values, all_scores(given)[name], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NAMED_SCORES)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": np.ones((2, 5))}, "shapes"),
        ({"train": np.full((100, 6), np.nan)}, "train: found a value that is not finite"),
        ({"features": np.full((1, 6), np.inf)}, "features: found a value that is not finite"),
    ],
)
def test_bad_features_are_refused(name, given, changes, message):
    with pytest.raises(UserError, match=message):
        one_score(name, given | {"perturbed": lambda *_: changes.get("features", given["features"])} | changes)


def test_bad_layers_and_too_many_neighbours_are_refused(given):
    train, features, weight, bias = (given[name] for name in ("train", "features", "weight", "bias"))
    for score in (vim, fdbd):
        with pytest.raises(UserError, match=r"weight: shapes \(3, 5\), \(3,\); \(K, 6\), \(K,\) with K of 2 or more is needed"):
            score(train, features, weight[:, :5], bias)
        with pytest.raises(UserError, match="weight: shapes"):
            score(train, features, weight[:1], bias[:1])
        with pytest.raises(UserError, match="weight: found a value that is not finite"):
            score(train, features, weight, [np.nan, 0, 0])
    with pytest.raises(UserError, match="neighbours: found 101 with 100 training images"):
        knn(train, features, neighbours=101)
