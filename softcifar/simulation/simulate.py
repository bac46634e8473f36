"""The simulation: every method on every data set, all networks of a data set trained as one stack."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.special import log_softmax

from softcifar.calibrators.temperature import fit_temperature
from softcifar.errors import UserError
from softcifar.execution import Progress, run_all
from softcifar.files import read_npz, write_npz
from softcifar.metrics.predictive import predictive
from softcifar.params.sections import Seeds
from softcifar.params.simulation import Simulation
from softcifar.seeding import derive
from softcifar.simulation.methods import TeacherLogits, candidates, loss, needs_teacher, targets
from softcifar.simulation.networks import initial, logits
from softcifar.simulation.scores import CRITERIA, SCORES, by_probability, divergences, scores, validation_scores
from softcifar.simulation.teachers import teach
from softcifar.simulation.training import Schedule, train

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Protocol:
    """What is the same for all data sets. bins: of the calibration errors; fold_seed decides the teachers' folds."""

    simulation: Simulation
    seeds: Seeds
    bins: int
    fold_seed: int
    classes: int
    features: int

    @property
    def trained(self) -> list[str]:
        """The methods that train networks; the others scale those of one of them."""
        return [name for name, method in self.simulation.methods.items() if method.source]

    @property
    def sizes(self) -> list[int]:
        """Units per layer."""
        options = self.simulation.network.options
        return [self.features, *[options["width"]] * options["layers"], self.classes]

    @property
    def schedule(self) -> Schedule:
        given = self.simulation
        return Schedule(given.lr, given.weight_decay, given.batch_size, given.epochs, given.patience)


def simulate(plan: Protocol, splits: dict[str, Arrays], states: Path, progress: Callable[[int], None]) -> Arrays:
    """Run `one_data_set` on every data set; returns its arrays, stacked along a first axis of data sets.

    splits: {"train", "validation", "test"}: points (D, N, features), labels (D, N), exact (D, N, K), dense (D, N). states: a
    folder where the arrays of each finished data set are kept, so that a killed simulation goes on after the last one.
    """
    files = [states / f"{number:04d}.npz" for number in range(len(splits["train"]["labels"]))]
    finished = {number: arrays for number, file in enumerate(files) if (arrays := _read(file)) is not None}
    missing = [number for number in range(len(files)) if number not in finished]
    progress(len(finished))

    def done(place: int, arrays: Arrays) -> None:
        write_npz(files[missing[place]], **arrays)
        progress(1)

    finished |= dict(zip(missing, run_all(functools.partial(_run, plan, splits), missing, done=done), strict=True))
    return {name: np.stack([finished[number][name] for number in range(len(files))]) for name in finished[0]}


def _run(plan: Protocol, splits: dict[str, Arrays], number: int, _: Progress) -> Arrays:
    data = {name: {key: values[number] for key, values in split.items()} for name, split in splits.items()}
    return one_data_set(plan, data, number)


def one_data_set(plan: Protocol, data: dict[str, Arrays], number: int) -> Arrays:
    """Train and score everything on data set `number`. S methods train C networks each, M methods are scored.

    float64 (S, C): validation_{nll,accuracy,ece} and the same under scaled_validation_* (after temperature scaling, NaN for
    methods that no other one scales), temperature; int64 (S, C): best_epoch, epochs; float64 test (S, C, SCORES).
    choice int64 (M,): the network that validation chose; chosen_temperature (M,), 1 where none is fitted; scores (M, SCORES).
    bayes (SCORES,): the exact distribution's own. divergence_by_probability (S, C, bins): sums of KL(exact || prediction) over
    the test points whose label has an exact probability in that bin, test_by_probability (bins,) how many they are.
    For every training point: exact_of_label, teacher_of_label (N,) the probability of its label by the truth and by the
    calibrated teachers (NaN without teachers), and smoothing (M, N) what the chosen targets took from its label (NaN for
    methods that make them during training).
    """
    simulation, budget = plan.simulation, plan.seeds.runs
    points = {name: torch.from_numpy(split["points"]) for name, split in data.items()}
    labels = {name: split["labels"] for name, split in data.items()}
    validation = (points["validation"], torch.from_numpy(labels["validation"]))
    teacher = _taught(plan, points["train"], labels["train"], validation, number)
    tried = [
        (simulation.methods[name], chosen) for name in plan.trained for chosen in candidates(simulation.methods[name], budget)
    ]
    made = [targets(method, chosen, labels["train"], plan.classes, teacher) for method, chosen in tried]
    # Candidate c of every method starts from the same weights and sees the same batches, so only the methods differ.
    again = len(plan.trained)
    inits = [derive(plan.seeds.init, "data set", number, "network", c) for c in range(budget)] * again
    orders = [derive(plan.seeds.order, "data set", number, "network", c) for c in range(budget)] * again
    wanted = torch.from_numpy(np.stack([each for each, _ in made]).astype(np.float32))
    trained = train(
        initial(inits, plan.sizes),
        points["train"].expand(len(made), -1, -1),
        torch.from_numpy(labels["train"]).expand(len(made), -1),
        wanted,
        *validation,
        plan.schedule,
        orders,
        {place: online for place, (_, online) in enumerate(made) if online is not None},
        {place: own for place, each in enumerate(tried) if (own := loss(*each)) is not None},
    )
    shape = (again, budget)
    seen = {
        name: logits(trained.stack, points[name]).numpy().reshape(*shape, -1, plan.classes) for name in ("validation", "test")
    }
    arrays = {"best_epoch": trained.best_epoch.reshape(shape), "epochs": trained.epochs.reshape(shape)}
    arrays |= _validated(plan, seen["validation"], labels["validation"])
    arrays |= _tested(plan, seen["test"], data["test"])
    arrays |= _chosen(plan, arrays, seen["test"], data["test"])
    rows = np.arange(len(labels["train"]))
    taken = 1 - wanted.numpy().reshape(*shape, len(rows), plan.classes)[:, :, rows, labels["train"]].astype(np.float64)
    taken[[place for place, (_, online) in enumerate(made[::budget]) if online is not None]] = np.nan
    smoothing = [taken[plan.trained.index(_networks_of(plan, name)), arrays["choice"][m]]
                 for m, name in enumerate(simulation.methods)]  # fmt: skip
    sure = np.full(len(rows), np.nan)
    if teacher is not None:
        sure = predictive(teacher.logits[None], teacher.temperature)[rows, labels["train"]]
    return arrays | {
        "bayes": np.array(_row(data["test"]["exact"].astype(np.float64), data["test"], plan.bins)),
        "exact_of_label": data["train"]["exact"][rows, labels["train"]].astype(np.float64),
        "teacher_of_label": sure,
        "smoothing": np.stack(smoothing),
    }


def _taught(
    plan: Protocol, points: torch.Tensor, labels: np.ndarray, validation: tuple[torch.Tensor, torch.Tensor], number: int
) -> TeacherLogits | None:
    if not any(needs_teacher(method) for method in plan.simulation.methods.values()):
        return None
    return teach(
        points,
        labels,
        plan.classes,
        validation,
        folds=plan.simulation.folds,
        sizes=plan.sizes,
        schedule=plan.schedule,
        init=derive(plan.seeds.init, "data set", number),
        order=derive(plan.seeds.order, "data set", number),
        fold_seed=derive(plan.fold_seed, "data set", number),
    )


def _networks_of(plan: Protocol, name: str) -> str:
    return plan.simulation.methods[name].scaled or name


def _validated(plan: Protocol, seen: np.ndarray, labels: np.ndarray) -> Arrays:
    """Validation scores of all networks, seen (S, C, N, K), and of those that some method scales also after scaling."""
    scaled = {method.scaled for method in plan.simulation.methods.values()}
    names = [prefix + name for prefix in ("validation_", "scaled_validation_") for name in CRITERIA]
    arrays = {name: np.full(seen.shape[:2], np.nan) for name in (*names, "temperature")}
    for s, name in enumerate(plan.trained):
        for c, network in enumerate(seen[s]):
            for key, value in validation_scores(network, labels, plan.bins).items():
                arrays[f"validation_{key}"][s, c] = value
            if name in scaled:
                temperature = fit_temperature(network[None], labels)
                arrays["temperature"][s, c] = temperature
                for key, value in validation_scores(network, labels, plan.bins, temperature).items():
                    arrays[f"scaled_validation_{key}"][s, c] = value
    return arrays


def _tested(plan: Protocol, seen: np.ndarray, test: Arrays) -> Arrays:
    """Test scores of all networks, seen (S, C, N, K)."""
    rows = [[_scores(network, 1.0, test, plan.bins) for network in networks] for networks in seen]
    of_label = test["exact"][np.arange(len(test["labels"])), test["labels"]]
    log_probs = log_softmax(seen.reshape(-1, *seen.shape[2:]), axis=2)
    sums, counts = by_probability(divergences(log_probs, test["exact"]), of_label)
    return {
        "test": np.array(rows),
        "divergence_by_probability": sums.reshape(*seen.shape[:2], -1),
        "test_by_probability": counts,
    }


def _chosen(plan: Protocol, arrays: Arrays, seen: np.ndarray, test: Arrays) -> Arrays:
    """Per method, the network that validation chose and its test scores; seen (S, C, N, K)."""
    choices, temperatures, rows = [], [], []
    for name, method in plan.simulation.methods.items():
        s = plan.trained.index(_networks_of(plan, name))
        prefix = "scaled_validation_" if method.scaled else "validation_"
        values = arrays[prefix + plan.simulation.choose_by][s]
        c = int(np.argmax(values) if plan.simulation.choose_by == "accuracy" else np.argmin(values))
        temperature = float(arrays["temperature"][s, c]) if method.scaled else 1.0
        choices.append(c)
        temperatures.append(temperature)
        rows.append(_scores(seen[s, c], temperature, test, plan.bins) if method.scaled else arrays["test"][s, c])
    return {"choice": np.array(choices), "chosen_temperature": np.array(temperatures), "scores": np.array(rows)}


def _scores(seen: np.ndarray, temperature: float, test: Arrays, bins: int) -> list[float]:
    return _row(predictive(seen[None], temperature), test, bins)


def _row(probs: np.ndarray, test: Arrays, bins: int) -> list[float]:
    """SCORES of probs (N, K), in their order."""
    by_name = scores(probs, test["labels"], test["exact"], test["dense"], bins)
    return [by_name[name] for name in SCORES]


def _read(path: Path) -> Arrays | None:
    """The arrays of a finished data set; None where there are none that can be read."""
    try:
        return read_npz(path)
    except UserError:
        return None
