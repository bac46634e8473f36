"""The sections of params.yaml: the keys of each, their types and their ranges.

Numbers that decide a result have no default: the study states them all (and `plan` writes down what they resolve to). What is
chosen by name is written as its name, or as {name: ..., option: ...} where it has options; the options are the keyword-only
parameters of its function, so this file knows none of them. A number of a student may be a list: each value is trained and
validation chooses (softcifar.params.candidates).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le, MinLen
from pydantic import Field, ValidationError, WrapValidator, model_validator

from softcifar.errors import UserError, choose, missing, quote
from softcifar.params.chosen import Chosen
from softcifar.params.options import Section, check, failed, mapping_with, problems, unfolded
from softcifar.params.ranges import (
    Epochs,
    Folds,
    Fraction,
    Images,
    Name,
    NonNegative,
    NonNegativeInt,
    Positive,
    PositiveInt,
    Runs,
)
from softcifar.params.recipe import Recipe, chosen_from


class Seeds(Section):
    runs: Runs  # networks trained per student
    search: Runs  # networks trained per tuned value before one is chosen: the first of its runs, unless there is a refit
    init: NonNegativeInt  # run r initialises its weights from init + r
    order: NonNegativeInt  # run r draws batches, augmentation and dropout from order + r
    refit: bool = False  # every run of the chosen value is trained again, on training and validation images together

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
        from softcifar.data import DATA_SOURCES

        entry = mapping_with(found, "source")
        source = choose(DATA_SOURCES, entry.pop("source"), "source")
        return {"source": found["source"], "options": check(source.fetch, entry)}


class Sizes(Section):
    train: Images | None  # null: all that remain
    validation: Images
    test: Images | None


class Data(Section):
    protocol: Literal["standard", "cifar10h", "repeated"]
    images: Name  # a key of datasets
    votes: dict[Literal["train", "test"], Name] = {}  # keys of datasets that hold people's votes for those images
    sizes: Sizes
    split_seed: NonNegativeInt
    splits: Runs = 1  # run r trains, validates and tests on split r modulo so many
    ood: dict[Name, Literal["near", "far"]] = {}  # keys of datasets
    corrupted: Name | None = None  # a key of datasets that holds corrupted copies of the test images

    @model_validator(mode="after")
    def _repeated_alone(self) -> "Data":
        alone = {"votes": "{}", "ood": "{}", "corrupted": "null"} if self.protocol == "repeated" else {}
        wrong = [
            f"{key}: found {quote(getattr(self, key))} with protocol 'repeated'; allowed there: {none}"
            for key, none in alone.items()
            if getattr(self, key)
        ]
        if alone and self.splits > 1:
            wrong.append(f"splits: found {self.splits} with protocol 'repeated'; allowed there: 1")
        if wrong:
            raise UserError("\n".join(wrong))
        return self


class Teacher(Recipe):
    folds: Folds  # 1: in-sample (the published way); otherwise out-of-fold, stratified


class LabelSource(Section):
    source: str
    teacher: Name | None = None
    calibrated: bool = False  # divide the teacher's logits by the temperature fitted on images it did not see
    # a key of datasets with the source cifar10s; left out of a plan where it says nothing
    people: Name | None = Field(default=None, exclude_if=lambda found: found is None)
    options: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _fit_source(cls, found: object) -> dict:
        from softcifar.labels import LABEL_SOURCES
        from softcifar.labels.source import inputs, is_taught, refuse_calibrated

        entry = mapping_with(found, "source")
        name = entry.pop("source")
        function = choose(LABEL_SOURCES, name, "source")
        shared = {key: entry.pop(key) for key in ("teacher", "calibrated", "people") if key in entry}
        if is_taught(function) and not shared.get("teacher"):
            raise ValueError(f"source '{name}' needs a teacher; add teacher: <a key of teachers>")
        if "calibrated" in shared:
            refuse_calibrated(name, function)
        if "soft_labels" in inputs(function) and not shared.get("people"):
            raise ValueError(f"source '{name}' needs single people's soft labels; add people: <a key of datasets>")
        if "soft_labels" not in inputs(function) and "people" in shared:
            raise ValueError(f"people: source '{name}' uses nobody's soft labels; remove this key")
        if not is_taught(function) and shared.keys() - {"people"}:
            raise ValueError(f"teacher: source '{name}' uses no teacher; remove this key")
        return {"source": name, **shared, "options": check(function, entry, tunable=True)}


class Student(Recipe):
    labels: Name  # a key of labels


class Distillation(Recipe):
    students: dict[Name, None] = {}  # keys of students, written {one, another}: each teaches a network of this recipe
    alpha: Fraction  # weight of the teacher's prediction, the rest is the data set's label
    temperature: Positive

    def _impossible(self) -> Iterator[str]:
        from softcifar.params.network import has_members

        yield from super()._impossible()
        if has_members(self.network):
            yield f"network: found {self.network.name}, which has members; allowed in a distillation: a network without"


Radii = list[Annotated[float, Field(gt=0, le=255)]]  # Linf, in 1/255 of the pixel range
Shares = list[Annotated[float, Field(gt=0, lt=1)]]


class Attack(Section):
    eps_255: Annotated[Radii, MinLen(1)]
    images: Images  # number of test images, evenly spaced among those of the attack that has the most
    options: dict[str, Any] = {}

    @model_validator(mode="after")
    def _possible(self) -> "Attack":
        _each_once(self, "eps_255")
        return self


def _attacks(found: object, check_each: Callable[[object], Any]) -> Any:
    """Each attack's own options, checked against its function, beside what all attacks have."""
    from softcifar.attacks import ATTACKS

    if not isinstance(found, Mapping):
        return check_each(found)  # refused as no mapping
    read, wrong = {}, [((), each) for name in found for each in missing(ATTACKS, name, "attacks")]
    for name, entry in found.items():
        if name not in ATTACKS or not isinstance(entry, Mapping):
            read |= {name: entry} if name in ATTACKS else {}
            continue
        try:
            options = dict(unfolded(entry))
        except ValueError as error:
            wrong.append(((name,), str(error)))
            continue
        shared = {key: options.pop(key) for key in ("eps_255", "images") if key in options}
        try:
            read[name] = {**shared, "options": check(ATTACKS[name], options, given=("generator",))}
        except ValidationError as error:
            read[name] = shared
            wrong += [((name, *place), text) for place, text in problems(error)]
    try:
        read = check_each(read)
    except ValidationError as error:
        wrong += problems(error)
    if wrong:
        raise failed(wrong)
    return read


class Shifts(Section):
    corruptions: list[str] = []  # keys of softcifar.corruptions; []: none
    severities: list[Annotated[int, Ge(1), Le(5)]] = []
    covered: Shares = []  # of the image, by a patch; []: no occlusion
    visible: Shares = []  # of the image, after a shift out of its frame; []: no crop
    images: Images = 1  # number of test images, evenly spaced; stated where there is a shift

    @model_validator(mode="after")
    def _possible(self) -> "Shifts":
        from softcifar.corruptions import CORRUPTIONS

        if unknown := [each for name in self.corruptions for each in missing(CORRUPTIONS, name, "corruptions")]:
            raise UserError("\n".join(unknown))
        _each_once(self, "corruptions", "severities", "covered", "visible")
        if "images" not in self.model_fields_set and (self.corruptions or self.covered or self.visible):
            raise UserError("images: this key is missing")
        if bool(self.corruptions) != bool(self.severities):
            raise ValueError(
                f"severities: found {quote(self.severities)} with corruptions {quote(self.corruptions)}; allowed: both or "
                "neither"
            )
        return self


class Evaluation(Section):
    batch_size: PositiveInt
    attacks: Annotated[dict[str, Attack], WrapValidator(_attacks)] = {}  # by name, see softcifar.attacks
    shifts: Shifts = Field(default_factory=lambda: Shifts())


def _named_scores() -> Mapping[str, Callable]:
    from softcifar.scores import NAMED_SCORES

    return NAMED_SCORES


class Novelty(Section):
    students: dict[Name, None] = {}  # keys of students, written {one, another}
    scores: Annotated[list[chosen_from(_named_scores, tunable=False)], MinLen(1)]  # see softcifar.scores.NAMED_SCORES

    @model_validator(mode="after")
    def _once(self) -> "Novelty":
        names = [score.name for score in self.scores]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise UserError(f"scores: found {', '.join(twice)} more than once; allowed: each score once")
        return self

    def of(self, student: Recipe) -> list[Chosen]:
        """The scores that suit a student: some need a linear last layer, which its network or method may not have."""
        from softcifar.params.network import has_linear_layer
        from softcifar.scores import NAMED_SCORES
        from softcifar.scores.inputs import needs_linear_layer

        linear = has_linear_layer(student.network, student.method)
        return [score for score in self.scores if linear or not needs_linear_layer(NAMED_SCORES[score.name])]


def _each_once(section: Section, *keys: str) -> None:
    twice = {key: getattr(section, key) for key in keys if len(set(getattr(section, key))) < len(getattr(section, key))}
    if twice:
        raise UserError("\n".join(f"{key}: found {quote(values)}; allowed: each value once" for key, values in twice.items()))


class TwoMoons(Section):
    points: Annotated[int, Ge(20), Le(10**5)]  # training points
    noise: NonNegative  # standard deviation of the points around the moons
    members: Runs  # networks of the ensemble
    epochs: Epochs


class ReportSettings(Section):
    bins: Annotated[int, Ge(2), Le(1000)]  # equal-width confidence bins
    reference: Name  # the student (or simulated method) that the others are compared with
    people: Name | None = None  # a key of datasets with the source cifar10s, to compare predictions with
    ensembles: Runs = 1  # disjoint deep ensembles of a student's runs: run r is in ensemble r modulo so many
