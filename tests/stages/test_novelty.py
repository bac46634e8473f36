"""The novelty stage of a study of two splits: each one's networks, training images and test images go together."""

import hashlib
import json
import sys

import numpy as np
from safetensors.torch import save_file

from softcifar.files import write_npz
from softcifar.methods.prediction import penultimate
from softcifar.models.classifier import classifier
from softcifar.params.chosen import Chosen
from softcifar.scores.knn import knn
from stages import novelty

RUNS, SPLITS = 3, 2
NETWORK = {"name": "resnet8", "options": {}}


def write(path, content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def test_of_several_splits_each_has_its_own_networks_and_images(splits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    known, other, manifest = splits
    rows = {"train": np.array([range(30), range(30, 60)]), "test": np.array([range(8), range(8, 16)])}
    for part, split in (("train", known), ("test", other)):
        arrays = {"images": split.images, "labels": split.labels, "index": split.index, "rows": rows[part]}
        write_npz(tmp_path / f"data/study/{part}.npz", **arrays)
    write(tmp_path / "data/study/inputs.json", [manifest, manifest | {"mean": [0.3] * 3}])
    write_npz(tmp_path / "data/ood/noise.npz", images=other.images[16:])
    networks = {}
    for split, runs in enumerate((2, 1)):  # run r is on split r modulo 2
        folder = tmp_path / f"models/students/a/split_{split}"
        write(folder / "about.json", {"network": NETWORK, "method": {"name": "softmax", "options": {}}})
        inputs = json.loads((tmp_path / "data/study/inputs.json").read_text())[split]
        for run in range(runs):
            networks[split, run] = classifier(Chosen(**NETWORK), inputs, seed=10 * split + run)
            save_file(networks[split, run].state_dict(), folder / f"run_{run}.safetensors")
    scores = [{"name": "knn", "options": {"neighbours": 3}}]
    params = {"scores": scores, "ood": ["noise"], "runs": RUNS, "batch_size": 16}
    write(tmp_path / "data/plan/novelty/a.json", {"params": params, "code": "x"})
    (tmp_path / "params.yaml").write_text("study: x\n")
    digest = hashlib.sha256((tmp_path / "params.yaml").read_bytes()).hexdigest()
    write(tmp_path / "data/plan/params.json", {"sha256": digest})
    monkeypatch.setattr(sys, "argv", ["novelty", "a"])
    out = novelty.main()
    for split, runs in enumerate((2, 1)):
        found = np.load(out / f"split_{split}/novelty.npz")
        assert found["test"].shape == (runs, 1, 8)
        assert found["ood_noise"].shape == (runs, 1, 4)
        for run in range(runs):
            network = networks[split, run]
            train, test = (
                penultimate(network, images, batch_size=16)
                for images in (known.images[rows["train"][split]], other.images[rows["test"][split]])
            )
            np.testing.assert_allclose(found["test"][run, 0], knn(train, test, neighbours=3), rtol=1e-3, atol=1e-4)
