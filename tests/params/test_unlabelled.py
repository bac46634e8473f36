"""Labels of a share of the images: what may learn from them."""

import pytest

from softcifar.errors import UserError
from softcifar.params import study as params
from softcifar.params.unlabelled import RARE, share_of_images

STEPS = ["labelled_only", "crop_flip"]
FEW = {
    "labels.few": {"source": "human_sampled", "votes_per_image": 10, "share_of_images": 0.1},
    "students.few": {"labels": "few", "augment": STEPS, "batch_size": 128},
}
NEEDED = "with labels of 10 % of the images ('few')"


def mistakes(path) -> list[str]:
    with pytest.raises(UserError) as error:
        params.load(path)
    return [line.removeprefix(f"{path}: ") for line in str(error.value).split("\n")]


def changed(**options: object) -> dict:
    return FEW | {"students.few": FEW["students.few"] | options}


def test_a_student_that_leaves_out_what_has_no_label_is_right(write_params):
    study = params.load(write_params(FEW))
    assert [step.name for step in study.students["few"].augment] == STEPS
    assert share_of_images(study.labels["few"]) == 0.1
    assert share_of_images(study.labels["hard"]) == 1


def test_labels_of_all_images_need_no_step(write_params):
    whole = FEW | {"labels.few": FEW["labels.few"] | {"share_of_images": 1}}
    assert params.load(write_params(whole | {"students.few": {"labels": "few"}})).labels["few"].options["share_of_images"] == 1
    assert params.load(write_params(whole)).students["few"].augment[0].name == "labelled_only"  # there it changes nothing


SWAG = {"name": "swag", "start": 1, "every": 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"augment": []}, f"students.few.augment: found [] {NEEDED}; allowed there: labelled_only as the first step"),
        ({"augment": ["crop_flip"]}, f"students.few.augment: found crop_flip {NEEDED}; allowed there: labelled_only as the"),
        ({"augment": STEPS[::-1]}, f"students.few.augment: found crop_flip, labelled_only {NEEDED}; allowed there"),
        ({"finetune": 1}, f"students.few.finetune_augment: found [] {NEEDED}; allowed there: labelled_only as the first"),
        ({"finetune": 1, "finetune_augment": STEPS}, ""),
        ({"augment": [*STEPS, "mixup"]}, ""),
        (
            {"augment": [*STEPS, {"name": "mixup", "q": "match_human"}]},
            f"students.few.augment.mixup.q: found 'match_human' {NEEDED}, which is the doubt of the votes on all images",
        ),
        ({"method": SWAG}, "students.few.method: found swag, which fits something to all training images, with labels of 10 %"),
        ({"method": "sngp"}, "students.few.method: found sngp, which fits something to all training images"),
        (
            {"batch_size": 32},
            f"students.few.batch_size: found 32 {NEEDED}, so that a share of 0.034 of the batches has no label",
        ),
        ({"batch_size": [32, 128]}, "students.few.batch_size: found 32"),
        ({"batch_size": 65}, "students.few.batch_size: found 65"),
        ({"batch_size": 66}, ""),
    ],
)
def test_whatever_would_read_a_missing_label_is_refused(write_params, options, message):
    path = write_params(changed(**options))
    if message:
        (found,) = [line for line in mistakes(path) if line.startswith("students.few.")]
        assert found.startswith(message)
    else:
        assert params.load(path)


def test_the_batch_that_is_asked_for_is_the_smallest_that_nearly_always_has_a_label():
    assert 0.9**66 <= RARE < 0.9**65


@pytest.mark.parametrize("section", ["novelty", "distillation"])
def test_what_takes_the_data_sets_labels_of_all_images_is_refused(write_params, section):
    more = {
        "novelty": {"students": {"few": None}, "scores": [{"name": "knn", "neighbours": 5}]},
        "distillation": {"students": {"few": None}, "alpha": 0.5, "temperature": 2.0, "augment": []},
    }
    found = mistakes(write_params(FEW | {section: more[section]}))
    assert [line for line in found if line.startswith(f"{section}.students: found few, which has labels of 10 % of the images")]


def test_validation_does_not_choose_among_shares(write_params):
    listed = {"labels.few": FEW["labels.few"] | {"share_of_images": [0.1, 0.5]}}
    found = mistakes(write_params(FEW | listed))
    assert any(line.startswith("labels.few.share_of_images: found [0.1, 0.5], a list, which is tuned over") for line in found)
