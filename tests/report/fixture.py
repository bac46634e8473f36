"""A small fabricated study on disk, as the stages before the report leave it; no network is trained."""

import hashlib
import json
import zlib
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd

from softcifar.report import write_report
from softcifar.report.chapters import STUDENTS as CHAPTERS
from softcifar.report.chapters import kind_of, read_students
from softcifar.report.chapters.calibration import calibrators
from softcifar.report.core.long_table import long_table
from softcifar.report.core.predictions import Prediction, all_predictions
from softcifar.report.core.results import Results, load
from softcifar.report.core.study import Study

CLASSES = ["disc", "square", "triangle", "cross", "star"]
SIDE = 32
# student -> (sharpness of its logits, noise of its logits, samples): "human" is the best, "hard" the surest
STUDENTS = {
    "hard": (2.2, 1.15, 1),
    "smooth": (0.9, 1.1, 1),
    "human": (1.1, 0.5, 1),
    "sampling": (1.5, 1.0, 4),
    "instance": (1.2, 0.8, 1),
    "relaxed": (1.4, 1.1, 1),
    "relaxed_ece": (1.4, 1.1, 1),  # tried the same networks, chose another
}
LABELS = {
    "hard": {"source": "hard", "teacher": None, "calibrated": False, "options": {}},
    "smooth": {"source": "uniform", "teacher": None, "calibrated": False, "options": {"epsilon": 0.1}},
    "human": {"source": "human", "teacher": None, "calibrated": False, "options": {}},
    "instance": {
        "source": "adaptive_instance_based",
        "teacher": "crossfitted",
        "calibrated": False,
        "options": {"p1": 0.9, "p2": 1.0, "temperature": 1.0},
    },
}
TEACHERS = {"crossfitted": 5, "insample": 1}  # folds
TAUGHT = ("hard", "smooth", "instance")  # students from which a shallow network is distilled
NAMED = {"knn": {"neighbours": 50}, "vim": {"dimension": None}}  # scores that a study may name, with their options
ALPHAS = [0.05, 0.1, 0.2]  # tried for students whose name begins with "relaxed"
SEARCH = 2  # runs per value tried
SCORES = ("nll", "accuracy", "ece")
STRENGTHS = [0, 0.5, 1, 2, 4, 8]  # of FGSM
STRONG = [2, 8]  # of the other attacks
MASKED = {"sampling": -0.9}  # a student that PGD fools less often than random squares do
SHIFTS = {
    "corruptions": ["gaussian_noise", "contrast"],
    "severities": [1, 3, 5],
    "covered": [0.2, 0.5, 0.8],
    "visible": [0.25, 0.75],
    "images": 100,
}
LEVELS = {"gaussian_noise": "severities", "contrast": "severities", "occlusion": "covered", "crop": "visible"}


def make_study(
    root: Path, *, students: dict[str, tuple[float, float, int]] | None = None, runs: int = 3, images: int = 200
) -> dict:
    """Write data/, scores/ and models/ below `root`; return the params. `images`: per split and OOD set."""
    students = students or STUDENTS
    taught = [name for name in TAUGHT if name in students]
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
            _save_teachers(root / "models" / "teachers", arrays)
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
        folder = root / "scores" / "students" / name
        _scores(folder, student, exact, test_labels, sharpness, noise, samples, runs, images)
        _training(folder, name.removesuffix("_ece"), _options(name, students[name]), sharpness, noise, runs)
        if name in taught:
            shallow = _logits(student, exact["test"], sharpness, 1.5 * noise, (runs, 1, images, len(CLASSES)))
            _save(root / "scores" / "shallow" / name / "logits.npz", test=shallow.astype(np.float32))
    _save(root / "scores" / "illustrations" / "two_moons.npz", **_moons(generator))
    recipe = _options("hard", (1, 1, 1))
    params = {
        "study": "fabricated",
        "seeds": {"runs": runs, "search": min(SEARCH, runs), "init": 0, "order": 0},
        "datasets": {"drawn": {"source": "shapes", "options": {}}},
        "data": {"protocol": "standard", "images": "drawn", "ood": kinds, "split_seed": 0, "splits": 1},
        "recipe": {key: value for key, value in recipe.items() if key != "labels"},
        "teachers": {name: {**recipe, "folds": folds} for name, folds in TEACHERS.items()},
        "labels": LABELS,
        "students": {name: _options(name, values) for name, values in students.items()},
        "distillation": {**recipe, "students": taught, "alpha": 0.9, "temperature": 20.0},
        "simulations": {},
        "acquisitions": {},
        "surrogates": ["hard"],
        "novelty": {"students": [], "scores": []},
        "illustrations": {"two_moons": {"points": 20, "noise": 0.1, "members": 2, "epochs": 1}},
        "evaluation": {"attacks": {"fgsm_eps_255": STRENGTHS[1:], "pgd_eps_255": STRONG}, "shifts": SHIFTS},
        "report": {"bins": 10, "reference": next(iter(students)), "ensembles": 1},
    }
    return json.loads(json.dumps(params))  # plain, as pydantic dumps it: no part stands in two places


def _options(name: str, values: tuple[float, float, int]) -> dict:
    labels = next((label for label in LABELS if label in name), "hard")
    method = {"name": "mc_dropout", "options": {"samples": 4}} if values[2] > 1 else {"name": "softmax", "options": {}}
    relaxed = {"name": "label_relaxation", "options": {"alpha": ALPHAS}}
    return {
        "network": {"name": "resnet8", "options": {"dropout": 0.1 if values[2] > 1 else 0.0}},
        "method": method,
        "loss": relaxed if name.startswith("relaxed") else {"name": "cross_entropy", "options": {}},
        "augment": [{"name": "crop_flip", "options": {"padding": 4}}],
        "epochs": 12,
        "batch_size": 32,
        "optimizer": "sgd",
        "lr": 0.1,
        "momentum": 0.9,
        "nesterov": True,
        "weight_decay": 0.0005,
        "checkpoint": "best",
        "choose_by": "ece" if name.endswith("_ece") else "accuracy",
        "labels": labels,
    }


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


def _logits(generator, probs: np.ndarray, sharpness: float, noise: float, shape: tuple[int, ...]) -> np.ndarray:
    """Logits that know the truth up to noise between runs and, less, between samples; shape (R, S, N, K)."""
    between_runs = noise * generator.standard_normal((shape[0], 1, *shape[2:]))
    return sharpness * (np.log(probs + 0.02) + between_runs + 0.3 * noise * generator.standard_normal(shape))


def _scores(folder, generator, exact, test_labels, sharpness, noise, samples, runs, images) -> None:
    shape = (runs, samples, images, len(CLASSES))
    flat = np.full((images, len(CLASSES)), 1 / len(CLASSES))
    sources = {
        "validation": (exact["validation"], 1.0),
        "test": (exact["test"], 1.0),
        "ood_rings": (flat, 1.4),
        "ood_noise": (flat, 0.6),
    }
    arrays = {name: _logits(generator, probs, factor * sharpness, noise, shape) for name, (probs, factor) in sources.items()}
    _save(folder / "logits.npz", **{name: array.astype(np.float32) for name, array in arrays.items()})
    spread = {"test": 0.0, "ood_rings": 0.8, "ood_noise": 2.5}  # of densities, of which novel images have less
    novelty = {name: away + np.abs(generator.standard_normal((runs, 2, images))) for name, away in spread.items()}
    _save(folder / "novelty.npz", names=np.array(["ddu", "mahalanobis"]), **novelty)
    attacked = images // 2
    truth = np.eye(len(CLASSES))[test_labels[:attacked]]
    curves = np.stack([arrays["test"].mean(1)[:, :attacked] - eps * sharpness * truth for eps in STRENGTHS], axis=1)
    fgsm = _log_probs(curves)
    few = np.arange(0, attacked, 2)
    places = [STRENGTHS.index(eps) for eps in (0, *STRONG)]
    clean, moved = curves[:, :, few][:, :1], curves[:, :, few][:, places]
    found = {
        "fgsm": (STRENGTHS, np.arange(attacked), fgsm),
        "pgd": ([0, *STRONG], few, _log_probs(moved + MASKED.get(folder.name, 1.5) * (moved - clean))),
        "random_search": ([0, *STRONG], few, _log_probs(moved - 0.5 * (moved - clean))),
        "transfer_hard": ([0, *STRONG], few, _log_probs(moved - 0.4 * (moved - clean))),
    }
    parts = {}
    for name, (eps, index, values) in found.items():
        parts |= {f"{name}_eps_255": np.array(eps, dtype=np.float64), f"{name}_index": index, f"{name}_log_probs": values}
    _save(folder / "adversarial.npz", **parts)
    _shifts(folder, generator, arrays["test"].mean(1), images)


def _log_probs(logits: np.ndarray) -> np.ndarray:
    return (logits - np.log(np.exp(logits).sum(-1, keepdims=True))).astype(np.float32)


def _shifts(folder, generator, test: np.ndarray, images: int) -> None:
    """Logits that a shift mixes with noise; densities rise with it."""
    index = np.arange(0, images, 2)
    share = {"gaussian_noise": 0.08, "contrast": 0.18, "occlusion": 1.0, "crop": -1.0}
    listed = [("none", 0.0), *((name, float(level)) for name, key in LEVELS.items() for level in SHIFTS[key])]
    log_probs, novelty = [], []
    for name, level in listed:
        lost = 0 if name == "none" else 1 - level if name == "crop" else share[name] * level
        noise = 2 * generator.standard_normal(test[:, index].shape)
        log_probs.append(_log_probs((1 - lost) * test[:, index] + lost * noise))
        novelty.append(3 * lost + np.abs(generator.standard_normal((len(test), 2, len(index)))))
    _save(
        folder / "shifts.npz",
        shift=np.array([name for name, _ in listed]),
        level=np.array([level for _, level in listed]),
        index=index,
        log_probs=np.stack(log_probs, axis=1),
        names=np.array(["ddu", "mahalanobis"]),
        scores=np.stack(novelty, axis=1),
    )


def _training(folder, networks: str, options: dict, sharpness: float, noise: float, runs: int) -> None:
    """history.csv and about.json, the same for students that share their `networks`.

    The NLL is lowest for the middle value tried, accuracy highest for the first, ECE lowest for the last.
    """
    tried = options["loss"]["options"].get("alpha", [None])
    search = min(SEARCH, runs)
    choice = 0 if len(tried) == 1 or options["choose_by"] == "accuracy" else len(tried) - 1
    rows = []
    for number in range(len(tried)):
        for seed in range(runs if number == choice else search):
            generator = np.random.default_rng([zlib.crc32(networks.encode()), number, seed])
            for epoch in range(1, 13):
                loss = 1.6 * np.exp(-epoch / 3) + 0.1 * noise + 0.02 * generator.standard_normal()
                nll = 1.5 * np.exp(-epoch / 3) + 0.3 + 0.1 * noise + 0.004 * sharpness * epoch + 0.1 * abs(number - 1)
                nll += 0.02 * generator.standard_normal()
                ece = 0.1 - 0.03 * number + 0.002 * generator.standard_normal()
                rows.append((number, seed, epoch, 0.1, loss, nll, 0.8 - 0.1 * number - nll / 20, ece, int(number == choice)))
    columns = ["candidate", "seed", "epoch", "lr", "train_loss", *(f"validation_{each}" for each in SCORES), "chosen"]
    history = pd.DataFrame(rows, columns=columns)
    folder.mkdir(parents=True, exist_ok=True)
    history.to_csv(folder / "history.csv", index=False)
    kept = history.loc[history.groupby(["candidate", "seed"])["validation_nll"].idxmin()]
    means = kept[kept["seed"] < search].groupby("candidate")[[f"validation_{each}" for each in SCORES]].mean()
    about = {
        "seeds": list(range(runs)),
        "parameters": 78042,
        "versions": {"torch": "2.11.0"},
        "precision": "float32",
        "device": "cpu",
        "candidates": [{"loss.alpha": alpha} for alpha in tried] if len(tried) > 1 else [{}],
        "fitted": {"mean_field": [0.5, 2.0, 3.5][:runs]} if networks == "sampling" else {},
        "choice": choice,
        "choose_by": options["choose_by"],
        "search_runs": search,
        "refit": False,
        "validation": {each: means[f"validation_{each}"].tolist() for each in SCORES},
        "best_epochs": [9] * runs,
        "cost": {"adversarial": 12_000, "shifts": 3_000},
    }
    _write(folder / "about.json", about)


def _moons(generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Two clouds of points; the entropies are high along a line between them, the density far from both."""
    points = np.concatenate([generator.normal(centre, 0.2, (10, 2)) for centre in ((-1, 0), (1, 0))])
    across, down = np.linspace(-2.5, 2.5, 20), np.linspace(-2, 2, 20)
    x, y = np.meshgrid(across, down)
    entropy = np.log(2) * np.exp(-((x / 0.3) ** 2))
    density = np.minimum(np.hypot(x + 1, y), np.hypot(x - 1, y)) ** 2
    maps = dict.fromkeys(("softmax_entropy", "ensemble_entropy", "normalised_entropy"), entropy) | {"density": density}
    return {"points": points, "labels": np.repeat([0, 1], 10), "across": across, "down": down, **maps}


def _save_labels(folder: Path, train: dict[str, np.ndarray]) -> None:
    hard = np.eye(len(CLASSES))[train["labels"]]
    probs = {"hard": hard, "smooth": 0.9 * hard + 0.1 / len(CLASSES)}
    probs["human"] = train["votes"] / train["votes"].sum(1, keepdims=True)
    probs["instance"] = 0.9 * hard + 0.1 * train["exact"]
    for name, array in probs.items():
        _save(folder / f"{name}.npz", probs=array[None].astype(np.float32), index=train["index"], online=np.bool_(False))


def _save_teachers(folder: Path, train: dict[str, np.ndarray]) -> None:
    """The cross-fitted teacher knows the truth up to noise, the in-sample one the labels by heart."""
    generator = np.random.default_rng(7)
    noise = generator.standard_normal(train["exact"].shape)
    logits = {"crossfitted": np.log(train["exact"] + 0.02) + 0.5 * noise}
    logits["insample"] = 8 * np.eye(len(CLASSES))[train["labels"]] + noise
    for name, array in logits.items():
        fold = np.arange(len(array)) % TEACHERS[name]
        arrays = {"logits": array.astype(np.float32), "fold": fold, "index": train["index"], "temperature": np.float64(1.2)}
        _save(folder / name / "logits.npz", **arrays)


def _digests(arrays: dict[str, np.ndarray]) -> dict[str, str]:
    return {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in arrays.items()}


def _save(path: Path, **arrays: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


# What the tests of the report do with such a study


def name_scores(root: Path, params: dict, students: dict[str, tuple[str, ...]]) -> dict:
    """Params that name the scores of NAMED, which are written below `root` for students, {student: the scores that suit it}.

    Of hard labels fewer of the rings look novel by KNN; ViM knows noise alone.
    """
    images = len(np.load(root / "data" / "study" / "test.npz")["labels"])
    for name, scores in students.items():
        generator = np.random.default_rng([zlib.crc32(name.encode()), 5])
        rings = {"knn": 0.4 if name.startswith("hard") else 1.2, "vim": 0.0}
        away = {"test": {"knn": 0.0, "vim": 0.0}, "ood_rings": rings, "ood_noise": {"knn": 2.0, "vim": 3.0}}
        arrays = {
            key: np.array([by[score] for score in scores])[:, None]
            + generator.standard_normal((params["seeds"]["runs"], len(scores), images))
            for key, by in away.items()
        }
        _save(root / "scores" / "novelty" / name / "novelty.npz", names=np.array(scores), **arrays)
    named = [{"name": score, "options": options} for score, options in NAMED.items()]
    return params | {"novelty": {"students": list(students), "scores": named}}


def write(root: Path, params: dict, reports: str = "reports", only: tuple[str, ...] = ()) -> Path:
    """Write the report of the study below `root`, `only` its summary and these chapters if there are some; its folder."""
    kind = kind_of(params)
    kept = {each.name: each for each in kind.chapters if not only or each.name in ("summary", *only)}
    assert kept.keys() >= set(only)
    with patch("softcifar.report.write.kind_of", return_value=replace(kind, chapters=tuple(kept.values()))):
        write_report(params, data=root / "data", scores=root / "scores", models=root / "models", reports=root / reports)
    return root / reports


def read(root: Path, params: dict) -> Results:
    return load(params, data=root / "data", scores=root / "scores", models=root / "models")


def placed(root: Path, params: dict) -> Study:
    """The study below `root`, read as the report reads it."""
    return read_students(params, data=root / "data", scores=root / "scores", models=root / "models")


def study_of(results: Results, predictions: dict[str, list[Prediction]] | None = None, *, calibrated: bool = False) -> Study:
    """What chapters draw from, of results or other predictions; calibrated: with calibrators, which take half the time."""
    predictions = predictions or all_predictions(results)
    givers = (rows for each in CHAPTERS for rows in each.rows if calibrated or rows is not calibrators.rows)
    return Study(results, predictions, long_table(results, predictions, givers))


def numbers(results: Results) -> pd.DataFrame:
    """The long table of all students."""
    return study_of(results).numbers


def row(table: pd.DataFrame, **keys: str) -> pd.Series:
    """The one row of a table with these values."""
    chosen = table
    for key, value in keys.items():
        chosen = chosen[chosen[key] == value]
    assert len(chosen) == 1
    return chosen.iloc[0]
