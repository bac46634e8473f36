"""Which sections of params.yaml go together: checks of several sections, each a generator of sentences.

A check names the sections that it needs as its parameters, and is left out where one of them is wrong in itself. Sections of
named entries come without the entries that are wrong; `names` has all of them, {section: names}.
"""

from collections.abc import Collection, Iterator, Mapping

from pydantic import ValidationError

from softcifar.errors import cut, missing, quote
from softcifar.params.acquisition import Acquisition
from softcifar.params.candidates import candidates, tries, tuned
from softcifar.params.options import problems
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
)
from softcifar.params.simulation import Simulation

MOST_TRIED = 1000  # combinations of values, each of which is trained
WITHOUT_VOTES = {"shapes_unseen", "digits", "noise", "cifar10", "cifar100", "svhn", "tiny_imagenet", "textures", "mnist",
                 "fashion_mnist"}  # sources of images; an npz file may have votes  # fmt: skip


SOFT_LABELS = "cifar10s"  # the source of what report.people names


class Anything(tuple):
    """The names of a section that is none: whatever refers to them is not to blame."""

    def __contains__(self, name: object) -> bool:
        return True

    def __bool__(self) -> bool:
        return True


ANY = Anything()
Names = Mapping[str, Collection[str]]
Students = Mapping[str, Student]
Labels = Mapping[str, LabelSource]


def something_to_train(names: Names) -> Iterator[str]:
    if not (names["students"] or names["simulations"] or names["acquisitions"]):
        yield "students: found {}; allowed: at least one, or simulations or acquisitions instead"


def data_sets_exist(data: Data, names: Names) -> Iterator[str]:
    yield from missing(names["datasets"], data.images, "data.images")
    for part, name in data.votes.items():
        yield from missing(names["datasets"], name, f"data.votes.{part}")
    for name in data.ood:
        yield from missing(names["datasets"], name, "data.ood")
    if data.corrupted:
        yield from missing(names["datasets"], data.corrupted, "data.corrupted")


def data_sets_hold_what_is_asked_of_them(data: Data, datasets: Mapping[str, Dataset], names: Names) -> Iterator[str]:
    from softcifar.data import DATA_SOURCES

    wanted = [("data.images", data.images, "read_data_sets" if names["simulations"] else "read")]
    wanted += [(f"data.votes.{part}", name, "read_votes") for part, name in data.votes.items()]
    wanted += [("data.ood", name, "read") for name in data.ood]
    wanted += [("data.corrupted", data.corrupted, "read_corrupted")] if data.corrupted else []
    held = {"read": "images", "read_votes": "votes", "read_corrupted": "corrupted images", "read_data_sets": "many data sets"}
    for key, name, how in wanted:
        if name in datasets and getattr(DATA_SOURCES[datasets[name].source], how) is None:
            fitting = ", ".join(source for source, each in DATA_SOURCES.items() if getattr(each, how))
            yield f"{key}: '{name}' has the source {datasets[name].source}, which holds no {held[how]}; allowed: {fitting}"


def votes_are_there(data: Data, datasets: Mapping[str, Dataset], labels: Labels) -> Iterator[str]:
    from softcifar.labels import LABEL_SOURCES
    from softcifar.labels.source import inputs

    part = "test" if data.protocol == "cifar10h" else "train"
    if part in data.votes or data.images not in datasets or datasets[data.images].source not in WITHOUT_VOTES:
        return
    lacks = (
        f"but '{data.images}' (source {datasets[data.images].source}) has none; name a data set of votes as data.votes.{part}"
    )
    if data.protocol == "cifar10h":
        yield f"data.protocol: 'cifar10h' needs people's votes, {lacks}"
    for name, source in labels.items():
        if "votes" in inputs(LABEL_SOURCES[source.source]):
            yield f"labels.{name}: source '{source.source}' needs people's votes, {lacks}"


def corruptions_have_severities(data: Data, evaluation: Evaluation | None) -> Iterator[str]:
    if data.corrupted and evaluation and not evaluation.shifts.severities:
        yield "evaluation.shifts.severities: found [] with data.corrupted; allowed there: some of 1 to 5"


def teachers_exist(labels: Labels, names: Names) -> Iterator[str]:
    for name, source in labels.items():
        if source.teacher is not None:
            yield from missing(names["teachers"], source.teacher, f"labels.{name}.teacher")


def teachers_are_not_tuned(teachers: Mapping[str, Teacher]) -> Iterator[str]:
    for name, teacher in teachers.items():
        yield from _tuned(teacher, f"teachers.{name}", "a teacher")


def the_shallow_student_is_not_tuned(distillation: Distillation | None) -> Iterator[str]:
    if distillation:
        yield from _tuned(distillation, "distillation", "the shallow student")


def labels_exist(students: Students, names: Names) -> Iterator[str]:
    for name, student in students.items():
        yield from missing(names["labels"], student.labels, f"students.{name}.labels")


def listed_values_go_together(students: Students) -> Iterator[str]:
    for name, student in students.items():
        if tries(student) <= MOST_TRIED:
            try:
                candidates(student)
            except ValidationError as error:
                yield f"students.{name}: not all of the listed values go together: {problems(error)[0][1]}"


def budgets_are_equal(students: Students, labels: Labels) -> Iterator[str]:
    """Tuned students are compared fairly only where each chooses among equally many values."""
    budgets = {
        name: tries(student) * tries(labels[student.labels]) for name, student in students.items() if student.labels in labels
    }
    for name, budget in budgets.items():
        if budget > MOST_TRIED:
            yield f"students.{name}: tries {budget} values; allowed: at most {MOST_TRIED}"
    several = {name: budget for name, budget in budgets.items() if budget > 1}
    if len(set(several.values())) > 1:
        few, many = min(several, key=several.get), max(several, key=several.get)
        yield (
            f"students.{few}: tries {several[few]} values where students.{many} tries {several[many]}; allowed: "
            "equally many values for every tuned student"
        )


def students_can_be_refitted(seeds: Seeds, students: Students, labels: Labels) -> Iterator[str]:
    """A network that learns from all images has no validation left to choose its epoch by, and labels without a teacher."""
    from softcifar.methods import METHODS

    for name, student in students.items() if seeds.refit else ():
        if student.checkpoint != "last" or student.patience is not None:
            found = f"checkpoint {student.checkpoint}, patience {student.patience or 'null'}"
            yield (
                f"students.{name}: found {found} with seeds.refit, which leaves no validation images; allowed there: "
                "checkpoint: last and patience: null"
            )
        if METHODS[student.method.name](**student.method.options).fits_on_validation:
            yield (
                f"students.{name}.method: found {student.method.name} with an option that is fitted on validation images, "
                "which seeds.refit trains on; allowed there: a number for it"
            )
        source = labels.get(student.labels)
        if source and (source.teacher or source.people):
            whose = "a teacher" if source.teacher else "single people"
            yield (
                f"students.{name}.labels: '{student.labels}' comes from {whose}, which labels no validation images as "
                "seeds.refit needs; allowed there: a source without"
            )


def trainings_are_long_enough(
    seeds: Seeds,
    data: Data,
    students: Students,
    teachers: Mapping[str, Teacher],
    acquisitions: Mapping[str, Acquisition],
) -> Iterator[str]:
    """As far as params tell the number of training images; a method itself sees the others when it has none left."""
    from softcifar.methods import METHODS
    from softcifar.methods.demanding import Demanding

    named = [(f"acquisitions.{name}", options, options.draws) for name, options in acquisitions.items()]
    if data.sizes.train is not None:
        refit = data.sizes.validation if seeds.refit else 0
        named += [(f"students.{name}", student, data.sizes.train + refit) for name, student in students.items()]
        named += [(f"teachers.{name}", teacher, data.sizes.train) for name, teacher in teachers.items()]
    for key, recipe, images in named:
        method = METHODS[recipe.method.name](**recipe.method.options)
        needed = method.least_steps if isinstance(method, Demanding) else 0
        fewest = min(recipe.epochs) if isinstance(recipe.epochs, list) else recipe.epochs
        largest = max(recipe.batch_size) if isinstance(recipe.batch_size, list) else recipe.batch_size
        steps = fewest * -(-images // largest)
        if needed > steps:
            yield (
                f"{key}.method: found {recipe.method.name} with options that need {needed} steps, of {steps} in all "
                f"({fewest} times {images} images, in batches of {largest}); allowed there: at most so many"
            )


def one_network_distils_itself(students: Students, labels: Labels, teachers: Mapping[str, Teacher]) -> Iterator[str]:
    for name, student in students.items():
        source = labels.get(student.labels)
        teacher = teachers.get(source.teacher) if source and source.source == "self_distillation" else None
        if teacher and teacher.network != student.network:
            yield (
                f"labels.{student.labels}.teacher: '{source.teacher}' is another network than students.{name}; "
                "self_distillation needs a teacher of the same network (source: teacher takes any)"
            )


def students_that_are_named_exist(
    distillation: Distillation | None, novelty: Novelty | None, surrogates: Collection[str], names: Names
) -> Iterator[str]:
    for name in distillation.students if distillation else ():
        yield from missing(names["students"], name, "distillation.students")
    for name in novelty.students if novelty else ():
        yield from missing(names["students"], name, "novelty.students")
    for name in surrogates:
        yield from missing(names["students"], name, "surrogates")


def students_or_simulations(names: Names, data: Data) -> Iterator[str]:
    """Simulations share no data with students, so a study has either."""
    if not names["simulations"]:
        for section in ("students", "acquisitions"):
            if names[section] and data.protocol == "repeated":
                yield f"data.protocol: found 'repeated' with {section}; allowed there: 'standard' or 'cifar10h'"
        return
    if names["students"] or names["labels"] or names["teachers"]:
        yield "simulations: found beside students, labels or teachers; allowed: either these or simulations (the others {})"
    if names["acquisitions"]:
        yield "simulations: found beside acquisitions; allowed: either these or simulations (the other {})"
    if data.protocol != "repeated":
        yield f"data.protocol: found '{data.protocol}'; allowed with simulations: 'repeated'"


def simulations_compare_alike(seeds: Seeds, simulations: Mapping[str, Simulation], report: ReportSettings) -> Iterator[str]:
    """Every method trains equally many networks."""
    if seeds.refit and simulations:
        yield "seeds.refit: found true with simulations; allowed there: false"
    for name, simulation in simulations.items():
        yield from missing(simulation.methods, report.reference, "report.reference")
        for method, options in simulation.methods.items():
            points = tries(options)
            if points not in (1, seeds.runs):
                yield (
                    f"simulations.{name}.methods.{method}: found a grid of {points}; allowed: {seeds.runs} points "
                    "(seeds.runs) or none, so that all methods train equally many networks"
                )


def every_split_has_its_runs(names: Names, data: Data, seeds: Seeds, report: ReportSettings) -> Iterator[str]:
    """A split chooses among tuned values by itself: what validates one split is tested on in others."""
    if names["simulations"]:
        return
    if data.splits > seeds.runs:
        yield f"data.splits: found {data.splits} with seeds.runs {seeds.runs}; allowed: at most one split per run"
    elif data.splits * seeds.search > seeds.runs:
        yield (
            f"seeds.search: found {seeds.search} with data.splits {data.splits} and seeds.runs {seeds.runs}; allowed: at most "
            f"{seeds.runs // data.splits}, the runs of a split"
        )
    if data.splits > 1 and report.ensembles > 1:
        yield (
            f"report.ensembles: found {report.ensembles} with data.splits {data.splits}, whose runs cannot be averaged, since "
            "they learned from each other's validation or test images; allowed there: 1"
        )
    elif 1 < report.ensembles > seeds.runs // 2:
        yield (
            f"report.ensembles: found {report.ensembles}; allowed: 1, or at most half of seeds.runs "
            f"({seeds.runs}), so that each has two members"
        )


def students_are_evaluated(names: Names, surrogates: Collection[str], evaluation: Evaluation | None) -> Iterator[str]:
    if names["students"] and not names["simulations"]:
        if evaluation is None:
            yield "evaluation: found null; allowed in a study of simulations or acquisitions only"
        elif surrogates and "pgd" not in evaluation.attacks:
            yield (
                f"surrogates: found {cut(', '.join(surrogates))} without evaluation.attacks.pgd, which crafts their examples; "
                "allowed there: none"
            )


def novelty_is_scored(novelty: Novelty | None, data: Data, students: Students, names: Names) -> Iterator[str]:
    """There is something to score, and of every student at least one score."""
    if novelty and novelty.students and not data.ood:
        yield "novelty.students: found without data.ood, so without novel images to score; allowed there: none"
    if novelty and data.sizes.train is not None:
        for score in novelty.scores:
            if score.options.get("neighbours", 0) > data.sizes.train:
                yield (
                    f"novelty.scores.{score.name}.neighbours: found {score.options['neighbours']} with {data.sizes.train} "
                    "training images (data.sizes.train); allowed: at most so many"
                )
    for name in novelty.students if novelty else ():
        if name in students and not novelty.of(students[name]):
            scores, method = ", ".join(score.name for score in novelty.scores), students[name].method.name
            yield (
                f"novelty.students: found {name}, whose last layer (of method '{method}') is not linear, as {scores} "
                f"need{'s' * (len(novelty.scores) == 1)}; allowed: without it, or with a score of features alone (knn, rmds)"
            )


def the_reference_exists(names: Names, report: ReportSettings) -> Iterator[str]:
    if not names["simulations"]:
        yield from missing(names["students"] or names["acquisitions"], report.reference, "report.reference")


def single_people_judged_test_images(
    data: Data, datasets: Mapping[str, Dataset], labels: Labels, report: ReportSettings, names: Names
) -> Iterator[str]:
    """CIFAR-10S is of CIFAR-10's test part, from which protocol cifar10h has its training images."""
    named = [("report.people", report.people), *((f"labels.{name}.people", each.people) for name, each in labels.items())]
    for key, people in named:
        yield from missing(names["datasets"], people, key) if people else ()
        if people not in datasets or data.images not in datasets:
            continue
        source, held = datasets[data.images].source, f"{key}: '{people}' has soft labels of CIFAR-10's test images"
        if datasets[people].source != SOFT_LABELS:
            yield f"{key}: '{people}' has the source {datasets[people].source}; allowed: {SOFT_LABELS}"
        elif source != "cifar10":
            yield f"{held}, but '{data.images}' (data.images) has the source {source}; allowed there: none of this key"
        elif key != "report.people" and data.protocol != "cifar10h":
            yield f"{held}, and data.protocol '{data.protocol}' trains on none of these; allowed there: none of this key"


def votes_are_drawn_once(labels: Labels) -> Iterator[str]:
    """Validation would choose the luckiest draw among several."""
    for name, source in labels.items():
        if isinstance(seeds := source.options.get("seed"), list):
            yield (
                f"labels.{name}.seed: found {quote(seeds)}, a list, which is tuned over; allowed: one seed, and a label "
                "source and a student of their own for each further one"
            )


def acquisitions_are_not_tuned(acquisitions: Mapping[str, Acquisition]) -> Iterator[str]:
    for name, options in acquisitions.items():
        yield from _tuned(options, f"acquisitions.{name}", "active learning")


def the_pool_is_large_enough(acquisitions: Mapping[str, Acquisition], data: Data) -> Iterator[str]:
    """As far as params tell the size of the pool; the stage knows it."""
    for name, options in acquisitions.items():
        if data.sizes.train is not None and options.budget > data.sizes.train:
            yield (
                f"acquisitions.{name}.budget: found {options.budget} with {data.sizes.train} training images "
                "(data.sizes.train); allowed: at most that"
            )


def _tuned(recipe: Recipe, key: str, what: str) -> Iterator[str]:
    for name in sorted(tuned(recipe)):
        yield (
            f"{key}.{name}: found a list, which is tuned over; {what} is not tuned: give it one value (under "
            "this key, where the recipe has a list)"
        )


CHECKS = (
    something_to_train,
    data_sets_exist,
    data_sets_hold_what_is_asked_of_them,
    votes_are_there,
    corruptions_have_severities,
    teachers_exist,
    teachers_are_not_tuned,
    the_shallow_student_is_not_tuned,
    labels_exist,
    listed_values_go_together,
    budgets_are_equal,
    students_can_be_refitted,
    trainings_are_long_enough,
    one_network_distils_itself,
    students_that_are_named_exist,
    students_or_simulations,
    simulations_compare_alike,
    every_split_has_its_runs,
    students_are_evaluated,
    novelty_is_scored,
    the_reference_exists,
    single_people_judged_test_images,
    votes_are_drawn_once,
    acquisitions_are_not_tuned,
    the_pool_is_large_enough,
)
