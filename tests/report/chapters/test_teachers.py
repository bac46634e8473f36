"""Teachers are compared by what they say of single images."""

import numpy as np
import pytest
from scipy import stats

from softcifar import metrics
from tests.report.fixture import row


def test_teachers_are_told_apart_by_what_they_say_of_single_images(study, tables):
    train = np.load(study[0] / "data/study/train.npz")
    logits = np.load(study[0] / "models/teachers/crossfitted/logits.npz")["logits"]
    probs = metrics.predictive(logits[None])
    shown = row(tables["teachers"], teacher="crossfitted")
    assert shown["way"] == "cross-fitted, 5 folds"
    assert shown["label_probability"] == pytest.approx(probs[np.arange(200), train["labels"]].mean())
    assert shown["human_kl"] == pytest.approx(metrics.kl_divergence(train["votes"] / 51, probs))
    ranks = stats.spearmanr(metrics.entropy(probs), metrics.entropy(train["exact"])).statistic
    assert shown["exact_entropy_rank_correlation"] == pytest.approx(ranks)
    insample = row(tables["teachers"], teacher="insample")
    assert insample["way"] == "in-sample"
    assert insample["instance_information"] < 0.1 * shown["instance_information"]
