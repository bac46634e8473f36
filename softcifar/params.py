"""params.yaml: every key, its type and its range. Unknown keys, wrong types and impossible combinations are errors.

Numbers that decide a result have no default here: the study states them all (and `plan` writes down what they resolve to).
A method is written as its name, or as {name: ..., option: ...} where it has options; the options are the keyword-only
parameters of its function, so this file knows none of them. A number of a student may be a list: each value is trained and
validation chooses (softcifar.training.tuning).
"""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from annotated_types import Ge, MinLen
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
    create_model,
    model_validator,
)

from softcifar.errors import UserError, choose
from softcifar.options import Number, Section, Tunable, check
from softcifar.ranges import Fraction, NonNegative, NonNegativeInt, Positive, PositiveInt

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]*$")]  # also a file name and a dvc stage name


class Method(Section):
    """A method chosen by name, with every option resolved."""

    name: str
    options: dict[str, Any] = {}


class Seeds(Section):
    runs: PositiveInt  # networks trained per student
    search: PositiveInt  # networks trained per tuned value before one is chosen; they are the first of the chosen one's runs
    init: NonNegativeInt  # run r initialises its weights from init + r
    order: NonNegativeInt  # run r draws batches, augmentation and dropout from order + r

    @model_validator(mode="after")
    def _search_fits(self) -> "Seeds":
        if self.search > self.runs:
            raise ValueError(f"search: found {self.search}; allowed: 1 to runs ({self.runs})")
        return self


class Dataset(Section):
    source: str
    options: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _fit_source(cls, found: object) -> dict:
        from softcifar.data import SOURCES

        entry = _mapping_with(found, "source")
        source = choose(SOURCES, entry.pop("source"), "source")
        return {"source": found["source"], "options": _checked(source.fetch, entry)}


class Sizes(Section):
    train: PositiveInt | None  # images; null: all that remain
    validation: PositiveInt
    test: PositiveInt | None


class Data(Section):
    protocol: Literal["standard", "cifar10h", "repeated"]
    images: Name  # a key of datasets
    votes: dict[Literal["train", "test"], Name]  # keys of datasets that hold people's votes for those images
    sizes: Sizes
    split_seed: NonNegativeInt
    ood: dict[Name, Literal["near", "far"]]  # keys of datasets

    @model_validator(mode="after")
    def _repeated_alone(self) -> "Data":
        for key in ("votes", "ood") if self.protocol == "repeated" else ():
            if getattr(self, key):
                raise ValueError(f"{key}: found {getattr(self, key)} with protocol 'repeated'; allowed there: {{}}")
        return self


def _method(registry: Callable[[], Mapping[str, Callable]], given: tuple[str, ...] = (), tunable: bool = True) -> Any:
    """The type of a key that names a method of `registry`, as 'name' or {name: ..., options}."""

    def read(found: object) -> Method:
        if isinstance(found, Method):
            return found
        entry = {"name": found} if isinstance(found, str) else _mapping_with(found, "name")
        function = choose(registry(), entry["name"], "name")
        name = entry.pop("name")
        return Method(name=name, options=_checked(function, entry, tunable=tunable, given=given))

    return Annotated[Method, BeforeValidator(read)]


def _networks() -> Mapping[str, Callable]:
    from softcifar.models.build import Networks

    return Networks()


def _losses() -> Mapping[str, Callable]:
    from softcifar.losses import LOSSES

    return LOSSES


def _augmentations() -> Mapping[str, Callable]:
    from softcifar.augment import AUGMENTATIONS

    return AUGMENTATIONS


def _methods() -> Mapping[str, Callable]:
    from softcifar.methods import METHODS

    return METHODS


def _buildable(network: Method) -> Method:
    options = {name: value[0] if isinstance(value, list) else value for name, value in network.options.items()}
    _build_once(network.name, tuple(options.items()))
    return network


@functools.cache  # a large network takes seconds, and all students may share one
def _build_once(name: str, options: tuple[tuple[str, Any], ...]) -> None:
    from softcifar.models.build import build

    # Built for a look: the network itself says which depths and combinations it allows.
    build(name, 2, **dict(options))


Network = Annotated[_method(_networks, given=("in_channels", "image_size", "depth")), AfterValidator(_buildable)]
Loss = _method(_losses, given=("reduction",))
Augmentation = _method(_augmentations)
Prediction = _method(_methods, tunable=False)  # it plays no part in training, so validation cannot choose
TunableInt = Annotated[PositiveInt, Tunable]


class Recipe(Section):
    """How a network is trained. Students and teachers override any key."""

    network: Network
    method: Prediction  # how the trained network predicts: one pass, or several stochastic ones
    loss: Loss
    augment: list[Augmentation]  # applied in this order to every batch
    epochs: TunableInt
    batch_size: TunableInt
    optimizer: Literal["sgd", "adam"]  # momentum and nesterov are sgd's
    lr: Annotated[Positive, Number, Tunable]  # the highest learning rate of the schedule
    momentum: Annotated[Fraction, Number, Tunable]
    nesterov: bool
    weight_decay: Annotated[NonNegative, Number, Tunable]
    schedule: Literal["constant", "cosine", "multistep"]
    milestones: list[PositiveInt]  # multistep: the lr is multiplied by `factor` after each of these epochs
    factor: Annotated[Positive, Number, Tunable]
    warmup: Annotated[NonNegative, Number]  # epochs of linear warm-up, part of `epochs`
    checkpoint: Literal["best", "last"]  # the epoch kept: lowest validation NLL, or the last one
    choose_by: Literal["nll", "accuracy", "ece"]  # by which validation score a tuned value is chosen
    precision: Literal["auto", "bfloat16", "float32"]  # auto: bfloat16 where the processor computes in it

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, found: object) -> dict:
        return cls.known(found)

    @model_validator(mode="after")
    def _possible(self) -> "Recipe":
        if self.optimizer == "adam" and (self.nesterov or self.momentum != 0):
            raise ValueError(
                f"momentum: found {self.momentum}, nesterov {str(self.nesterov).lower()}, with optimizer adam, which has "
                "its own; allowed there: momentum: 0 and nesterov: false"
            )
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov: found true with momentum 0; allowed: a momentum above 0, or nesterov: false")
        if isinstance(self.epochs, int) and self.warmup > self.epochs:
            raise ValueError(f"warmup: found {self.warmup} epochs; allowed: at most epochs ({self.epochs})")
        if (self.schedule == "multistep") != bool(self.milestones):
            raise ValueError(
                f"milestones: found {self.milestones} with schedule '{self.schedule}'; allowed: epochs with "
                "'multistep', and none ([]) otherwise"
            )
        return self


class Teacher(Recipe):
    folds: Annotated[int, Ge(1)]  # 1: in-sample (the published way); otherwise out-of-fold, stratified


class LabelSource(Section):
    source: str
    teacher: Name | None = None
    calibrated: bool = False  # divide the teacher's logits by the temperature fitted on images it did not see
    options: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _fit_source(cls, found: object) -> dict:
        from softcifar.labels import SOURCES
        from softcifar.labels.source import inputs

        entry = _mapping_with(found, "source")
        name = entry.pop("source")
        function = choose(SOURCES, name, "source")
        shared = {key: entry.pop(key) for key in ("teacher", "calibrated") if key in entry}
        taught = "teacher_logits" in inputs(function)
        if taught and not shared.get("teacher"):
            raise ValueError(f"source '{name}' needs a teacher; add teacher: <a key of teachers>")
        if not taught and shared:
            raise ValueError(f"{min(shared)}: source '{name}' uses no teacher; remove this key")
        return {"source": name, **shared, "options": _checked(function, entry, tunable=True)}


class Student(Recipe):
    labels: Name  # a key of labels


class Distillation(Recipe):
    students: list[Name]  # keys of students: each teaches a network of this recipe
    alpha: Fraction  # weight of the teacher's prediction, the rest is the data set's label
    temperature: Positive


class SimulatedMethod(Section):
    """A label source with its grid (every option may be a list), or the temperature-scaled networks of another method."""

    source: str | None = None
    calibrated: bool = False  # divide the teachers' logits by the temperature fitted on points they did not see
    options: dict[str, Any] = {}
    scaled: Name | None = None  # a key of methods: its networks, each divided by the temperature fitted on validation

    @model_validator(mode="before")
    @classmethod
    def _fit_source(cls, found: object) -> dict:
        from softcifar.labels import SOURCES
        from softcifar.labels.source import inputs

        if isinstance(found, Mapping) and found.get("scaled") is not None:
            if set(found) != {"scaled"}:
                raise ValueError("scaled: takes the networks of another method as they are; remove the other keys")
            return dict(found)
        entry = _mapping_with(found, "source")
        name = entry.pop("source")
        function = choose(SOURCES, name, "source")
        if "votes" in inputs(function):
            raise ValueError(f"source: '{name}' needs people's votes, which simulated data have not; choose another one")
        shared = {"calibrated": entry.pop("calibrated")} if "calibrated" in entry else {}
        if shared and "teacher_logits" not in inputs(function):
            raise ValueError(f"calibrated: source '{name}' uses no teacher; remove this key")
        return {"source": name, **shared, "options": _checked(function, entry, tunable=True)}


# What softcifar.simulation, which trains many networks as one, can do of a recipe; the rest is refused.
SIMULATED = {
    "network": "mlp",
    "network.dropout": 0,
    "method": "softmax",
    "loss": "cross_entropy",
    "augment": [],
    "optimizer": "adam",
    "schedule": "constant",
    "warmup": 0,
    "checkpoint": "best",
    "precision": "float32",
}


class Simulation(Recipe):
    """Many small data sets at once (data.protocol: repeated), each method on every one of them.

    Per data set every method trains seeds.runs networks: one for each point of its grid, or, without a grid, all alike but
    for their seeds. `choose_by` chooses one of them on validation, for each data set anew.
    """

    patience: PositiveInt  # epochs without a lower validation NLL before a network stops
    folds: Annotated[int, Ge(1)]  # teachers per data set, as in a Teacher
    methods: Annotated[dict[Name, SimulatedMethod], MinLen(1)]

    @model_validator(mode="after")
    def _can_be_simulated(self) -> "Simulation":
        from softcifar.simulation.files import BAYES

        found = {key: getattr(self, key) for key in SIMULATED if "." not in key}
        found = {key: value.name if isinstance(value, Method) else value for key, value in found.items()}
        found |= {"network.dropout": self.network.options.get("dropout", 0), "augment": [step.name for step in self.augment]}
        for key, only in SIMULATED.items():
            if found[key] != only:
                raise ValueError(f"{key}: found {found[key]!r}; allowed in a simulation: {only!r}")
        single = {key: getattr(self, key) for key in Recipe.model_fields if key not in ("augment", "milestones")}
        for key, value in (single | {f"network.{key}": value for key, value in self.network.options.items()}).items():
            if isinstance(value, list):
                raise ValueError(
                    f"{key}: found {value}; allowed in a simulation: one value (options of its methods may be lists)"
                )
        if BAYES in self.methods:
            raise ValueError(f"methods.{BAYES}: this name is kept for the Bayes-optimal prediction; choose another one")
        for name, method in self.methods.items():
            if method.scaled and choose(self.methods, method.scaled, f"methods.{name}.scaled").scaled:
                raise ValueError(f"methods.{name}.scaled: '{method.scaled}' is scaled itself; name the method that trains")
        return self


class Evaluation(Section):
    batch_size: PositiveInt
    fgsm_eps_255: list[Annotated[float, Number, Field(gt=0, le=255)]]  # Linf radius in 1/255 of the pixel range
    fgsm_images: PositiveInt  # so many test images, evenly spaced

    @model_validator(mode="after")
    def _distinct(self) -> "Evaluation":
        if len(set(self.fgsm_eps_255)) < len(self.fgsm_eps_255):
            raise ValueError(f"fgsm_eps_255: found {self.fgsm_eps_255}; allowed: each radius once")
        return self


class Report(Section):
    bins: Annotated[int, Ge(2)]  # equal-width confidence bins
    reference: Name  # the student (or simulated method) that the others are compared with


class Study(Section):
    study: Name
    seeds: Seeds
    datasets: Annotated[dict[Name, Dataset], MinLen(1)]
    data: Data
    recipe: Recipe
    teachers: dict[Name, Teacher]
    labels: dict[Name, LabelSource]
    students: dict[Name, Student]
    distillation: Distillation
    simulations: dict[Name, Simulation]
    evaluation: Evaluation | None  # null: there are no students
    report: Report

    @model_validator(mode="before")
    @classmethod
    def _inherit_recipe(cls, found: object) -> dict:
        found = cls.known(found)
        recipe = found.get("recipe")
        if isinstance(recipe, Mapping):
            for section in ("teachers", "students", "simulations"):
                if isinstance(found.get(section), Mapping):
                    found[section] = {
                        name: {**recipe, **entry} if isinstance(entry, Mapping) else entry
                        for name, entry in found[section].items()
                    }
            if isinstance(found.get("distillation"), Mapping):
                found["distillation"] = {**recipe, **found["distillation"]}
        return found

    @model_validator(mode="after")
    def _names_exist(self) -> "Study":
        from softcifar.training.tuning import label_candidates

        if not (self.students or self.simulations):
            raise UserError("students: found {}; allowed: at least one, or simulations instead")
        choose(self.datasets, self.data.images, "data.images")
        for part, name in self.data.votes.items():
            choose(self.datasets, name, f"data.votes.{part}")
        for name in self.data.ood:
            choose(self.datasets, name, "data.ood")
        for name, labels in self.labels.items():
            if labels.teacher is not None:
                choose(self.teachers, labels.teacher, f"labels.{name}.teacher")
        for name, teacher in self.teachers.items():
            _not_tuned(teacher, f"teachers.{name}", "a teacher")
        _not_tuned(self.distillation, "distillation", "the shallow student")
        budgets = {}
        for name, student in self.students.items():
            source = choose(self.labels, student.labels, f"students.{name}.labels")
            budgets[name] = len(_possible_choices(student, f"students.{name}")) * len(label_candidates(source))
            if source.source == "self_distillation" and self.teachers[source.teacher].network != student.network:
                raise UserError(
                    f"labels.{student.labels}.teacher: '{source.teacher}' is another network than students.{name}; "
                    "self_distillation needs a teacher of the same network (source: teacher takes any)"
                )
        _equal_budgets(budgets)
        for name in self.distillation.students:
            choose(self.students, name, "distillation.students")
            if self.distillation.students.count(name) > 1:
                raise UserError(f"distillation.students: found '{name}' twice; allowed: each student once")
        if "shallow" in self.students:
            raise UserError("students.shallow: this name is kept for scores/shallow; choose another one")
        if self.simulations:
            _only_simulations(self)
            return self
        if self.data.protocol == "repeated":
            raise UserError("data.protocol: found 'repeated' with students; allowed there: 'standard' or 'cifar10h'")
        if self.evaluation is None:
            raise UserError("evaluation: found null; allowed in a study of simulations only")
        choose(self.students, self.report.reference, "report.reference")
        return self


def _only_simulations(study: Study) -> None:
    """Simulations share no data with students, so a study has either; every method trains equally many networks."""
    from softcifar.simulation.methods import grid

    if study.students or study.labels or study.teachers:
        raise UserError("simulations: found beside students, labels or teachers; allowed: a study of either (the others {})")
    if study.data.protocol != "repeated":
        raise UserError(f"data.protocol: found '{study.data.protocol}'; allowed with simulations: 'repeated'")
    for name, simulation in study.simulations.items():
        choose(simulation.methods, study.report.reference, "report.reference")
        for method, options in simulation.methods.items():
            points = len(grid(options))
            if points not in (1, study.seeds.runs):
                raise UserError(
                    f"simulations.{name}.methods.{method}: found a grid of {points}; allowed: {study.seeds.runs} points "
                    "(seeds.runs) or none, so that all methods train equally many networks"
                )


def _not_tuned(recipe: Recipe, key: str, what: str) -> None:
    tuned = _possible_choices(recipe, key)[0][0]
    if tuned:
        raise UserError(
            f"{key}.{min(tuned)}: found a list, which is tuned over; {what} is not tuned: give it one value (its own, "
            "where the recipe has a list)"
        )


def _equal_budgets(candidates: Mapping[str, int]) -> None:
    """A comparison of tuned students is fair where each could choose among equally many values."""
    tuned = {name: count for name, count in candidates.items() if count > 1}
    if len(set(tuned.values())) > 1:
        few, many = min(tuned, key=tuned.get), max(tuned, key=tuned.get)
        raise UserError(
            f"students.{few}: tries {tuned[few]} values where students.{many} tries {tuned[many]}; equal budgets are "
            "allowed only: give every tuned student equally many values"
        )


def _possible_choices(recipe: Recipe, key: str) -> list[tuple[dict, Recipe]]:
    from softcifar.training.tuning import candidates

    try:
        return candidates(recipe)
    except ValidationError as error:
        raise UserError(f"{key}: of the listed values not all go together: {_sentence(error)}") from None


def _mapping_with(found: object, key: str) -> dict:
    if not isinstance(found, Mapping) or not isinstance(found.get(key), str):
        raise ValueError(f"found {found!r}; allowed: a mapping with the key '{key}' and the options of what it names")
    return dict(found)


def _checked(function: Callable, options: Mapping, **how: Any) -> dict:
    try:
        return check(function, options, **how)
    except ValidationError as error:
        raise ValueError(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    """The first thing wrong, as '<key>: found <value>; <what is allowed>'."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"] if not str(part).startswith(("function-", "list[", "constrained-")))
    if first["type"] == "value_error":
        text = str(first["ctx"]["error"])
    elif first["type"] == "missing":
        text = "this key is missing"
    elif first["type"] == "extra_forbidden":
        text = "unknown key"
    else:
        text = f"found {first['input']!r}; {first['msg'][0].lower()}{first['msg'][1:]}"
    return f"{key}: {text}" if key else text


def _read(path: Path | str) -> dict:
    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: not found; copy one of presets/*.yaml there") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        place = f" in line {where.line + 1}" if where else ""
        raise UserError(f"{path}: not a YAML file ({getattr(error, 'problem', 'wrong encoding')}{place})") from None
    if not isinstance(found, dict):
        raise UserError(f"{path}: found {type(found).__name__}; allowed: a mapping of {', '.join(Study.model_fields)}")
    return found


def load(path: Path | str) -> Study:
    """Read and check a whole params.yaml.

    Returns the study with methods, options and the recipe's keys resolved for every student and teacher.
    Raises UserError: one sentence that names the key, what was found and what is allowed.
    """
    found = _read(path)
    try:
        return Study.model_validate(found)
    except ValidationError as error:
        raise UserError(f"{path}: {_sentence(error)}") from None


def load_section(path: Path | str, name: str) -> Any:
    """One section of params.yaml, checked by itself; spares the stages that need no network the import of torch."""
    found = _read(path)
    if name not in found:
        raise UserError(f"{path}: {name}: this section is missing")
    section = create_model(name, **{name: (Study.model_fields[name].annotation, Study.model_fields[name])})
    try:
        return getattr(section.model_validate({name: found[name]}, strict=True), name)
    except ValidationError as error:
        raise UserError(f"{path}: {_sentence(error)}") from None
