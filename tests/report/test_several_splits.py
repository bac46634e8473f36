"""A report of two splits. Both are copies of one split, so their mean is what that split gives, run by run."""

import json
import shutil
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from softcifar.data.splits import write_splits
from softcifar.errors import UserError
from softcifar.files import read_npz, write_npz
from softcifar.report.chapters import read_students
from softcifar.report.chapters.agreement import entropies
from softcifar.report.chapters.decisions import guarantee, risk_coverage, selective, set_sizes, sets
from softcifar.report.chapters.run.facts import students as of_the_run
from softcifar.report.chapters.summary.tables import summary
from softcifar.report.chapters.teachers import table as teachers
from softcifar.report.chapters.tuning import searches
from softcifar.report.core.drawing import RC
from tests.report.fixture import STUDENTS, make_study, name_scores, read

CHOSEN = {name: STUDENTS[name] for name in ("hard", "human", "relaxed")}


def doubled(root: Path, params: dict) -> dict:
    """Make the study below `root` one of two equal splits; its params. The second is made the second by its test labels alone,
    which stand in another order, as do the logits for them."""
    turned = {}
    for path in (root / "data/study").glob("*.npz"):
        arrays = read_npz(path)
        count = len(arrays["labels"])
        rows = np.stack([np.arange(count), np.roll(np.arange(count), 7 if path.stem == "test" else 0)])
        write_npz(path, **arrays, rows=rows)
        turned[path.stem] = rows[1]
    for path in (root / "data/labels").glob("*.npz"):
        write_splits(path, [read_npz(path)] * 2)
    for item in (*(root / "scores").glob("[ns][oth]*/*"), *(root / "models/teachers").iterdir()):
        shutil.copytree(item, item.parent / "copy/split_0")
        shutil.move(item, item.parent / "copy/split_1")
        shutil.move(item.parent / "copy", item)
        for name in ("logits.npz", "novelty.npz") if "scores" in item.parts else ():
            if (item / "split_1" / name).exists():
                arrays = read_npz(item / "split_1" / name)
                write_npz(item / "split_1" / name, **arrays | {"test": arrays["test"].take(turned["test"], axis=2)})
    params = json.loads(json.dumps(params))
    params["data"]["splits"] = 2
    params["seeds"]["runs"] *= 2
    return params


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """(study of one split, of two, folder and params of the second)"""
    root = tmp_path_factory.mktemp("doubled")
    params = name_scores(root, make_study(root, students=CHOSEN, images=60), {"hard": ("knn", "vim")})
    places = {"data": root / "data", "scores": root / "scores", "models": root / "models"}
    one = read_students(params, **places)
    two = doubled(root, params)
    return one, read_students(two, **places), (root, two)


def test_every_run_has_the_numbers_of_its_own_split(both):
    one, two, _ = both
    keys = ["student", "metric", "set", "score"]
    changed = ["fgsm_accuracy", "pgd_accuracy", "random_search_accuracy", "transfer_hard_accuracy"]  # not turned
    columns = [study.numbers[study.numbers["kind"] == "run"] for study in (one, two)]
    columns = [each[~each["metric"].isin(changed) & ~each["metric"].str.startswith("shift_")] for each in columns]
    columns = [each[each["metric"] != "silhouette"] for each in columns]  # of images by their places
    before, after = (each.set_index([*keys, "seed"])["value"] for each in columns)
    assert len(after) == 2 * len(before)
    assert {"accuracy", "nll", "ece", "auroc", "cross_entropy", "structure_distance"} <= set(columns[1]["metric"])
    assert {"ddu", "knn", "vim"} <= set(columns[1]["score"])
    for (*key, seed), value in after.items():  # run 2 j + s is run j of split s
        assert value == pytest.approx(before[(*key, seed // 2)], rel=1e-9, nan_ok=True)


def test_there_is_no_ensemble_and_the_notes_say_so(both):
    one, two, _ = both
    assert set(one.numbers["kind"]) == {"run", "ensemble"}
    assert set(two.numbers["kind"]) == {"run"}
    assert (two.design.splits, two.design.other_tests) == (2, False)  # the same images in both
    assert two.design.repeated  # six runs


def test_a_value_that_splits_choose_differently(both):
    _, _, (root, params) = both
    path = root / "scores/students/relaxed/split_1/about.json"
    about = json.loads(path.read_text())
    assert about["choice"] == 0
    path.write_text(json.dumps(about | {"choice": 2}))
    results = read(root, params)
    assert results.students["relaxed"].choices == [0, 2]
    assert searches.searches(results)[0].chosen == {"relaxed": [0, 2]}
    study = read_students(params, data=root / "data", scores=root / "scores", models=root / "models")
    row = searches.table(study).frame.iloc[0]
    assert (row["chosen"], row["place"]) == ("0.05 or 0.2", "lowest or highest")
    assert searches.at_edge(row["place"])
    assert row["validation_nll"] == pytest.approx(np.mean([about["validation"]["nll"][choice] for choice in (0, 2)]))
    header, rows = of_the_run(results)
    assert "loss.alpha 0.05 or loss.alpha 0.2" in rows[2][header.index("chosen on validation")]
    path.write_text(json.dumps(about))


def test_numbers_of_teachers_are_means_over_splits(both):
    one, two, _ = both
    pd.testing.assert_frame_equal(teachers.table(one).frame, teachers.table(two).frame)


def test_scores_of_another_number_of_images_are_refused(both):
    _, _, (root, params) = both
    path = root / "scores/students/human/split_1/logits.npz"
    arrays = read_npz(path)
    write_npz(path, **arrays | {"test": arrays["test"][:, :, 1:]})
    with pytest.raises(UserError, match=r"split_1/logits.npz: 'test' has shape \(3, 1, 59, 5\)"):
        read(root, params)
    write_npz(path, **arrays)


def test_notes_of_tables_say_what_the_spread_is_of(both):
    notes = [summary(study).note for study in both[:2]]
    assert ["Spread and tests are over runs on the same images" in note for note in notes] == [True, False]
    assert "run r on split r modulo 2" in notes[1]
    assert "There are no ensembles" in notes[1]
    drawn = [entropies.draw(study) for study in both[:2]]
    assert ["of split 0" in each.reading for each in drawn] == [False, True]


def test_decisions_are_those_of_each_runs_own_split(both):
    """Thresholds, norms and refusals of a run come from the validation images of its split, so the means are those of one."""
    one, two, _ = both
    for table in (selective.table, selective.by_score, sets.table, sets.by_class, sets.by_student):
        before, after = (table(study).frame for study in (one, two))
        if "kind" in before:  # several splits have no ensembles
            before = before[before["kind"] == "run"].reset_index(drop=True)
        means = [column for column in before if column != "n" and not column.endswith(("_se", "_mark"))]
        pd.testing.assert_frame_equal(before[means], after[means], check_exact=False, rtol=1e-9)
    assert guarantee.in_words(one) == guarantee.in_words(two)
    assert selective.answer(one) == selective.answer(two)


def test_decisions_of_several_splits_are_drawn(both):
    for draw in (risk_coverage.draw, set_sizes.draw):
        with mpl.rc_context(RC):
            one, two = (draw(study) for study in both[:2])
        assert one.described == two.described
        assert len(one.figure.axes) == len(two.figure.axes)
