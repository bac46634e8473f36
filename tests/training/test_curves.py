"""Learning curves while they grow: rows appear as epochs end, other students' stay, and the report's columns are theirs."""

import pandas as pd
import pytest

from softcifar.training.curves import COLUMNS, Curves

ROW = {"epoch": 1, "lr": 0.1, "train_loss": 2.0, "validation_nll": 1.5, "validation_accuracy": 0.4, "validation_ece": 0.1}


def read(path) -> pd.DataFrame:
    return pd.read_csv(path)


def test_rows_are_there_as_soon_as_they_are_added(tmp_path):
    path = tmp_path / "plots/learning_curves.csv"
    curves = Curves(path, "hard")
    assert not path.exists()
    curves.add("", 0, [ROW])
    curves.add("", 1, [ROW, ROW | {"epoch": 2, "validation_nll": 1.25}])
    assert read(path)[["student", "seed", "epoch", "validation_nll"]].to_numpy().tolist() == [
        ["hard", 0, 1, 1.5], ["hard", 1, 1, 1.5], ["hard", 1, 2, 1.25],
    ]  # fmt: skip


def test_a_student_that_starts_again_drops_its_own_rows_alone(tmp_path):
    path = tmp_path / "plots/learning_curves.csv"
    for name, values in (("hard", ""), ("hard_crop", ""), ("hard", "lr 0.1")):
        Curves(path, name).add(values, 0, [ROW])
    assert read(path)["student"].tolist() == ["hard_crop", "hard lr 0.1"]
    curves = Curves(path, "hard")
    assert "hard lr 0.1" in read(path)["student"].tolist()  # one that fails at once leaves the file alone
    curves.add("", 0, [ROW])
    assert read(path)["student"].tolist() == ["hard_crop", "hard"]


def test_epochs_without_validation_are_no_rows(tmp_path):
    path = tmp_path / "plots/learning_curves.csv"
    Curves(path, "hard").add("", 0, [{"epoch": 1, "lr": 0.1, "train_loss": 2.0}])
    assert not path.exists()


@pytest.mark.parametrize("found", [b"no,such\n1,2\n", b"\xff\xfe\x00", b"student,seed\nh\x00rd,1\n", b""])
def test_a_damaged_file_is_started_anew(tmp_path, found):
    path = tmp_path / "plots/learning_curves.csv"
    path.parent.mkdir()
    path.write_bytes(found)
    Curves(path, "hard").add("", 0, [ROW])
    assert read(path)["student"].tolist()[-1] == "hard"
    assert list(read(path)) == list(COLUMNS)


def test_half_a_line_of_a_killed_run_does_not_swallow_the_next_one(tmp_path):
    path = tmp_path / "plots/learning_curves.csv"
    curves = Curves(path, "hard")
    curves.add("", 0, [ROW])
    with open(path, "a") as file:
        file.write("hard,0,1,0.")
    curves.add("", 1, [ROW])
    assert read(path).iloc[-1][["student", "seed", "epoch"]].tolist() == ["hard", 1, 1]
