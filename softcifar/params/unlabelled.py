"""Labels of a share of the images: what may learn from them. Checks of several sections, as in softcifar.params.together.

A source with `share_of_images` below 1 writes a row of zeros for every other image, which is no distribution. A student of such
labels leaves those images out by the augmentation `labelled_only`; whatever reads the labels of all images is refused.
"""

import math
from collections.abc import Iterator, Mapping

from softcifar.errors import cut, quote
from softcifar.params.sections import Distillation, LabelSource, Novelty, Student

STEP = "labelled_only"
RARE = 0.001  # the largest allowed probability of a batch without a labelled image, whose step is lost


def share_of_images(source: LabelSource) -> float:
    """Of the training images, which share has labels; the least of listed ones, which `shares_are_not_tuned` refuses."""
    share = source.options.get("share_of_images", 1.0)
    return min(share) if isinstance(share, list) else share


def shares_are_not_tuned(labels: Mapping[str, LabelSource]) -> Iterator[str]:
    """Validation would choose the one that costs most."""
    for name, source in labels.items():
        if isinstance(shares := source.options.get("share_of_images"), list):
            yield (
                f"labels.{name}.share_of_images: found {quote(shares)}, a list, which is tuned over; allowed: one share, and a "
                "label source and a student of their own for each further one"
            )


def students_leave_out_what_has_no_label(students: Mapping[str, Student], labels: Mapping[str, LabelSource]) -> Iterator[str]:
    from softcifar.augment.mixing import MATCH_HUMAN
    from softcifar.methods import METHODS
    from softcifar.methods.method import UncertaintyMethod

    for name, student, share in _students_of_a_share(students, labels):
        few = f"labels of {100 * share:.3g} % of the images ('{student.labels}')"
        for key in ("augment", "finetune_augment") if student.finetune else ("augment",):
            steps = [step.name for step in getattr(student, key)]
            if steps[:1] != [STEP]:
                yield (
                    f"students.{name}.{key}: found {cut(', '.join(steps) or '[]')} with {few}; allowed there: {STEP} as the "
                    "first step, which leaves out the images without a label"
                )
            for step in getattr(student, key):
                if MATCH_HUMAN in step.options.values():
                    yield (
                        f"students.{name}.{key}.{step.name}.q: found '{MATCH_HUMAN}' with {few}, which is the doubt of the "
                        "votes on all images; allowed there: a number from 0 to 1"
                    )
        method = METHODS[student.method.name]
        if any(getattr(method, hook) is not getattr(UncertaintyMethod, hook) for hook in ("end_step", "finish")):
            yield (
                f"students.{name}.method: found {student.method.name}, which fits something to all training images, "
                f"with {few}; allowed there: a method that learns from batches alone (softmax, mc_dropout, test_time_averaging)"
            )
        smallest = min(student.batch_size) if isinstance(student.batch_size, list) else student.batch_size
        if (1 - share) ** smallest > RARE:
            yield (
                f"students.{name}.batch_size: found {smallest} with {few}, so that a share of {(1 - share) ** smallest:.2g} of "
                f"the batches has no label at all; allowed there: at least {_enough(share)}"
            )


def nothing_else_reads_the_labels_of_all_images(
    students: Mapping[str, Student],
    labels: Mapping[str, LabelSource],
    distillation: Distillation | None,
    novelty: Novelty | None,
) -> Iterator[str]:
    """Distillation learns beside the student's predictions from labels of all images; scores of novelty are fitted to them."""
    for name, student, share in _students_of_a_share(students, labels):
        for key, section in (("distillation", distillation), ("novelty", novelty)):
            if section and name in section.students:
                yield (
                    f"{key}.students: found {name}, which has labels of {100 * share:.3g} % of the images "
                    f"('{student.labels}'), where this takes the data set's labels of all; allowed there: students with labels "
                    "of all images"
                )


def _students_of_a_share(
    students: Mapping[str, Student], labels: Mapping[str, LabelSource]
) -> Iterator[tuple[str, Student, float]]:
    for name, student in students.items():
        if student.labels in labels and (share := share_of_images(labels[student.labels])) < 1:
            yield name, student, share


def _enough(share: float) -> int:
    """The smallest batch that is without a labelled image as rarely as allowed."""
    return math.ceil(math.log(RARE) / math.log1p(-share))


CHECKS = (shares_are_not_tuned, students_leave_out_what_has_no_label, nothing_else_reads_the_labels_of_all_images)
