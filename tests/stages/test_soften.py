"""The soften stage of a source that single people gave labels for: each image has the soft label of its place."""

import hashlib
import json
import sys

import numpy as np

from softcifar.data.cifar10s import NAME
from softcifar.files import write_npz
from stages import soften

INDEX, LABELS = np.array([7, 3, 9, 4]), np.array([0, 1, 2, 0])
CLASSES = 10


def write(path, content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def test_soft_labels_go_by_the_images_places_in_each_split(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    given = {
        7: rng.dirichlet(np.ones(CLASSES), 6),
        4: rng.dirichlet(np.ones(CLASSES), 8),
        5: rng.dirichlet(np.ones(CLASSES), 7),
    }
    write(tmp_path / f"data/raw/single/{NAME}", {str(image): people.tolist() for image, people in given.items()})
    rows = np.array([[0, 1, 2], [3, 2, 1]])
    images = np.zeros((4, 2, 2, 3), np.uint8)
    (tmp_path / "data/study").mkdir()
    write_npz(tmp_path / "data/study/train.npz", images=images, labels=LABELS, index=INDEX, rows=rows)
    write(tmp_path / "data/study/inputs.json", 2 * [{"classes": [str(each) for each in range(CLASSES)]}])
    params = {"source": "elicited", "teacher": None, "calibrated": False, "people": "single", "options": {}}
    write(tmp_path / "data/plan/soften/soft.json", {"params": params, "code": "x"})
    (tmp_path / "params.yaml").write_text("study: x\n")
    digest = hashlib.sha256((tmp_path / "params.yaml").read_bytes()).hexdigest()
    write(tmp_path / "data/plan/params.json", {"sha256": digest})
    monkeypatch.setattr(sys, "argv", ["soften", "soft"])
    out, hard = soften.main(), np.eye(CLASSES)
    with np.load(out) as found:
        np.testing.assert_array_equal(found["index"], INDEX[rows])
        first, second = found["probs"][:, 0]
    np.testing.assert_allclose(first, [given[7].mean(axis=0), hard[1], hard[2]], rtol=1e-6)
    np.testing.assert_allclose(second, [given[4].mean(axis=0), hard[2], hard[1]], rtol=1e-6)
