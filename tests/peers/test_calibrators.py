"""Temperature scaling against torch-uncertainty and scikit-learn: the temperature and the likelihood that it reaches."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from sklearn.metrics import log_loss

from softcifar.calibrators.temperature import fit_temperature
from tests.peers.conftest import peer


def cases(count, seed=0):
    """Logits float32 (N, K) that are too sure, or not sure enough, by a factor, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        images, classes = int(rng.integers(200, 800)), int(rng.integers(2, 12))
        logits = 2 * rng.standard_normal((images, classes))
        labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
        yield (logits * rng.uniform(0.4, 4)).astype(np.float32), labels


def nll(logits, labels, temperature):
    return log_loss(labels, softmax(logits.astype(float) / temperature, axis=1), labels=np.arange(logits.shape[1]))


def test_the_temperature_is_torch_uncertaintys():
    scaler = peer("torch_uncertainty.post_processing").TemperatureScaler
    for logits, labels in cases(12):
        theirs = scaler(lr=0.1, max_iter=200)
        data = torch.utils.data.TensorDataset(torch.tensor(logits), torch.tensor(labels))
        theirs.fit(torch.utils.data.DataLoader(data, batch_size=len(labels)), progress=False)
        there = theirs.temperature[0].item()
        ours = fit_temperature(logits[None], labels)
        assert nll(logits, labels, ours) <= nll(logits, labels, there) + 1e-7
        assert ours == pytest.approx(there, rel=5e-3)


def test_no_other_temperature_is_more_likely():
    for logits, labels in cases(25, seed=1):
        ours = fit_temperature(logits[None], labels)
        rows = np.arange(len(labels))
        grid = np.geomspace(0.05, 20, 400)
        best = min(-log_softmax(logits.astype(float) / each, axis=1)[rows, labels].mean() for each in grid)
        assert nll(logits, labels, ours) <= best + 1e-9
