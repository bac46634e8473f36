"""The bench: what it counts and computes, by hand; and that a run in miniature ends in the table and the file it promises."""

import csv
import importlib.metadata
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from bench import machine, parity, roofline, rows, studies
from bench.__main__ import main
from bench.apart import Apart
from bench.inputs import MANIFEST
from softcifar.errors import UserError
from softcifar.files import write_csv
from softcifar.models.build import build
from softcifar.params.study import load
from tests.conftest import ROOT

WHERE = {"device": "cpu", "precision": "float32", "threads": 1, "workers": 2}


def small() -> nn.Module:
    """conv 3 -> 8, 3x3, stride 2, on 6x6: 8x3x3 out; batch norm; ReLU; linear 72 -> 5."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(72, 5)
    )


def test_roofline_counts_by_hand():
    network = small().train()
    found = roofline.counts(network, torch.zeros(3, 6, 6))
    conv, linear = found.products
    # 72 outputs of 27 multiplications and additions; 5 of 72.
    assert conv == roofline.Product(operations=2 * 72 * 27, inputs=108, outputs=72, weights=216, first=True)
    assert linear == roofline.Product(operations=2 * 5 * 72, inputs=72, outputs=5, weights=360, first=False)
    # Batch norm: read forward, read and its gradient written backward; ReLU: written forward, its gradient read backward.
    assert found.between == 3 * 72 + 2 * 72
    assert found.parameters == 216 + 16 + 360 + 5
    assert network.training  # left as it was, and its statistics too
    assert network[1].num_batches_tracked == 0


@pytest.mark.parametrize("name", ["resnet8", "resnet20", "resnet18"])
def test_roofline_counts_the_operations_that_torch_counts(name):
    network, images = build(name, 10), torch.zeros(2, 3, 32, 32)
    with FlopCounterMode(display=False) as counter:
        network(images).sum().backward()
    products = roofline.counts(network, images[0]).products
    assert [each.first for each in products] == [True] + [False] * (len(products) - 1)
    assert 2 * sum(each.operations * (2 if each.first else 3) for each in products) == counter.get_total_flops()


def test_identity_shortcuts_are_read_twice():
    plain = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
    with_shortcut = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Identity())
    image = torch.zeros(3, 5, 5)
    assert roofline.counts(with_shortcut, image).between - roofline.counts(plain, image).between == 2 * 4 * 25


def test_roofline_time_is_the_longer_of_operations_and_bytes_of_each_layer():
    first = roofline.Product(operations=100, inputs=10, outputs=20, weights=7, first=True)
    other = roofline.Product(operations=50, inputs=20, outputs=5, weights=3, first=False)
    counted = roofline.Counts([first, other], between=40, parameters=11)
    endless = 1e30
    # Products alone, 3 images: 100 forward and for the weights of the first; 50 three times of the other.
    assert roofline.step_seconds(counted, 3, "float32", 1.0, endless) == pytest.approx(3 * (200 + 150))
    # Bytes alone, in elements: forward in + out + w; backward out + in + w, and the gradient of the input except the first's.
    moved = (3 * 30 + 7) + (3 * 30 + 7) + (3 * 25 + 3) + (3 * 45 + 6) + 3 * 40
    assert roofline.step_seconds(counted, 3, "float32", endless, 1.0) == pytest.approx(4 * moved + 20 * 11)
    assert roofline.step_seconds(counted, 3, "bfloat16", endless, 1.0) == pytest.approx(2 * moved + 20 * 11)
    # Both: each layer and direction takes the longer one. At 1 and 1: bytes forward 4 * 97 > 300, backward 388 > 300, ...
    one = roofline.step_seconds(counted, 3, "float32", 1.0, 1.0)
    assert one == pytest.approx(max(300, 388) + max(300, 388) + max(150, 312) + max(300, 564) + 4 * 120 + 220)


def test_medians_and_ratios():
    row = rows.median_row("speed", "small", [3.0, 1.0, 2.0, 10.0], "images/s", **WHERE)
    assert (row.value, row.low, row.high, row.n, row.statistic) == (2.5, 1.0, 10.0, 4, "median, lowest, highest")
    assert rows.ratios([6.0, 10.0], [2.0, 4.0]) == [3.0, 2.5]
    with pytest.raises(ValueError, match="shorter"):
        rows.ratios([1.0, 2.0], [1.0])


def test_the_difference_of_means_and_its_standard_error():
    difference, error = parity.mean_difference([4.0, 6.0], [1.0, 2.0, 3.0])
    assert difference == 3.0
    assert error == pytest.approx((2 / 2 + 1 / 3) ** 0.5)


@pytest.mark.parametrize(
    ("model", "cores", "expected"),
    [
        ("AMD EPYC", 2, "amd-epyc-2-cores"),
        ("AMD EPYC 7763 64-Core Processor", 1, "amd-epyc-7763-1-core"),
        ("Intel(R) Xeon(R) Platinum 8480C CPU @ 2.00GHz", 16, "intel-xeon-platinum-8480c-16-cores"),
        ("NVIDIA H100 80GB HBM3", 16, "nvidia-h100-80gb-hbm3-16-cores"),
        ("", 4, "unknown-4-cores"),
    ],
)
def test_a_machine_is_named_after_its_hardware(model, cores, expected):
    assert machine.slug(model, cores) == expected


def test_parts_that_were_not_measured_keep_their_rows(tmp_path):
    def measured(value: float) -> list[rows.Row]:
        return [rows.median_row("speed", "small", [value], "s", **WHERE)]

    file = tmp_path / "machine.csv"
    assert rows.read(file) == []
    write_csv(file, rows.merge([], {"training": measured(1.0), "stages": measured(1.0)}, {"torch": "1"}))
    write_csv(file, rows.merge(rows.read(file), {"stages": measured(5.0)}, {"torch": "2"}))
    found = {line["part"]: (float(line["value"]), line["torch"]) for line in rows.read(file)}
    assert found == {"training": (1.0, "1"), "stages": (5.0, "2")}
    file.write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"machine\.csv: found other columns than part, quantity"):
        rows.read(file)


def test_the_published_loop_transforms_every_image_anew():
    from bench import published

    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    moved = published.Pictures(images, np.eye(2, dtype=np.float32), published.augmented())
    (first, target), (second, _) = moved[1], moved[1]
    assert first.shape == (3, 32, 32)
    assert target.tolist() == [0, 1]
    assert not torch.equal(first, second)
    unmoved, _ = published.Pictures(images, np.eye(2), published.plain())[0]
    mean, std = (torch.tensor(MANIFEST[each]).view(3, 1, 1) for each in ("mean", "std"))
    torch.testing.assert_close(unmoved * std + mean, torch.as_tensor(images[0]).permute(2, 0, 1) / 255)


def test_a_function_apart_has_its_threads_and_raises_here():
    with Apart(threads=3) as apart:
        assert apart("torch", "get_num_threads") == 3
        with pytest.raises(RuntimeError, match="size"):
            apart("torch", "cat", [torch.zeros(2, 1), torch.zeros(1, 2)], 1)
        assert apart("os", "getpid") != os.getpid()
    assert not apart.process.is_alive()


def test_an_unknown_part_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["bench", "trainning", "--out", str(tmp_path)])
    with pytest.raises(UserError, match=r"^parts: there is no 'trainning'; did you mean 'training'\?"):
        main()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_run_in_miniature(tmp_path):
    done = bench("--quick", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (file,) = tmp_path.iterdir()
    assert file.name.endswith("-quick.csv")
    with open(file, newline="") as lines:
        found = list(csv.DictReader(lines))
    assert tuple(found[0]) == (*rows.COLUMNS, "python", "torch", "torchvision", "numpy", "softcifar")
    assert {line["torch"] for line in found} == {importlib.metadata.version("torch")}
    parts = list(dict.fromkeys(line["part"] for line in found))
    assert parts == ["training", "parity", "stages", "evaluation", "scaling", "profile", "studies", "accuracy"]
    names = {(line["part"], line["quantity"]) for line in found}
    assert names >= {
        *(("training", name) for name in ("published", "ours", "step", "roofline", "matrix product", "copy bandwidth")),
        *(("training", name) for name in ("ours / published", "ours / step", "step / roofline")),
        *(("parity", name) for name in ("published: mean accuracy", "ours: mean accuracy", "accuracy, ours - published")),
        *(("stages", name) for name in ("train, to the first step", "report", "dvc repro, nothing to do", "train, memory")),
        *(("evaluation", name) for name in ("predict, mc_dropout", "density, ddu", "fgsm, per radius", "pgd", "random search")),
        *(("evaluation", name) for name in ("predict, duq", "predict, sngp", "occlusion", "corruption, fog", "forward pass")),
        ("profile", "share of time"),
        ("studies", "study, training"),
        *(
            ("accuracy", name)
            for name in ("published: time of a run", "ours: mean accuracy", "ours: time to published accuracy")
        ),
        *(("scaling", name) for name in ("seconds per seed", "time per image", "in turn / side by side")),
    }
    for line in found:
        low, value, high = (float(line[column]) for column in ("low", "value", "high"))
        assert low <= value <= high, line
        assert line["quantity"] in done.stdout
        if line["part"] != "parity" and line["quantity"] != "ours: mean accuracy":
            assert low > 0, line
    barred = [line for line in found if line["bar"]]
    assert {line["quantity"] for line in barred} == {
        *(quantity for part, quantity in names if " / " in quantity and part in ("training", "accuracy")),
        "accuracy, ours - published",
        "ours: time to published accuracy",
    }
    assert {line["met"] for line in barred} <= {"yes", "no"}
    by_name = {line["quantity"]: line for line in found if line["part"] == "training"}
    meets = float(by_name["ours / published"]["value"]) >= 3.5
    assert by_name["ours / published"]["met"] == ("yes" if meets else "no")


def bench(*arguments: str) -> subprocess.CompletedProcess:
    given = {name: value for name, value in os.environ.items() if name not in ("SOFTCIFAR_WORKERS", "SOFTCIFAR_MIRROR")}
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments], cwd=ROOT, env=given, capture_output=True, text=True, timeout=600
    )


def test_the_work_of_a_study_by_hand(write_params):
    """500 images, 1 epoch: two folds that draw as many each; of one student two initialisations once and the second run of the
    better one; of the other two values once and the second run of the better one; two shallow networks of 3 epochs."""
    changes = {"students": {"hard": {"labels": "hard"}, "tuned": {"labels": "hard", "lr": [0.1, 0.2]}}, "surrogates": {},
               "distillation.students": {"hard": None}, "distillation.epochs": 3, "report.reference": "hard"}  # fmt: skip
    found = studies.work(load(write_params(changes)))
    assert sorted(images for _, images in found) == sorted([2 * 500, *[500] * 6, 2 * 3 * 500])
    assert len({studies.kind(recipe) for recipe, _ in found}) == 2  # resnet8 and the shallow network
    refit = studies.work(load(write_params(changes | {"seeds.refit": True, "recipe.checkpoint": "last"})))
    assert sorted(images for _, images in refit) == sorted([2 * 500, *[500] * 4, *[2 * 600] * 2, 2 * 3 * 500])  # 100 validate
    without = studies.work(load(write_params(changes | {"distillation": None})))
    assert sorted(images for _, images in without) == sorted([2 * 500, *[500] * 6])
