"""params.yaml as a whole: its sections, and which values go together. Impossible combinations are errors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import yaml
from annotated_types import MinLen
from pydantic import ValidationError, model_validator

from softcifar.errors import UserError, choose
from softcifar.params.candidates import candidates, grid, label_candidates
from softcifar.params.options import Section, sentence
from softcifar.params.recipe import Name, Recipe
from softcifar.params.sections import (
    Data,
    Dataset,
    Distillation,
    Evaluation,
    LabelSource,
    ReportSettings,
    Seeds,
    Student,
    Teacher,
    TwoMoons,
)
from softcifar.params.simulation import Simulation


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
    surrogates: dict[Name, None] = {}  # keys of students: adversarial examples for run 0 of each are tested on all
    illustrations: dict[Literal["two_moons"], TwoMoons] = {}  # figures of their own small networks
    evaluation: Evaluation | None = None  # null: there are no students
    report: ReportSettings

    @model_validator(mode="before")
    @classmethod
    def _inherit_recipe(cls, sections: object) -> dict:
        sections = cls.known(sections)
        recipe = sections.get("recipe")
        if isinstance(recipe, Mapping):
            for section in ("teachers", "students", "simulations"):
                if isinstance(sections.get(section), Mapping):
                    sections[section] = {
                        name: {**recipe, **entry} if isinstance(entry, Mapping) else entry
                        for name, entry in sections[section].items()
                    }
            if isinstance(sections.get("distillation"), Mapping):
                sections["distillation"] = {**recipe, **sections["distillation"]}
        return sections

    @model_validator(mode="after")
    def _names_exist(self) -> "Study":
        if not (self.students or self.simulations):
            raise UserError("students: found {}; allowed: at least one, or simulations instead")
        choose(self.datasets, self.data.images, "data.images")
        for part, name in self.data.votes.items():
            choose(self.datasets, name, f"data.votes.{part}")
        for name in self.data.ood:
            choose(self.datasets, name, "data.ood")
        if self.data.corrupted:
            choose(self.datasets, self.data.corrupted, "data.corrupted")
            if self.evaluation and not self.evaluation.shifts.severities:
                raise UserError("evaluation.shifts.severities: found [] with data.corrupted; allowed there: some of 1 to 5")
        for name, labels in self.labels.items():
            if labels.teacher is not None:
                choose(self.teachers, labels.teacher, f"labels.{name}.teacher")
        for name, teacher in self.teachers.items():
            _not_tuned(teacher, f"teachers.{name}", "a teacher")
        if self.distillation:
            _not_tuned(self.distillation, "distillation", "the shallow student")
        budgets = {}
        for name, student in self.students.items():
            source = choose(self.labels, student.labels, f"students.{name}.labels")
            budgets[name] = len(_possible_choices(student, f"students.{name}")) * len(label_candidates(source))
            if self.seeds.refit:
                _can_refit(name, student, source)
            if source.source == "self_distillation" and self.teachers[source.teacher].network != student.network:
                raise UserError(
                    f"labels.{student.labels}.teacher: '{source.teacher}' is another network than students.{name}; "
                    "self_distillation needs a teacher of the same network (source: teacher takes any)"
                )
        _equal_budgets(budgets)
        for name in self.distillation.students if self.distillation else {}:
            choose(self.students, name, "distillation.students")
        for name in self.surrogates:
            choose(self.students, name, "surrogates")
        if self.simulations:
            _only_simulations(self)
            return self
        if self.data.protocol == "repeated":
            raise UserError("data.protocol: found 'repeated' with students; allowed there: 'standard' or 'cifar10h'")
        _runs_for_every_split(self)
        if self.evaluation is None:
            raise UserError("evaluation: found null; allowed in a study of simulations only")
        if self.surrogates and "pgd" not in self.evaluation.attacks:
            raise UserError(
                f"surrogates: found {', '.join(self.surrogates)} without evaluation.attacks.pgd, which crafts their examples; "
                "allowed there: none"
            )
        choose(self.students, self.report.reference, "report.reference")
        if 1 < self.report.ensembles > self.seeds.runs // 2:
            raise UserError(
                f"report.ensembles: found {self.report.ensembles}; allowed: 1, or at most half of seeds.runs "
                f"({self.seeds.runs}), so that each has two members"
            )
        return self

    def budget(self, student: str) -> int:
        """How many values, or combinations of them, a student tries."""
        return len(candidates(self.students[student])) * len(label_candidates(self.labels[self.students[student].labels]))

    def initialisations(self, student: str) -> int:
        """Among how many an untuned student chooses: as many as tuned ones try values; 1 for these and where none is tuned."""
        return max(map(self.budget, self.students)) if self.budget(student) == 1 else 1


def _can_refit(name: str, student: Student, source: LabelSource) -> None:
    """A network that learns from all images has no validation left to choose its epoch by, and labels without a teacher."""
    from softcifar.methods import METHODS

    if student.checkpoint != "last" or student.patience is not None:
        found = f"checkpoint {student.checkpoint}, patience {student.patience or 'null'}"
        raise UserError(
            f"students.{name}: found {found} with seeds.refit, which leaves no validation images; allowed there: "
            "checkpoint: last and patience: null"
        )
    if METHODS[student.method.name](**student.method.options).fits_on_validation:
        raise UserError(
            f"students.{name}.method: found {student.method.name} with an option that is fitted on validation images, which "
            "seeds.refit trains on; allowed there: a number for it"
        )
    if source.teacher is not None:
        raise UserError(
            f"students.{name}.labels: '{student.labels}' comes from a teacher, which labels no validation images as "
            "seeds.refit needs; allowed there: a source without a teacher"
        )


def _runs_for_every_split(study: Study) -> None:
    """A split chooses among tuned values by itself: what validates one split is tested on in others."""
    splits, seeds = study.data.splits, study.seeds
    if splits > seeds.runs:
        raise UserError(f"data.splits: found {splits} with seeds.runs {seeds.runs}; allowed: at most one split per run")
    if splits * seeds.search > seeds.runs:
        raise UserError(
            f"seeds.search: found {seeds.search} with data.splits {splits} and seeds.runs {seeds.runs}; allowed: at most "
            f"{seeds.runs // splits}, the runs of a split"
        )
    if splits > 1 and study.report.ensembles > 1:
        raise UserError(
            f"report.ensembles: found {study.report.ensembles} with data.splits {splits}, whose runs cannot be averaged, since "
            "they learned from each other's validation or test images; allowed there: 1"
        )


def _not_tuned(recipe: Recipe, key: str, what: str) -> None:
    tuned = _possible_choices(recipe, key)[0][0]
    if tuned:
        raise UserError(
            f"{key}.{min(tuned)}: found a list, which is tuned over; {what} is not tuned: give it one value (under "
            "this key, where the recipe has a list)"
        )


def _equal_budgets(candidates: Mapping[str, int]) -> None:
    """Tuned students are compared fairly only where each chooses among equally many values."""
    tuned = {name: count for name, count in candidates.items() if count > 1}
    if len(set(tuned.values())) > 1:
        few, many = min(tuned, key=tuned.get), max(tuned, key=tuned.get)
        raise UserError(
            f"students.{few}: tries {tuned[few]} values where students.{many} tries {tuned[many]}; allowed: "
            "equally many values for every tuned student"
        )


def _possible_choices(recipe: Recipe, key: str) -> list[tuple[dict, Recipe]]:
    try:
        return candidates(recipe)
    except ValidationError as error:
        raise UserError(f"{key}: not all of the listed values go together: {sentence(error)}") from None


def _only_simulations(study: Study) -> None:
    """Simulations share no data with students, so a study has either; every method trains equally many networks."""
    if study.students or study.labels or study.teachers:
        raise UserError(
            "simulations: found beside students, labels or teachers; allowed: either these or simulations (the others {})"
        )
    if study.seeds.refit:
        raise UserError("seeds.refit: found true with simulations; allowed there: false")
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


class EachKeyOnce(yaml.SafeLoader):
    """YAML takes the last of two equal keys without a word, DVC refuses them."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise UserError(f"line {line}: the key '{key.value}' stands there a second time; allowed: each key once")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read(path: Path | str) -> dict:
    """What a params.yaml holds, unchecked; UserError where it is missing or no YAML mapping."""
    try:
        content = yaml.load(Path(path).read_text(encoding="utf-8"), EachKeyOnce)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except FileNotFoundError:
        raise UserError(f"{path}: not found; make repro STUDY=shapes copies a study there") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        place = f" in line {where.line + 1}" if where else ""
        raise UserError(f"{path}: not a YAML file ({getattr(error, 'problem', 'wrong encoding')}{place})") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: found {type(content).__name__}; allowed: a mapping of {', '.join(Study.model_fields)}")
    return content


def load(path: Path | str) -> Study:
    """Read and check a whole params.yaml.

    Returns the study with methods, options and the recipe's keys resolved for every student and teacher.
    Raises UserError: one sentence that names the key, what was found and what is allowed.
    """
    content = read(path)
    try:
        return Study.model_validate(content)
    except ValidationError as error:
        raise UserError(f"{path}: {sentence(error)}") from None
