"""Everything the report reads: the study's data, its soft labels and every student's scores, checked against params."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from softcifar.data.cifar10s import read_asked, read_soft_labels
from softcifar.data.splits import PARTS, folder_of, load_arrays, read_of_split
from softcifar.errors import UserError, choose
from softcifar.files import read_json, read_npz
from softcifar.report.core.csv_files import read_csv
from softcifar.report.core.design import Design
from softcifar.scores import FEATURE_SCORES

HISTORY_COLUMNS = [
    "candidate", "seed", "epoch", "lr", "train_loss", "validation_nll", "validation_accuracy", "validation_ece", "chosen",
]  # fmt: skip


@dataclass(frozen=True)
class Attack:
    """eps: float64 (E,) in 1/255 of the pixel range, the first 0; log_probs: float32 (R, E, M, K) on test images `index`."""

    eps: np.ndarray
    index: np.ndarray
    log_probs: np.ndarray


@dataclass(frozen=True)
class Shifts:
    """Conditions (shift, level), the first ("none", 0): log_probs float32 (R, C, M, K) on the M test images at `index`, and
    novelty {score: float64 (R, C, M)}. index is of the test part of each run's split, as an attack's is."""

    shift: list[str]
    level: np.ndarray
    index: np.ndarray
    log_probs: np.ndarray
    novelty: dict[str, np.ndarray]


@dataclass(frozen=True)
class StudentScores:
    """What one student predicted.

    logits: {"validation", "test", "ood_<set>"} -> float32 (R runs, S samples, N, K), "validation" and "test" those of the run's
    split (Results.split_of_run); seeds: R ints;
    novelty: {score that logits do not give: {"test", "ood_<set>"} -> float64 (R runs, N)}, those that the study names included;
    attacks: by name; shifts: None where the study has none; history: one row per candidate, run and epoch; about: what the
    training noted (candidates and the choice among them, versions, device, parameters); abouts: the same by split. Of several
    splits, about has the means of their validation scores and the sums of their costs, and otherwise what is of split 0.
    """

    name: str
    options: Mapping[str, Any]
    seeds: list[int]
    logits: dict[str, np.ndarray]
    novelty: dict[str, dict[str, np.ndarray]]
    attacks: dict[str, Attack]
    shifts: Shifts | None
    history: pd.DataFrame
    about: dict[str, Any]
    abouts: list[dict[str, Any]]

    @property
    def choices(self) -> list[int]:
        """The candidate that each split chose."""
        return [about["choice"] for about in self.abouts]


@dataclass(frozen=True)
class TeacherScores:
    """What a teacher says of a split's training images: logits float32 (N, K), in their order; folds 1: it saw them."""

    folds: int
    logits: np.ndarray
    temperature: float  # fitted on images that it did not see


@dataclass(frozen=True)
class Results:
    """A finished study: params (plain dicts), manifests, the parts of each split, and what every part of it predicted.

    splits: per split {"train", "validation", "test"} -> arrays by name (see `part`); labels: float32 (N, K) by source, of the
    training images of split 0, zeros where an image has none, 'smooth, epsilon 0.1' for each tuned choice; teachers: one per
    split; shallow: test logits float32 (R, 1, N, K) of the shallow networks, by the student that they were distilled from, run
    by run.
    """

    params: Mapping[str, Any]
    manifest: dict[str, Any]
    ood: dict[str, dict[str, Any]]
    splits: list[dict[str, dict[str, np.ndarray]]]
    ood_images: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    teachers: dict[str, list[TeacherScores]]
    students: dict[str, StudentScores]
    shallow: dict[str, np.ndarray]
    illustrations: dict[str, dict[str, np.ndarray]]  # arrays by name, of softcifar.illustrations.two_moons
    acquisitions: dict[str, Any] = field(default_factory=dict)  # by name, of report.chapters.acquisition.results
    people: np.ndarray | None = None  # single people's mean soft labels (N, K) of the official test part, rows of 0 where none
    asked: np.ndarray | None = None  # how many single people gave one, int64 (N,), where a label source has them

    @property
    def classes(self) -> list[str]:
        return self.manifest["classes"]

    @property
    def reference(self) -> str:
        return self.params["report"]["reference"]

    @property
    def bins(self) -> int:
        return self.params["report"]["bins"]

    def ood_sets(self, kind: str) -> list[str]:
        """Names of the out-of-distribution sets of one kind, "near" or "far", in the order of params."""
        return [name for name, its_kind in self.params["data"]["ood"].items() if its_kind == kind]

    @property
    def ood_kinds(self) -> list[str]:
        """Those of "near" and "far" of which the study has sets."""
        return [kind for kind in ("near", "far") if self.ood_sets(kind)]

    def part(self, name: str, split: int = 0) -> dict[str, np.ndarray]:
        """images, labels, index and, where known, votes and exact of "train", "validation" or "test"; pictures show split 0."""
        return self.splits[split][name]

    def labels_of_runs(self, runs: int, index: np.ndarray) -> np.ndarray:
        """Labels of the test images at `index`, of the split of each run: int64 (R, M)."""
        return np.stack([self.part("test", split)["labels"][index] for split in self.split_of_run[:runs]])

    @property
    def split_of_run(self) -> list[int]:
        """The split that each run was trained, validated and tested on."""
        return [run % len(self.splits) for run in range(self.params["seeds"]["runs"])]

    @property
    def design(self) -> Design:
        """What its runs are draws of."""
        first, *others = [np.sort(parts["test"]["index"]) for parts in self.splits]
        other_tests = any(not np.array_equal(index, first) for index in others)
        return Design("runs", len(self.splits), other_tests, repeated=self.params["seeds"]["runs"] > len(self.splits))

    def targets(self, name: str, split: int = 0) -> dict[str, np.ndarray]:
        """Known label distributions (N, K) of a part: "human" where people voted, "exact" where the truth is known."""
        arrays, targets = self.part(name, split), {}
        if "votes" in arrays:
            votes = arrays["votes"].astype(np.float64)
            targets["human"] = votes / votes.sum(1, keepdims=True)
        if "exact" in arrays:
            targets["exact"] = arrays["exact"].astype(np.float64)
        return targets

    def of_people(self, split: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """The places of the test images that single people gave soft labels for, int64 (M,), and the means of those (M, K)."""
        if self.people is None:
            return np.arange(0), np.empty((0, len(self.classes)))
        labels = self.people[self.part("test", split)["index"]]
        known = np.flatnonzero(labels.sum(axis=1) > 0)
        return known, labels[known]

    def made_ambiguous(self, split: int = 0) -> np.ndarray | None:
        """Which test images were made to be ambiguous, bool (N,); None where all or none of them, or nobody knows."""
        made = self.part("test", split).get("ambiguous")
        return made if made is not None and 0 < made.sum() < len(made) else None


def load(params: Mapping[str, Any], *, data: Path, scores: Path, models: Path) -> Results:
    """Read what `params` names below the folders `data`, `scores` and (teachers) `models`.

    UserError names the first thing missing or unfit. Students, soft labels and OOD sets are enumerated from `params`,
    never from a folder: what was removed from params is gone from the report although its files may still lie there.
    """
    data, scores, models = Path(data), Path(scores), Path(models)
    choose(params["students"], params["report"]["reference"], "report.reference")
    manifest = read_json(data / "study" / "manifest.json")
    count = params["data"]["splits"]
    splits = [{name: _part(data / "study", name, split) for name in PARTS} for split in range(count)]
    names = list(params["data"]["ood"])
    listed = read_json(data / "ood" / "manifest.json") if names else {}
    ood = {name: choose(listed, name, f"{data / 'ood' / 'manifest.json'}") for name in names}
    images = {name: read_npz(data / "ood" / f"{name}.npz", "images")["images"] for name in names}
    stored = {name: _labels(data / "labels" / f"{name}.npz", splits[0]["train"]) for name in params["labels"]}
    stored = {name: probs for name, probs in stored.items() if probs is not None}
    sizes = {name: len(splits[0][name]["labels"]) for name in ("validation", "test")}
    sizes |= {f"ood_{name}": len(each) for name, each in images.items()}
    students = {
        name: _student(scores / "students" / name, name, options, sizes, len(manifest["classes"]), count)
        for name, options in params["students"].items()
    }
    few = {name for name, source in params["labels"].items() if source["options"].get("share_of_images", 1) < 1}
    students |= {name: _without_densities(each) for name, each in students.items() if each.options["labels"] in few}
    for name in params["novelty"]["students"]:
        students[name] = _with_named_scores(scores / "novelty" / name, students[name], count)
    teachers = {
        name: [
            _teacher(models / "teachers" / name, name, options["folds"], parts["train"], manifest["classes"], split, count)
            for split, parts in enumerate(splits)
        ]
        for name, options in params["teachers"].items()
    }
    shallow = {
        name: _shallow(scores / "shallow" / name, name, students[name], count) for name in params["distillation"]["students"]
    }
    illustrations = {name: _two_moons(scores / "illustrations" / f"{name}.npz") for name in params["illustrations"]}
    learned, people = _learned(stored, students), params["report"].get("people")
    single = next((each["people"] for each in params["labels"].values() if each.get("people")), None)
    known = read_soft_labels(data / "raw" / people) if people else None, read_asked(data / "raw" / single) if single else None
    return Results(params, manifest, ood, splits, images, learned, teachers, students, shallow, illustrations, {}, *known)


def _two_moons(path: Path) -> dict[str, np.ndarray]:
    maps = ("softmax_entropy", "ensemble_entropy", "normalised_entropy", "density")
    return read_npz(path, "points", "labels", "across", "down", *maps)


def _learned(stored: dict[str, np.ndarray], students: Mapping[str, StudentScores]) -> dict[str, np.ndarray]:
    """Each source's labels (N, K); of a tuned source those that validation chose for a student: 'smooth, epsilon 0.1'."""
    labels = {name: choices[0] for name, choices in stored.items() if len(choices) == 1}
    for student in students.values():
        source, about = student.options["labels"], student.about
        values = [{key: each[key] for key in each if key.startswith("labels.")} for each in about["candidates"]]
        distinct = list(dict.fromkeys(map(str, values)))  # in the order of the file
        if source in stored and len(distinct) > 1:
            chosen = values[student.choices[0]]
            words = ", ".join(f"{key.removeprefix('labels.')} {value:g}" for key, value in chosen.items())
            labels[f"{source}, {words}"] = stored[source][distinct.index(str(chosen))]
    return labels


def _part(folder: Path, name: str, split: int) -> dict[str, np.ndarray]:
    arrays = load_arrays(folder, name, split)
    if "votes" in arrays and (arrays["votes"].sum(1) <= 0).any():
        row = int(np.argmax(arrays["votes"].sum(1) <= 0))
        raise UserError(f"{folder / name}.npz: image {row} has no vote; every image of 'votes' needs at least one")
    return arrays


def _labels(path: Path, train: dict[str, np.ndarray]) -> np.ndarray | None:
    """(C, N, K) of split 0 for C tuned choices; None for a source that makes its labels during training."""
    arrays = read_of_split(path, 0, "probs", "index", "online")
    if not np.array_equal(arrays["index"], train["index"]):
        raise UserError(f"{path}: its images are not those of train.npz in their order; run soften again (dvc repro)")
    return None if arrays["online"] else arrays["probs"]


def _teacher(
    folder: Path, name: str, folds: int, train: dict[str, np.ndarray], classes: list[str], split: int, splits: int
) -> TeacherScores:
    path = folder_of(folder, split, splits) / "logits.npz"
    arrays = read_npz(path, "logits", "index", "temperature")
    if not np.array_equal(arrays["index"], train["index"]) or arrays["logits"].shape != (len(train["index"]), len(classes)):
        raise UserError(f"{path}: teacher '{name}' learned from other images than train.npz has; run teach again (dvc repro)")
    return TeacherScores(folds, arrays["logits"], float(arrays["temperature"]))


def _shallow(folder: Path, name: str, student: StudentScores, splits: int) -> np.ndarray:
    paths = [folder_of(folder, split, splits) / "logits.npz" for split in range(splits)]
    logits, path = _by_run([read_npz(path, "test")["test"] for path in paths]), paths[0]
    runs, _, images, classes = student.logits["test"].shape
    if logits.shape != (runs, 1, images, classes):
        wanted = f"({runs}, 1, {images}, {classes}), as its teacher '{name}' has"
        raise UserError(f"{path}: 'test' has shape {logits.shape}, the study needs {wanted}; run distill again (dvc repro)")
    return logits


def _student(folder: Path, name: str, options: Mapping, sizes: dict[str, int], classes: int, splits: int) -> StudentScores:
    of_splits = [_of_split(folder_of(folder, split, splits), name, options, sizes, classes) for split in range(splits)]
    return of_splits[0] if splits == 1 else _joined(of_splits)


def _of_split(folder: Path, name: str, options: Mapping, sizes: dict[str, int], classes: int) -> StudentScores:
    """The runs of one split; `seeds` count within it."""
    if not folder.is_dir():
        raise UserError(f"{folder}: there are no scores of student '{name}'; run evaluate for it (dvc repro)")
    about = read_json(folder / "about.json")
    logits = read_npz(folder / "logits.npz", *sizes)
    seeds = [int(seed) for seed in about["seeds"]]
    for key, count in sizes.items():
        shape = logits[key].shape
        if len(shape) != 4 or (shape[0], *shape[2:]) != (len(seeds), count, classes):
            wanted = f"({len(seeds)}, samples, {count}, {classes})"
            raise UserError(f"{folder / 'logits.npz'}: '{key}' has shape {shape}, the study needs {wanted}")
    novelty = _novelty(folder / "novelty.npz", len(seeds), {key: count for key, count in sizes.items() if key != "validation"})
    size = len(seeds), sizes["test"], classes
    attacks, shifts = _attacks(folder / "adversarial.npz", *size), _shifts(folder / "shifts.npz", *size)
    history = read_csv(folder / "history.csv", HISTORY_COLUMNS)
    return StudentScores(name, options, seeds, logits, novelty, attacks, shifts, history, about, [about])


def _joined(of_splits: list[StudentScores]) -> StudentScores:
    """A student's scores on all splits, in the order of the study's runs."""
    first, count = of_splits[0], len(of_splits)
    for other in of_splits[1:]:
        for ours, theirs in [*zip(first.attacks.values(), other.attacks.values(), strict=True), (first.shifts, other.shifts)]:
            if ours is not None and not np.array_equal(ours.index, theirs.index):
                raise UserError(f"scores of student '{first.name}': splits differ in the test images that were changed")
    histories = [each.history.assign(seed=split + each.history["seed"] * count) for split, each in enumerate(of_splits)]
    about = first.about | {
        "search_runs": sum(each.about["search_runs"] for each in of_splits),
        "validation": {
            score: np.mean([each.about["validation"][score] for each in of_splits], axis=0).tolist()
            for score in first.about["validation"]
        },
        "best_epochs": _by_run([np.array(each.about["best_epochs"]) for each in of_splits]).tolist(),
        "fitted": {
            name: _by_run([np.array(each.about["fitted"][name]) for each in of_splits]).tolist()
            for name in first.about["fitted"]
        },
        "cost": {part: sum(each.about["cost"][part] for each in of_splits) for part in first.about["cost"]},
    }
    return replace(
        first,
        seeds=list(range(sum(len(each.seeds) for each in of_splits))),
        logits=_by_run([each.logits for each in of_splits]),
        novelty=_by_run([each.novelty for each in of_splits]),
        attacks={
            name: replace(attack, log_probs=_by_run([each.attacks[name].log_probs for each in of_splits]))
            for name, attack in first.attacks.items()
        },
        shifts=first.shifts
        and replace(
            first.shifts,
            log_probs=_by_run([each.shifts.log_probs for each in of_splits]),
            novelty=_by_run([each.shifts.novelty for each in of_splits]),
        ),
        history=pd.concat(histories).sort_values(["candidate", "seed", "epoch"], kind="stable", ignore_index=True),
        about=about,
        abouts=[each.about for each in of_splits],
    )


def _without_densities(student: StudentScores) -> StudentScores:
    """Scores of features are fitted with the data set's labels of all training images, which one of a share has not."""
    all_scores = student.novelty, student.shifts.novelty if student.shifts else {}
    own, of_shifts = ({name: each for name, each in scores.items() if name not in FEATURE_SCORES} for scores in all_scores)
    return replace(student, novelty=own, shifts=student.shifts and replace(student.shifts, novelty=of_shifts))


def _by_run(of_splits: Sequence[Any]) -> Any:
    """Arrays whose first axis is the runs of a split, as one of the study's runs: run r is of split r modulo k; of dicts, each
    of their arrays."""
    if isinstance(of_splits[0], Mapping):
        return {key: _by_run([each[key] for each in of_splits]) for key in of_splits[0]}
    count = len(of_splits)
    return np.stack([of_splits[run % count][run // count] for run in range(sum(map(len, of_splits)))])


def _attacks(path: Path, runs: int, images: int, classes: int) -> dict[str, Attack]:
    arrays = read_npz(path)
    attacks = {}
    for name in (key.removesuffix("_log_probs") for key in arrays if key.endswith("_log_probs")):
        attack = Attack(*(arrays[f"{name}_{part}"] for part in ("eps_255", "index", "log_probs")))
        _check(path, f"{name}_log_probs", attack.log_probs, (runs, len(attack.eps), len(attack.index), classes))
        _check_index(path, attack.index, images)
        attacks[name] = attack
    return attacks


def _shifts(path: Path, runs: int, images: int, classes: int) -> Shifts | None:
    if not read_npz(path):
        return None
    arrays = read_npz(path, "shift", "level", "index", "log_probs", "names", "scores")
    conditions, index, names = len(arrays["shift"]), arrays["index"], arrays["names"]
    _check(path, "log_probs", arrays["log_probs"], (runs, conditions, len(index), classes))
    _check(path, "scores", arrays["scores"], (runs, conditions, len(names), len(index)))
    _check_index(path, index, images)
    novelty = {str(name): arrays["scores"][:, :, place] for place, name in enumerate(names)}
    return Shifts([str(each) for each in arrays["shift"]], arrays["level"], index, arrays["log_probs"], novelty)


def _check(path: Path, key: str, array: np.ndarray, wanted: tuple[int, ...]) -> None:
    if array.shape != wanted:
        raise UserError(f"{path}: '{key}' has shape {array.shape}, the study needs {wanted}")


def _check_index(path: Path, index: np.ndarray, images: int) -> None:
    if not (index < images).all():
        raise UserError(f"{path}: names test image {index.max()} of {images}; run evaluate again (dvc repro)")


def _with_named_scores(folder: Path, student: StudentScores, splits: int) -> StudentScores:
    """The student with the scores that the study names of it, run by run."""
    sizes = {key: logits.shape[2] for key, logits in student.logits.items() if key != "validation"}
    runs = [len(range(split, len(student.seeds), splits)) for split in range(splits)]
    named = [_novelty(folder_of(folder, split, splits) / "novelty.npz", runs[split], sizes) for split in range(splits)]
    return replace(student, novelty=student.novelty | _by_run(named))


def _novelty(path: Path, runs: int, sizes: dict[str, int]) -> dict[str, dict[str, np.ndarray]]:
    arrays = read_npz(path, "names", *sizes)
    names = [str(name) for name in arrays["names"]]
    for key, count in sizes.items():
        _check(path, key, arrays[key], (runs, len(names), count))
    return {name: {key: arrays[key][:, place] for key in sizes} for place, name in enumerate(names)}
