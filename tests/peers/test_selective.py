"""Risk and coverage against torch-uncertainty: AURC, AUGRC and coverage at 5 % risk."""

import numpy as np
import pytest
import torch
from scipy.integrate import trapezoid

from softcifar.metrics.selective import augrc, coverage_at_risk, risk_coverage
from softcifar.scores.max_probability import max_probability
from tests.peers.conftest import peer


def cases(count):
    """Probabilities without ties, labels, and which answers are wrong with the doubt about each."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        images, classes = int(rng.integers(50, 400)), int(rng.integers(3, 10))
        logits = 2 * rng.standard_normal((images, classes))
        labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
        probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        yield probs, labels, max_probability(logits[None]), probs.argmax(axis=1) != labels


def theirs(name, probs, labels):
    metric = getattr(peer("torch_uncertainty.metrics"), name)()
    metric.update(torch.tensor(probs), torch.tensor(labels))
    return metric.compute().item()


def test_the_areas_are_trapezoids_of_our_curve():
    """Theirs are trapezoids from 1 answer to N, stretched to a width of 1; the curve under them is the same."""
    for probs, labels, doubt, wrong in cases(20):
        coverage, risk = risk_coverage(doubt, wrong)
        width = 1 - 1 / len(risk)
        assert theirs("AURC", probs, labels) == pytest.approx(trapezoid(risk, coverage) / width, abs=1e-5)
        found = theirs("AUGRC", probs, labels)
        assert found == pytest.approx(trapezoid(coverage * risk, coverage) / width, abs=1e-5)
        assert found * width == pytest.approx(augrc(doubt, wrong), abs=1 / len(risk) ** 2)


def test_coverage_at_five_per_cent_risk_is_theirs():
    compared = 0
    for probs, labels, doubt, wrong in cases(40):
        found = theirs("CovAt5Risk", probs, labels)
        if not np.isnan(found):  # theirs also where the first answers are wrong
            assert found == pytest.approx(coverage_at_risk(doubt, wrong, risk=0.05), abs=1e-5)
            compared += 1
    assert compared > 10
