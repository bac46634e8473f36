"""Teachers are compared by what they say of single images."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from softcifar import metrics
from softcifar.report.chapters.teachers.table import comparisons
from softcifar.report.core.tables import Table
from tests.report.fixture import read, row, study_of


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


def said(study, kl: dict[str, tuple[float, float]]) -> list[str]:
    """The sentences where the two teachers, (as it is, scaled), are so far from people and from the exact distribution."""
    columns = ("human_kl", "human_kl_scaled", "exact_kl", "exact_kl_scaled")
    frame = pd.DataFrame([{"teacher": name, **dict(zip(columns, (*far, *far), strict=True))} for name, far in kl.items()])
    return comparisons(study_of(read(*study)), Table("teachers", "", "", [], [], frame))


def test_which_teacher_lies_nearer_is_read_from_the_table(study):
    people, exact = said(study, {"crossfitted": (0.564, 0.4), "insample": (0.244, 0.5)})
    assert people == (
        "insample (in-sample) lies nearer to people's votes than crossfitted (cross-fitted), KL .244 against .564 nats, "
        "but not after temperature scaling, .500 against .400"
    )
    assert exact == people.replace("people's votes", "the exact distribution")
    people, _ = said(study, {"crossfitted": (0.2, 0.3), "insample": (0.3, 0.31)})
    assert people.startswith("crossfitted (cross-fitted) lies nearer to people's votes than insample (in-sample), KL .200 ag")
    assert people.endswith("also after temperature scaling, .300 against .310")


def test_teachers_that_differ_in_more_than_folds_are_not_held_against_each_other(study):
    root, params = study
    other = {**params["teachers"]["insample"], "epochs": 99}
    changed = (root, params | {"teachers": params["teachers"] | {"insample": other}})
    assert said(changed, {"crossfitted": (0.1, 0.1), "insample": (0.2, 0.2)}) == []
