"""What every metric accepts (arrays, lists, tensors) and refuses (one clear sentence)."""

import inspect
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from softcifar import metrics
from softcifar.calibrators.temperature import fit_temperature
from softcifar.errors import UserError
from softcifar.scores import LOGIT_SCORES
from softcifar.scores.energy import energy

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(3, 40, 4)).astype(np.float32) * 2
PROBS = metrics.predictive(LOGITS)
TARGETS = RNG.multinomial(9, [0.4, 0.3, 0.2, 0.1], 40) / 9
LABELS = RNG.integers(4, size=40)

AGAINST_LABELS = [
    metrics.accuracy,
    metrics.negative_log_likelihood,
    metrics.brier_score,
    metrics.expected_calibration_error,
    metrics.maximum_calibration_error,
    metrics.adaptive_calibration_error,
    metrics.classwise_calibration_error,
    metrics.overconfidence_error,
    metrics.reliability_bins,
    metrics.class_similarity,
    metrics.instance_information,
]
AGAINST_TARGETS = [
    metrics.human_cross_entropy,
    metrics.kl_divergence,
    metrics.total_variation,
    metrics.brier_to_distribution,
    metrics.second_guess_accuracy,
    metrics.entropy_correlation,
    metrics.entropy_rank_correlation,
    metrics.same_prediction,
]
SEPARATION = [metrics.auroc, metrics.average_precision, metrics.fpr_at_tpr]
FROM_LOGITS = [metrics.predictive, *LOGIT_SCORES.values()]

CALLS = [
    *((metric, (PROBS, LABELS)) for metric in AGAINST_LABELS),
    *((metric, (PROBS, TARGETS)) for metric in AGAINST_TARGETS),
    *((metric, (PROBS[:30, 0], PROBS[:, 1])) for metric in SEPARATION),
    *((metric, (LOGITS,)) for metric in FROM_LOGITS),
    (metrics.entropy, (PROBS,)),
    (metrics.structure_distance, (PROBS, TARGETS, LABELS)),
    (metrics.silhouette, (LOGITS[0], LABELS)),
    (fit_temperature, (LOGITS, LABELS)),
    (metrics.mean_and_standard_error, (PROBS[:, 0],)),
    (metrics.over_runs, (PROBS[:, 0],)),
    (metrics.holm, (PROBS[:, 0],)),
]


def name(value):
    return getattr(value, "__name__", None)


def tensor(array):
    made = torch.tensor(array)
    return made.requires_grad_() if made.is_floating_point() else made


@pytest.mark.parametrize(("metric", "arguments"), CALLS, ids=name)
def test_tensors_and_lists_give_what_arrays_give(metric, arguments):
    expected = metric(*arguments)
    np.testing.assert_equal(metric(*(tensor(a) for a in arguments)), expected)
    np.testing.assert_equal(metric(*(a.tolist() for a in arguments)), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize(("metric", "arguments"), CALLS, ids=name)
def test_tensors_on_a_gpu(metric, arguments):
    np.testing.assert_equal(metric(*(tensor(a).cuda() for a in arguments)), metric(*arguments))


@pytest.mark.parametrize(("metric", "arguments"), CALLS, ids=name)
def test_inputs_are_left_as_they_were(metric, arguments):
    before = [a.copy() for a in arguments]
    metric(*arguments)
    for kept, array in zip(before, arguments, strict=True):
        np.testing.assert_array_equal(array, kept)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_low_precision_is_widened_not_refused(dtype):
    # bfloat16 keeps 8 bits: rows sum to 1 within .4 % and the score moves by about as much.
    probs = torch.tensor(PROBS).to(dtype)
    assert metrics.negative_log_likelihood(probs, torch.tensor(LABELS)) == pytest.approx(
        metrics.negative_log_likelihood(PROBS, LABELS), abs=0.01
    )
    np.testing.assert_allclose(energy(torch.tensor(LOGITS).to(dtype)), energy(LOGITS), atol=0.05)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_any_integer_type_is_a_label(dtype):
    assert metrics.accuracy(PROBS, LABELS.astype(dtype)) == metrics.accuracy(PROBS, LABELS)


@pytest.mark.parametrize("metric", AGAINST_LABELS, ids=name)
@pytest.mark.parametrize(
    ("probs", "labels", "message"),
    [
        (np.zeros((0, 4)), np.zeros(0, int), r"probs: shape \(0, 4\)"),
        ([], [], r"probs: shape \(0,\)"),
        ([[1.0]], [0], r"probs: shape \(1, 1\)"),
        (PROBS[0], LABELS[0], r"probs: shape \(4,\)"),
        (PROBS[None], LABELS, r"probs: shape \(1, 40, 4\)"),
        (PROBS, LABELS[:-1], r"labels: shape \(39,\); \(40,\)"),
        (PROBS, np.eye(4, dtype=int)[LABELS], r"labels: shape \(40, 4\)"),
        (PROBS, LABELS + 1, "labels: values from 1 to 4; 0 to 3"),
        (PROBS, LABELS - 1, "labels: values from -1 to 2"),
        (PROBS, LABELS.astype(float), "labels: holds float64"),
        (LOGITS[0], LABELS, "not logits"),
        (np.abs(LOGITS[0]) / 100, LABELS, "a row sums to"),
        (PROBS * 100, LABELS, "probabilities in"),
        (np.where(np.arange(4) == 2, np.nan, PROBS), LABELS, "values from nan"),
        ([[0.5, 0.5], [1.0]], [0, 0], "probs: rows of different lengths"),
        ([["a", "b"]], [0], "probs: holds"),
        (None, [0], "probs: holds object"),
    ],
)
def test_mistakes_against_labels(metric, probs, labels, message):
    with pytest.raises(UserError, match=message):
        metric(probs, labels)


@pytest.mark.parametrize("metric", AGAINST_TARGETS, ids=name)
@pytest.mark.parametrize(
    ("probs", "targets"),
    [(PROBS, TARGETS[:-1]), (PROBS, TARGETS[:, :3] / TARGETS[:, :3].sum(1, keepdims=True)), (PROBS, TARGETS * 9)],
)
def test_mistakes_against_targets(metric, probs, targets):
    with pytest.raises(UserError, match="target_probs: "):
        metric(targets, probs) if metric is metrics.kl_divergence else metric(probs, targets)


@pytest.mark.parametrize("metric", FROM_LOGITS, ids=name)
@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (LOGITS[0], r"logits: shape \(40, 4\)"),
        (LOGITS[:, :0], r"logits: shape \(3, 0, 4\)"),
        (LOGITS[:0], r"logits: shape \(0, 40, 4\)"),
        (np.where(LOGITS > 3, np.nan, LOGITS), "NaN or infinite"),
        (np.where(LOGITS > 3, np.inf, LOGITS), "NaN or infinite"),
    ],
)
def test_mistakes_in_logits(metric, logits, message):
    with pytest.raises(UserError, match=message):
        metric(logits)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_temperature(LOGITS[None], LABELS), r"logits: shape \(1, 3, 40, 4\)"),
        (lambda: fit_temperature(LOGITS, LABELS[:5]), r"labels: shape \(5,\)"),
        (lambda: metrics.predictive(LOGITS, 0), "temperature: 0 found"),
        (lambda: metrics.predictive(LOGITS, "1"), "temperature: '1' found"),
        (lambda: metrics.expected_calibration_error(PROBS, LABELS, bins=0), "bins: 0 found"),
        (lambda: metrics.classwise_calibration_error(PROBS, LABELS, bins=2.5), "bins: 2.5 found"),
        (lambda: metrics.adaptive_calibration_error(PROBS, LABELS, bins=-1), "bins: -1 found"),
        (lambda: metrics.expected_calibration_error(PROBS, LABELS, side="middle"), "side: 'middle' found"),
        (lambda: metrics.average_precision([1], [2], positive="ood"), "positive: 'ood' found"),
        (lambda: metrics.fpr_at_tpr([1], [2], tpr=0), "tpr: 0 found"),
        (lambda: metrics.fpr_at_tpr([1], [2], tpr=95), "tpr: 95 found"),
        (lambda: metrics.mean_and_standard_error([]), r"values: shape \(0,\)"),
        (lambda: metrics.over_runs([1, 2], [0]), r"split: shape \(1,\)"),
        (lambda: metrics.holm([0.5, 1.5]), "p_values"),
        (lambda: metrics.holm([[0.5]]), "p_values"),
    ],
)
def test_mistakes_in_options(call, message):
    with pytest.raises(UserError, match=message):
        call()


@pytest.mark.parametrize("metric", SEPARATION, ids=name)
@pytest.mark.parametrize("bad", [[], [[1.0]], 3.0, [np.nan, 1.0]])
def test_mistakes_in_scores(metric, bad):
    with pytest.raises(UserError, match="scores_in: "):
        metric(bad, [1.0])
    with pytest.raises(UserError, match="scores_out: "):
        metric([1.0], bad)


def test_torch_is_not_imported():
    code = "import sys, softcifar.metrics; sys.exit('torch' in sys.modules or 'sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


PUBLIC = [name for name in metrics.__all__ if inspect.isfunction(getattr(metrics, name))]


@pytest.mark.parametrize("name", PUBLIC)
def test_help_says_the_shapes_in_place(name):
    """Nobody who asks for help() should have to look up another function's."""
    function = getattr(metrics, name)
    said = inspect.getdoc(function)
    assert not re.search(r"as (above|below|in `)", said)
    arrays = [each for each, kind in inspect.signature(function).parameters.items() if kind.annotation in (object, "object")]
    for each in arrays:
        assert re.search(rf"\b{each}\b[^.]*\([^)]*[NMDn.]", said), each
