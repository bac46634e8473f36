"""Active learning: train on a few labels, buy those that a strategy asks for, train anew, until the budget is spent."""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from softcifar.acquisition import ACQUISITIONS
from softcifar.acquisition.pool import Pool, ambiguous_images, answers_of, pool_of, start_set
from softcifar.acquisition.strategy import asks_network, purchases, scored
from softcifar.errors import UserError
from softcifar.execution import Progress, run_all
from softcifar.execution.device import pick
from softcifar.files import atomic_folder, write_csv, write_json
from softcifar.methods.prediction import describe, penultimate, predict_logits
from softcifar.metrics.likelihood import accuracy, negative_log_likelihood
from softcifar.metrics.predictive import predictive
from softcifar.models.classifier import PLAIN, classifier
from softcifar.params.acquisition import Acquisition
from softcifar.params.sections import Seeds
from softcifar.progress import advance, bar
from softcifar.seeding import derive
from softcifar.training.loop import Task, train
from softcifar.training.state import State, Store, alone, keep, load_state, reachable, save_state
from softcifar.training.trained import parameter_count, restored, surroundings

BATCH = 500  # images that are looked at together

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Purchase:
    """An image that was bought: its position in the pool, and what people said of it, one class per answer."""

    position: int
    answers: list[int]


@dataclass(frozen=True)
class Shared:
    """What all runs of an acquisition share, wherever they train. sets: of test images, {name: (images, labels)}."""

    name: str
    options: Acquisition
    seeds: Seeds
    images: np.ndarray  # of the training split, uint8 (N, H, W, C)
    pool: Pool
    sets: dict[str, tuple[np.ndarray, np.ndarray]]
    manifest: dict

    def seed(self, run: int, *purpose: object) -> int:
        return derive(self.seeds.order + run, "acquire", *purpose)


@dataclass(frozen=True)
class Wanted:
    """One run: the file of its state, and of those of the networks that it is training, by step and member."""

    run: int
    state: Path
    networks: dict[tuple[int, int], Path]


def acquire(
    name: str,
    options: Acquisition,
    seeds: Seeds,
    *,
    train_arrays: Arrays,
    test_arrays: Arrays,
    manifest: dict,
    states: Store,
    out: Path,
) -> None:
    """Write `out`: bought.csv, curve.csv and about.json.

    bought.csv: a row per label, in the order in which a run had them: run, step (0: those it starts with), place (1, 2, ...),
    index of the image in its data set's official order, label (what was answered), ambiguous (is the image?).
    curve.csv: a row per run and step: labels and images so far, of these the share that is ambiguous, then accuracy and NLL of
    the prediction (of all members and samples) on the test images that are not ambiguous, the same of the first network in one
    pass (single_), and all four on the ambiguous ones (ambiguous_) where there are any; against the data set's labels.
    about.json: the pool, the network, versions.

    Networks train from scratch on the labels of a step, to their last epoch. The target of an image with several answers is
    their shares. Seeds of the start set, of weights and batches and of answers are the same for all strategies, so that they
    can be compared run by run. A killed call goes on where it was (softcifar.training.state) and ends in the same bytes.
    Raises UserError where pool, start set, `buy` and budget do not fit, or a loss or logit is no longer finite.
    """
    classes = manifest["classes"]
    pool = pool_of(
        name, train_arrays, len(classes), kind=options.pool, clean=options.clean, seed=derive(seeds.order, "acquire")
    )
    labels = steps_of(name, options, len(pool.rows), len(classes))
    shared = Shared(name, options, seeds, train_arrays["images"], pool, test_sets(test_arrays), manifest)
    for run in range(seeds.runs):
        start_set(name, pool, classes, options.start, shared.seed(run))  # refused before anything trains
    decisive = options.model_dump(exclude={"choose_by"})
    wanted = []
    for run in range(seeds.runs):
        of_run = decisive, seeds.init + run, seeds.order + run, derive(seeds.order, "acquire")
        networks = {
            (step, member): states.of(*of_run, step, member) for step in range(len(labels)) for member in range(options.members)
        }
        wanted.append(Wanted(run, states.of(*of_run), networks))
    epochs = seeds.runs * len(labels) * options.members * options.epochs
    with bar(total=epochs, what=f"acquire {name}", unit="epoch") as shown:
        finished = run_all(
            functools.partial(_acquire, shared),
            wanted,
            progress=functools.partial(advance, shown),
            done=lambda number, state: keep(wanted[number].state, state),
        )
    histories = [state.history for state in finished]
    with atomic_folder(out) as folder:
        write_csv(folder / "bought.csv", list(_bought(shared, train_arrays["index"], histories)))
        write_csv(folder / "curve.csv", list(_curve(shared, histories)))
        about = {
            "runs": seeds.runs,
            "pool": {"images": len(pool.rows), "ambiguous": int(pool.ambiguous.sum())},
            "test": {each: len(labels) for each, (_, labels) in shared.sets.items()},
            "networks": seeds.runs * len(labels) * options.members,
            "draws": epochs * options.draws,
            "parameters": parameter_count(classifier(options.network, manifest, seed=0, method=options.method)),
            **surroundings(options.precision),
        }
        write_json(folder / "about.json", about)


def steps_of(name: str, options: Acquisition, images: int, classes: int) -> list[int]:
    """How many labels there are at each step, the budget at the last one; UserError where they do not fit the pool."""
    first = options.start * classes
    if options.buy > images:
        raise UserError(
            f"acquisitions.{name}.buy: found {options.buy}, but the pool has {images} images; allowed: at most that"
        )
    if options.budget > images:
        raise UserError(
            f"acquisitions.{name}.budget: found {options.budget}, but the pool has {images} images; allowed: at most that"
        )
    if options.budget < first:
        raise UserError(
            f"acquisitions.{name}.budget: found {options.budget}, but {options.start} images of each of {classes} classes "
            f"(start) are {first}; allowed: at least that"
        )
    return [*range(first, options.budget, options.buy), options.budget]


def test_sets(arrays: Arrays) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """{'': test images that are not ambiguous, and their labels; 'ambiguous_': the others, where there are any}."""
    ambiguous = ambiguous_images(arrays)
    if ambiguous.all():
        raise UserError("acquisitions: every test image is ambiguous; allowed: a data set with others to test on")
    chosen = {"": ~ambiguous} | ({"ambiguous_": ambiguous} if ambiguous.any() else {})
    return {name: (arrays["images"][rows], arrays["labels"][rows]) for name, rows in chosen.items()}


def _acquire(shared: Shared, wanted: Wanted, report: Progress) -> State:
    """One run to its end. Its state's history has a row per step: the scores, and what was bought after it."""
    file, options = reachable(wanted.state), shared.options
    with alone(file, lambda: report(0, "waiting for another stage that trains the same networks")):
        state = load_state(file)
        classes = len(shared.manifest["classes"])
        steps = steps_of(shared.name, options, len(shared.pool.rows), classes)
        if state.epoch:
            report(state.epoch * options.members * options.epochs, "trained before")
        purchased = _start(shared, wanted.run)
        for step, labels in enumerate(steps):
            if step < state.epoch:
                purchased += [Purchase(*each) for each in state.history[step]["bought"]]
                continue
            row, bought = _step(
                shared, wanted, step, purchased, steps[step + 1] - labels if step + 1 < len(steps) else 0, report
            )
            purchased += bought
            state.history.append({**row, "bought": [[each.position, each.answers] for each in bought]})
            state.epoch = step + 1
            save_state(file, state)
            for member in range(options.members):  # the next step trains anew
                for path in (network := reachable(wanted.networks[step, member])), network.with_suffix(".lock"):
                    path.unlink(missing_ok=True)
    return state


def _start(shared: Shared, run: int) -> list[Purchase]:
    positions = start_set(shared.name, shared.pool, shared.manifest["classes"], shared.options.start, shared.seed(run))
    return [Purchase(int(each), [int(shared.pool.labels[each])]) for each in positions]


def _step(
    shared: Shared, wanted: Wanted, step: int, purchased: list[Purchase], left: int, report: Progress
) -> tuple[dict[str, float], list[Purchase]]:
    """Train on what is labelled, test, and buy `left` labels."""
    options, run, device = shared.options, wanted.run, pick()
    positions = np.array([each.position for each in purchased])
    targets = learned(purchased, len(shared.manifest["classes"]))
    images = shared.images[shared.pool.rows[positions]]
    labels = sum(len(each.answers) for each in purchased)
    networks = []
    for member in range(options.members):
        task = Task(
            name=f"acquisition {shared.name}, run {run}, {labels} labels" + f", member {member}" * (options.members > 1),
            recipe=options,
            images=images,
            targets=targets,
            validation_images=None,
            validation_labels=None,
            manifest=shared.manifest,
            init=derive(shared.seeds.init + run, "acquire", step, member),
            order=shared.seed(run, step, member),
            images_per_epoch=options.draws,
        )
        file = wanted.networks[step, member]
        weights = train(task, device, file, lambda epochs, text, _: report(epochs, f"{labels} labels, {text}")).best
        networks.append(restored(weights, file, options.network, shared.manifest, device, options.method))
    seed = shared.seed(run, "predict", step)
    row = {}
    for prefix, (pictures, truth) in shared.sets.items():
        logits, _ = _seen(shared, networks, pictures, seed)
        first = logits if len(logits) == 1 else predict_logits(networks[0], pictures, PLAIN, batch_size=BATCH, seed=0)
        for kind, each in (("", logits), ("single_", first)):
            probs = predictive(_finite(each, task.name))
            row |= {
                f"{prefix}{kind}accuracy": accuracy(probs, truth),
                f"{prefix}{kind}nll": negative_log_likelihood(probs, truth),
            }
    return row, _buy(shared, run, step, networks, purchased, targets, images, left, task.name) if left else []


def _buy(
    shared: Shared,
    run: int,
    step: int,
    networks: list[torch.nn.Module],
    purchased: list[Purchase],
    targets: np.ndarray,
    labelled: np.ndarray,
    left: int,
    name: str,
) -> list[Purchase]:
    """What the strategy buys with `left` labels, of the images that are not labelled yet; their labels are drawn."""
    pool, strategy = shared.pool, ACQUISITIONS[shared.options.strategy.name]
    open_ = np.setdiff1d(np.arange(len(pool.rows)), [each.position for each in purchased])
    given: dict[str, Any] = {"count": len(open_), "seed": shared.seed(run, "strategy", step)}
    if asks_network(strategy):
        pictures = shared.images[pool.rows[open_]]
        logits, given["features"] = _seen(shared, networks, pictures, shared.seed(run, "pool", step))
        given |= dict.fromkeys(("logits", "member_logits", "sample_logits"), _finite(logits, name))
        given["labelled_features"] = penultimate(networks[0], labelled, batch_size=BATCH)
        given["labels"] = targets.argmax(axis=1)
    score, answers = scored(strategy, given, shared.options.strategy.options)
    bought = []
    for place, count in purchases(score, answers, left):
        position = int(open_[place])
        said = answers_of(pool.shares[position], count, shared.seed(run, "answer", int(pool.rows[position])))
        bought.append(Purchase(position, said))
    return bought


def _seen(shared: Shared, networks: list[torch.nn.Module], images: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits of all members' samples, float32 (S, N, K), and features of the first member, float32 (N, D)."""
    method = shared.options.method
    each = [describe(network, images, method, batch_size=BATCH, seed=derive(seed, m)) for m, network in enumerate(networks)]
    return np.concatenate([logits for logits, _, _ in each]), each[0][1]


def _finite(logits: np.ndarray, name: str) -> np.ndarray:
    if not np.isfinite(logits).all():
        raise UserError(f"{name}: gives logits that are not finite; a lower lr usually helps")
    return logits


def learned(purchased: list[Purchase], classes: int) -> np.ndarray:
    """What networks learn of the purchases: the shares of an image's answers, float32 (L, K)."""
    return np.stack([np.bincount(each.answers, minlength=classes) / len(each.answers) for each in purchased]).astype(np.float32)


def _bought(shared: Shared, index: np.ndarray, histories: list[list[dict]]) -> Iterator[dict[str, int]]:
    pool = shared.pool
    for run, history in enumerate(histories):
        steps = [_start(shared, run), *([Purchase(*each) for each in row["bought"]] for row in history[:-1])]
        answers = [(step, each.position, said) for step, bought in enumerate(steps) for each in bought for said in each.answers]
        for place, (step, position, said) in enumerate(answers, start=1):
            yield {
                "run": run,
                "step": step,
                "place": place,
                "index": int(index[pool.rows[position]]),
                "label": said,
                "ambiguous": int(pool.ambiguous[position]),
            }


def _curve(shared: Shared, histories: list[list[dict]]) -> Iterator[dict[str, float]]:
    for run, history in enumerate(histories):
        purchased = _start(shared, run)
        for step, row in enumerate(history):
            yield {
                "run": run,
                "step": step,
                "labels": sum(len(each.answers) for each in purchased),
                "images": len(purchased),
                "ambiguous_share": float(np.mean([shared.pool.ambiguous[each.position] for each in purchased])),
                **{key: value for key, value in row.items() if key != "bought"},
            }
            purchased += [Purchase(*each) for each in row["bought"]]
