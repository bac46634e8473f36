"""A small fabricated study on disk, as the stages before the report leave it; no network is trained."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd

CLASSES = ["disc", "square", "triangle", "cross", "star"]
SIDE = 32
# student -> (sharpness of its logits, noise of its logits, samples): "human" is the best, "hard" the surest
STUDENTS = {
    "hard": (2.2, 1.15, 1),
    "smooth": (0.9, 1.1, 1),
    "human": (1.1, 0.5, 1),
    "sampling": (1.5, 1.0, 4),
}
LABELS = {
    "hard": {"source": "hard"},
    "smooth": {"source": "uniform", "options": {"epsilon": 0.1}},
    "human": {"source": "human"},
}
STRENGTHS = [0, 0.5, 1, 2, 4, 8]


def make_study(
    root: Path, *, students: dict[str, tuple[float, float, int]] | None = None, runs: int = 3, images: int = 200
) -> dict:
    """Write data/ and scores/ below `root`; return the params. `images`: per split and OOD set."""
    students = students or STUDENTS
    generator = np.random.default_rng(0)
    manifest = {"protocol": "standard", "dataset": "drawn", "classes": CLASSES, "image_shape": [SIDE, SIDE, 3]}
    manifest["splits"] = {}
    exact = {}
    for split in ("train", "validation", "test"):
        arrays = _split(generator, images)
        exact[split] = arrays["exact"]
        _save(root / "data" / "study" / f"{split}.npz", **arrays)
        manifest["splits"][split] = {"count": images, "part": split, "sha256": _digests(arrays)}
        if split == "train":
            _save_labels(root / "data" / "labels", arrays)
    _write(root / "data" / "study" / "manifest.json", manifest)
    kinds = {"rings": "near", "noise": "far"}
    listed = {}
    for name, kind in kinds.items():
        arrays = {"images": _strange(generator, name, images)}
        _save(root / "data" / "ood" / f"{name}.npz", **arrays)
        listed[name] = {"kind": kind, "count": images, "source": name, "sha256": _digests(arrays)}
    _write(root / "data" / "ood" / "manifest.json", listed)
    test_labels = np.load(root / "data" / "study" / "test.npz")["labels"]
    for number, (name, (sharpness, noise, samples)) in enumerate(students.items()):
        student = np.random.default_rng(1000 + number)
        folder = root / "scores" / name
        _scores(folder, student, exact, test_labels, sharpness, noise, samples, runs, images)
    return {
        "study": "fabricated",
        "seeds": {"runs": runs, "init": 0, "order": 0},
        "data": {"protocol": "standard", "images": "drawn", "ood": kinds, "split_seed": 0},
        "labels": LABELS,
        "students": {name: _options(name, values) for name, values in students.items()},
        "evaluation": {"fgsm": STRENGTHS},
        "report": {"bins": 10, "reference": next(iter(students))},
    }


def _options(name: str, values: tuple[float, float, int]) -> dict:
    labels = next((label for label in LABELS if label in name), "hard")
    method = {"name": "mc_dropout", "options": {"samples": 4}} if values[2] > 1 else {"name": "softmax", "options": {}}
    network = {"name": "resnet8", "options": {"dropout": 0.1 if values[2] > 1 else 0.0}}
    augment = [{"name": "crop_flip", "options": {"padding": 4}}]
    loss = {"name": "cross_entropy", "options": {}}
    return {"network": network, "method": method, "loss": loss, "augment": augment, "epochs": 12, "labels": labels}


def _split(generator: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """A third of the images is torn between a class and the next one; votes and label are draws from the truth."""
    first = np.arange(count) % len(CLASSES)
    doubt = np.where(generator.random(count) < 0.35, generator.uniform(0.1, 0.5, count), 0.01)
    exact = np.zeros((count, len(CLASSES)))
    exact[np.arange(count), first] = 1 - doubt
    exact[np.arange(count), (first + 1) % len(CLASSES)] = doubt
    votes = np.stack([generator.multinomial(51, probs) for probs in exact])
    labels = np.array([generator.choice(len(CLASSES), p=probs) for probs in exact])
    images = _draw(generator, first, doubt)
    return {
        "images": images,
        "labels": labels.astype(np.int64),
        "index": np.arange(count, dtype=np.int64),
        "votes": votes.astype(np.int64),
        "exact": exact,
    }


def _draw(generator: np.random.Generator, first: np.ndarray, doubt: np.ndarray) -> np.ndarray:
    """Outlines by radius over angle, blended between two classes; uint8 (N, 32, 32, 3)."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    angle, radius = np.arctan2(y, x), np.hypot(x, y)
    waves = [np.full_like(angle, 10.0)] + [10 + 3 * np.cos(k * angle) for k in (4, 3, 2, 5)]
    picture = []
    for one, mix in zip(first, doubt, strict=True):
        outline = (1 - mix) * waves[one] + mix * waves[(one + 1) % len(waves)]
        inside = np.clip(outline - radius + 0.5, 0, 1)[..., None]
        colours = generator.uniform(0.1, 0.9, (2, 3))
        picture.append(inside * colours[0] + (1 - inside) * colours[1])
    return (255 * np.stack(picture)).round().astype(np.uint8)


def _strange(generator: np.random.Generator, name: str, count: int) -> np.ndarray:
    if name == "noise":
        return generator.integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    rings = 127 + 120 * np.cos(np.hypot(x, y)[None, :, :, None] * generator.uniform(0.5, 1.5, (count, 1, 1, 3)))
    return rings.round().astype(np.uint8)


def _scores(folder, generator, exact, test_labels, sharpness, noise, samples, runs, images) -> None:
    shape = (runs, samples, images, len(CLASSES))

    def logits(probs: np.ndarray, factor: float) -> np.ndarray:
        between_runs = noise * generator.standard_normal((runs, 1, *shape[2:]))
        return factor * (np.log(probs + 0.02) + between_runs + 0.3 * noise * generator.standard_normal(shape))

    flat = np.full((images, len(CLASSES)), 1 / len(CLASSES))
    arrays = {split: logits(exact[split], sharpness) for split in ("validation", "test")}
    arrays |= {"ood_rings": logits(flat, 1.4 * sharpness), "ood_noise": logits(flat, 0.6 * sharpness)}
    _save(folder / "logits.npz", **{name: array.astype(np.float32) for name, array in arrays.items()})
    attacked = images // 2
    truth = np.eye(len(CLASSES))[test_labels[:attacked]]
    curves = np.stack([arrays["test"].mean(1)[:, :attacked] - eps * sharpness * truth for eps in STRENGTHS], axis=1)
    log_probs = curves - np.log(np.exp(curves).sum(-1, keepdims=True))
    _save(
        folder / "fgsm.npz",
        eps_255=np.array(STRENGTHS, dtype=np.float64),
        index=np.arange(log_probs.shape[2]),
        log_probs=log_probs.astype(np.float32),
    )
    rows = []
    for seed in range(runs):
        for epoch in range(1, 13):
            loss = 1.6 * np.exp(-epoch / 3) + 0.1 * noise + 0.02 * generator.standard_normal()
            nll = 1.5 * np.exp(-epoch / 3) + 0.3 + 0.1 * noise + 0.004 * sharpness * epoch
            nll += 0.02 * generator.standard_normal()
            rows.append((0, seed, epoch, 0.1, loss, nll, 1 - nll / 2, 1))
    columns = ["candidate", "seed", "epoch", "lr", "train_loss", "validation_nll", "validation_accuracy", "chosen"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "history.csv", index=False)
    about = {"seeds": list(range(runs)), "parameters": 78042, "versions": {"torch": "2.11.0"}, "precision": "float32"}
    _write(folder / "about.json", about | {"device": "cpu", "candidates": [{}], "choice": 0, "best_epochs": [9] * runs})


def _save_labels(folder: Path, train: dict[str, np.ndarray]) -> None:
    hard = np.eye(len(CLASSES))[train["labels"]]
    probs = {"hard": hard, "smooth": 0.9 * hard + 0.1 / len(CLASSES)}
    probs["human"] = train["votes"] / train["votes"].sum(1, keepdims=True)
    for name, array in probs.items():
        _save(folder / f"{name}.npz", probs=array.astype(np.float32), index=train["index"])


def _digests(arrays: dict[str, np.ndarray]) -> dict[str, str]:
    return {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in arrays.items()}


def _save(path: Path, **arrays: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
