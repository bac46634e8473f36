"""params.yaml as a whole: every section by itself, then what goes together. One run names every mistake."""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import MinLen
from pydantic import TypeAdapter, ValidationError

from softcifar.errors import UserError, cut, suggestion
from softcifar.params import unlabelled
from softcifar.params.acquisition import Acquisition
from softcifar.params.candidates import candidates, label_candidates
from softcifar.params.options import Problem, Section, problems
from softcifar.params.ranges import Name
from softcifar.params.reading import read
from softcifar.params.recipe import Recipe
from softcifar.params.sections import (
    Data,
    Dataset,
    Distillation,
    Evaluation,
    LabelSource,
    Novelty,
    ReportSettings,
    Seeds,
    Student,
    Teacher,
    TwoMoons,
)
from softcifar.params.simulation import Simulation
from softcifar.params.together import ANY, CHECKS

MOST = 20  # mistakes that are named
NAMED = (
    "datasets",
    "teachers",
    "labels",
    "students",
    "simulations",
    "acquisitions",
)  # sections of entries that are independent
INHERITING = ("teachers", "students", "simulations", "acquisitions")  # sections whose entries are recipes
DISTILLATION = "distillation"  # is one itself

WRONG = object()  # in the place of a section

Check = Callable[..., Iterator[str]]


class Study(Section):
    study: Name
    seeds: Seeds
    datasets: Annotated[dict[Name, Dataset], MinLen(1)]
    data: Data
    recipe: Recipe
    teachers: dict[Name, Teacher] = {}
    labels: dict[Name, LabelSource] = {}
    students: dict[Name, Student] = {}
    distillation: Distillation | None = None
    simulations: dict[Name, Simulation] = {}
    acquisitions: dict[Name, Acquisition] = {}  # active learning, one strategy each
    surrogates: dict[Name, None] = {}  # keys of students: adversarial examples for run 0 of each are tested on all
    illustrations: dict[Literal["two_moons"], TwoMoons] = {}  # figures of their own small networks
    evaluation: Evaluation | None = None  # null: there are no students
    novelty: Novelty | None = None  # scores of novelty beside those that every student has
    report: ReportSettings

    def budget(self, student: str) -> int:
        """How many values, or combinations of them, a student tries."""
        return len(candidates(self.students[student])) * len(label_candidates(self.labels[self.students[student].labels]))

    def initialisations(self, student: str) -> int:
        """Among how many an untuned student chooses: as many as tuned ones try values; 1 for these and where none is tuned."""
        return max(map(self.budget, self.students)) if self.budget(student) == 1 else 1


def load(path: Path | str, *more: Check) -> Study:
    """Read and check a whole params.yaml.

    more: checks beside those of softcifar.params.together, of the same kind.
    Returns the study with methods, options and the recipe's keys resolved for every student and teacher.
    Raises UserError: for each mistake one sentence that names the key, what was found and what is allowed; MOST of them.
    """
    sections, wrong = _sections(read(path))
    for check in (*CHECKS, *unlabelled.CHECKS, *more):
        needed = inspect.signature(check).parameters
        if needed.keys() <= sections.keys():
            wrong += check(**{name: sections[name] for name in needed})
    if wrong := list(dict.fromkeys(wrong)):
        rest = [f"and {len(wrong) - MOST} more mistakes"] if len(wrong) > MOST else []
        raise UserError("\n".join(f"{path}: {sentence}" for sentence in [*wrong[:MOST], *rest]))
    return Study.model_construct(**{key: found for key, found in sections.items() if key != "names"})


def _sections(content: dict) -> tuple[dict[str, Any], list[str]]:
    """The sections without what is wrong in itself, and `names` of all entries of each; the sentences on what is wrong."""
    known, recipe = Study.model_fields, content.get("recipe")
    wrong = [f"unknown key '{cut(key)}'{suggestion(key, known)}" for key in content if key not in known]
    sections: dict[str, Any] = {"names": {}}
    of_recipe: list[Problem] = []  # once is enough, though all that inherit it have them too
    for key, field in known.items():
        stated = content.get(key)
        sections["names"][key] = tuple(stated) if isinstance(stated, Mapping) else ANY if key in content else ()
        if key in (*INHERITING, DISTILLATION) and not isinstance(recipe, Mapping):
            sections[key] = WRONG  # for all that is known; the missing recipe is named
        elif key in content:
            sections[key], mistakes = _section(key, _with_recipe(key, stated, recipe))
            wrong += [_sentence(key, *each) for each in mistakes if not _inherited(each, key, stated, of_recipe)]
            of_recipe = mistakes if key == "recipe" else of_recipe
        elif field.is_required():
            sections[key], sections["names"][key] = WRONG, ANY
            wrong.append(f"{key}: this key is missing")
        else:
            sections[key] = field.get_default()
    return {key: section for key, section in sections.items() if section is not WRONG}, wrong


@functools.cache
def _kind(key: str) -> TypeAdapter:
    return TypeAdapter(Study.model_fields[key].rebuild_annotation())


def _section(key: str, found: object) -> tuple[Any, list[Problem]]:
    """A section, or WRONG where it is, and what is wrong; one of named entries is without those that are wrong."""
    kind = _kind(key)
    try:
        return kind.validate_python(found), []
    except ValidationError as error:
        wrong = problems(error)
    if key not in NAMED or not all(place for place, _ in wrong):
        return WRONG, wrong
    right = {name: entry for name, entry in found.items() if name not in {place[0] for place, _ in wrong}}
    return kind.validate_python(right) if right else {}, wrong


def _with_recipe(key: str, stated: object, recipe: object) -> object:
    """A section with the keys of the recipe that it does not state, where it inherits them."""
    if not isinstance(stated, Mapping) or key not in (*INHERITING, DISTILLATION):
        return stated
    recipe = {name: value for name, value in recipe.items() if name in Recipe.model_fields}
    if key == DISTILLATION:
        return {**recipe, **stated}
    return {name: {**recipe, **entry} if isinstance(entry, Mapping) else entry for name, entry in stated.items()}


def _inherited(problem: Problem, key: str, stated: object, of_recipe: list[Problem]) -> bool:
    place, text = problem
    if key in INHERITING:
        stated, place = (stated.get(place[0]), place[1:]) if place and isinstance(stated, Mapping) else (None, place)
    return (place, text) in of_recipe and isinstance(stated, Mapping) and (not place or place[0] not in stated)


def _sentence(key: str, place: tuple, text: str) -> str:
    return f"{'.'.join(cut(str(part)) for part in (key, *place))}: {text}"
