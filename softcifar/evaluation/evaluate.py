"""Predict once, score many times: everything the report needs of a student, as arrays."""

import functools
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from softcifar.data.splits import PARTS, Split, load_split
from softcifar.errors import UserError
from softcifar.evaluation.adversarial import under_attack
from softcifar.evaluation.shifts import under_shift
from softcifar.execution import Progress, run_here
from softcifar.execution.device import pick
from softcifar.files import atomic_folder, read_json, read_npz, write_json, write_npz
from softcifar.methods.prediction import describe, penultimate
from softcifar.params.chosen import Chosen
from softcifar.params.sections import Evaluation, Seeds
from softcifar.progress import bar
from softcifar.scores import FEATURE_SCORES
from softcifar.seeding import derive
from softcifar.training.trained import load_classifier


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """What the evaluations of all runs of a student share."""

    name: str
    network: Chosen
    trained: Chosen  # the uncertainty method, as far as training goes
    method: Chosen  # the same as it predicts
    settings: Evaluation
    order: int
    manifest: dict
    models: Path
    searched: int  # networks of the search where the runs learned from validation images too (a refit); else 0
    train: Split
    test: Split
    split: int
    sets: dict[str, np.ndarray]  # images
    surrogates: dict[str, Path]
    corrupted: dict[str, Path]


@dataclass(frozen=True)
class Run:
    """What one run's evaluation gives; see `evaluate` for the arrays. cost: forward passes of one image."""

    logits: dict[str, np.ndarray]
    novelty: dict[str, dict[str, np.ndarray]]
    attacked: dict[str, np.ndarray]
    shifts: dict[str, np.ndarray]
    cost: dict[str, int]


def evaluate(
    name: str,
    method: Chosen,
    seeds: Seeds,
    settings: Evaluation,
    *,
    study: Path,
    split: int = 0,
    ood: dict[str, Path],
    manifest: dict,
    models: Path,
    surrogates: dict[str, Path],
    corrupted: dict[str, Path],
    out: Path,
) -> None:
    """Write `out`: logits.npz, novelty.npz, adversarial.npz, shifts.npz, and the training's tables.

    logits.npz: validation, test and ood_<name>, float32 (R, S, N, K); after a refit, validation is predicted by the networks
    of the search, r modulo seeds.search for run r, so that what is fitted on it stays held out. novelty.npz: names of scores
    (those of softcifar.scores, fitted on the training images as they are, then the method's own), and test and ood_<name>,
    float64 (R, names, N). adversarial.npz and shifts.npz: as softcifar.evaluation.adversarial.under_attack and
    softcifar.evaluation.shifts.under_shift give them, predictions and scores with runs as the first axis. about.json: the
    training's, and `cost`: the forward passes of one image that these two files took, all runs together.
    method: the uncertainty method as it predicts.
    study: folder with train.npz, validation.npz and test.npz; split: which one is taken; ood: npz files by name; models: the
    student's trained folder for it; surrogates: npz files of adversarial examples for other networks, by name; corrupted: of
    the test images under published corruptions, by name.
    """
    about = read_json(models / "about.json")
    chosen, trained = Chosen(**about["network"]), Chosen(**about["method"])  # tuned options resolved
    train, validation, test = (load_split(study, part, split) for part in PARTS)
    sets = {"validation": validation.images, "test": test.images}
    sets |= {f"ood_{each}": read_npz(path, "images")["images"] for each, path in ood.items()}
    shared = Evaluated(
        name=name,
        network=chosen,
        trained=trained,
        method=method,
        settings=settings,
        order=seeds.order,
        manifest=manifest,
        models=models,
        searched=about["search_runs"] if about["refit"] else 0,
        train=train,
        test=test,
        split=split,
        sets=sets,
        surrogates=surrogates,
        corrupted=corrupted,
    )
    with bar(total=seeds.runs * (len(sets) + 3), what=f"evaluate {name}", unit="set") as shown:
        runs = run_here(functools.partial(_evaluate, shared), range(seeds.runs), progress=lambda: shown.update())
    about["cost"] = {key: sum(run.cost[key] for run in runs) for key in runs[0].cost}
    with atomic_folder(out) as folder:
        write_npz(folder / "logits.npz", **{each: np.stack([run.logits[each] for run in runs]) for each in sets})
        novelty = [run.novelty for run in runs]
        names = list(next(iter(novelty[0].values())))
        arrays = {each: np.array([[run[each][name] for name in names] for run in novelty]) for each in novelty[0]}
        write_npz(folder / "novelty.npz", names=np.array(names), **arrays)
        write_npz(folder / "adversarial.npz", **_all_runs([run.attacked for run in runs]))
        write_npz(folder / "shifts.npz", **_all_runs([run.shifts for run in runs]))
        shutil.copyfile(models / "history.csv", folder / "history.csv")
        write_json(folder / "about.json", about)


def _evaluate(shared: Evaluated, run: int, report: Progress) -> Run:
    weights = shared.models / f"run_{run}.safetensors"
    network = load_classifier(weights, shared.network, shared.manifest, pick(), shared.trained)
    held_out = network  # what validation images are new to
    if shared.searched:
        weights = shared.models / f"search_{run % shared.searched}.safetensors"
        held_out = load_classifier(weights, shared.network, shared.manifest, pick(), shared.trained)
    method, settings, batch_size = shared.method, shared.settings, shared.settings.batch_size
    logits, features, own = {}, {}, {}
    for each, images in shared.sets.items():
        seed = derive(shared.order + run, "evaluate", each)
        model = held_out if each == "validation" else network
        logits[each], features[each], own[each] = describe(model, images, method, batch_size=batch_size, seed=seed)
        if not np.isfinite(logits[each]).all():
            raise UserError(f"students.{shared.name}: run {run} gives logits that are not finite on {each}")
        report()
    del features["validation"], own["validation"]
    train, test = shared.train, shared.test
    known = penultimate(network, train.images, batch_size=batch_size)
    novelty = _novelty(known, train.labels, features, own)
    report()
    seed = shared.order + run
    attacked, of_attacks = under_attack(
        network, test, method, settings.attacks, shared.surrogates, split=shared.split, batch_size=batch_size, seed=seed
    )
    report()
    shifts, of_shifts = under_shift(
        network, known, train, test, method, settings.shifts, shared.corrupted,
        split=shared.split, fill=shared.manifest["mean"], batch_size=batch_size, images_seed=shared.order, seed=seed,
    )  # fmt: skip
    report()
    return Run(logits, novelty, attacked, shifts, {"adversarial": of_attacks, "shifts": of_shifts})


def _all_runs(runs: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Predictions and scores of all runs, stacked; what is the same for every run (radii, positions, names) once."""
    own = ("log_probs", "scores")
    return {each: np.stack([run[each] for run in runs]) if each.endswith(own) else one for each, one in runs[0].items()}


def _novelty(
    known: np.ndarray, labels: np.ndarray, features: dict[str, np.ndarray], own: dict[str, dict[str, np.ndarray]]
) -> dict[str, dict[str, np.ndarray]]:
    """{set: {score: float64 (N,)}} of one run: densities of its features, then the method's own scores.

    known, labels: features (N, D) and labels of the training images; features, own: of each set.
    """
    ends = np.cumsum([len(each) for each in features.values()])[:-1]
    together = np.concatenate(list(features.values()))  # one fit of a density serves all sets
    novelty: dict[str, dict[str, np.ndarray]] = {each: {} for each in features}
    for name, density in FEATURE_SCORES.items():
        for each, values in zip(features, np.split(density(known, labels, together), ends), strict=True):
            novelty[each][name] = values
    for each, values in novelty.items():
        values |= {name: scores.astype(np.float64) for name, scores in own[each].items()}
    return novelty
