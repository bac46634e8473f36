"""Numbers and names that no study means: each is refused, with the bound in the message."""

import pytest

from softcifar.errors import UserError
from softcifar.params import study as params


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe.lr": 2**63}, "recipe.lr: found 9223372036854775808; input should be less than or equal to 1000"),
        ({"recipe.weight_decay": 1e300}, "recipe.weight_decay: found 1e+300; input should be less than or equal to 100"),
        ({"recipe.batch_size": 10**30}, "recipe.batch_size: found 1000000000000000000000000000000; input should be less than"),
        ({"recipe.epochs": 2**64}, "recipe.epochs: found 18446744073709551616; input should be less than or equal to 100000"),
        ({"recipe.epochs": 10**400}, "recipe.epochs: found a number of about 401 digits; input should be less than"),
        ({"recipe.patience": 10**9}, "recipe.patience: found 1000000000; input should be less than or equal to 100000"),
        ({"seeds.runs": 10**9}, "seeds.runs: found 1000000000; input should be less than or equal to 1000"),
        ({"seeds.init": 2**40}, "seeds.init: found 1099511627776; input should be less than or equal to 1000000000"),
        ({"data.split_seed": 2**128}, "input should be less than or equal to 1000000000"),
        (
            {"data.sizes.train": 2**64},
            "found 18446744073709551616; input should be less than or equal to 10000000",
        ),
        (
            {"datasets.shapes.train": 10**9},
            "shapes.train: found 1000000000; input should be less than or equal to 1000000",
        ),
        ({"datasets.noise.side": 10**12}, "datasets.noise.side: found 1000000000000; input should be less than"),
        ({"teachers.resnet8.folds": 10**9}, "teachers.resnet8.folds: found 1000000000; input should be less than or equal to"),
        (
            {"distillation.temperature": 1e300},
            "distillation.temperature: found 1e+300; input should be less than",
        ),
        (
            {"labels.instance.temperature": 1e300},
            "labels.instance.temperature: found 1e+300; input should be less",
        ),
        ({"evaluation.batch_size": 10**12}, "evaluation.batch_size: found 1000000000000; input should be less than"),
        ({"evaluation.attacks.pgd.steps": 10**9}, "evaluation.attacks.pgd.steps: found 1000000000; input should be less than"),
        (
            {"illustrations.two_moons.points": 10**9},
            "illustrations.two_moons.points: found 1000000000; input should",
        ),
        ({"report.bins": 10**9}, "report.bins: found 1000000000; input should be less than or equal to 1000"),
        ({"students.hard.network": {"name": "mlp", "layers": 10**6}}, "found mlp with "),
        ({"students.hard.network": {"name": "mlp", "layers": 10**6, "width": 8}}, "in 10001 or more tensors; allowed: at most"),
        ({"students.hard.network": {"name": "mlp", "width": 10**6}}, "found mlp with 3072000000 or more weights in 1 or more"),
        ({"students.hard.network": {"name": "mlp", "width": 10**12}}, "width: found 1000000000000; input should be less than"),
        ({"students.hard.network": "resnet1502"}, "depth: found 'resnet1502'; allowed: a depth of at most 1500"),
        ({"students.hard.network": "resnet" + "9" * 50}, "allowed: a depth of at most 1500"),
        (
            {"evaluation.attacks": {"fgsm": {"eps_255": [1], "images": 5, "options": {"images": 4}}}},
            "evaluation.attacks.fgsm: found 'images' twice, once under 'options'",
        ),
        ({"students.hard.network": "resnet020"}, "depth: found 'resnet020'; allowed: resnet20"),
        (
            {"students.hard.network": "resnet<depth>"},
            "there is no 'resnet<depth>'; write a number in the place of <...>",
        ),
        (
            {"datasets.noise": {"source": "noise", "count": 5, "options": {"count": 6}}},
            "datasets.noise: found 'count' twice, once under 'options'; allowed: each key once",
        ),
        ({"students.hard.network": "resnet" + "9" * 5000}, "network: name: found 'resnet999"),
        ({"students.hard.network": "resnet٢٠"}, "network: name: found 'resnet٢٠'; allowed: at most 64 letters, digits and _"),
        ({"students.hard.method": {"name": "sngp", "features": 10**6}}, "method: found sngp with "),
        ({"study": "a" * 245}, "study: found 245 characters; allowed: a name of at most 64"),
        ({"students": {"a" * 245: {"labels": "hard"}}}, "found 245 characters; allowed: a name of at most 64"),
        ({"students": {"Hard": {"labels": "hard"}}}, "students.Hard: found 'Hard'; allowed: a name of at most 64 lower-case"),
        ({"recipe.augment": ["mixup"] * 1000}, "augment: found mixup more than once; allowed: each augmentation once"),
        ({"students.instance.loss.alpha": [0.05, 0.1, 0.1]}, "found [0.05, 0.1, 0.1]; allowed: each value once"),
        ({"students.hard.lr": [0.1 + each / 1000 for each in range(101)]}, "found 101 values; allowed: at most 100"),
        (
            {f"students.hard.{key}": [each / 50 for each in range(1, 41)] for key in ("lr", "momentum")},
            "students.hard: tries 1600 values; allowed: at most 1000",
        ),
    ],
)
def test_what_no_study_means_is_refused_with_the_bound(write_params, changes, message):
    with pytest.raises(UserError) as error:
        params.load(write_params(changes))
    lines = str(error.value).split("\n")
    assert any(message in line for line in lines)
    assert max(map(len, lines)) < 1000


@pytest.mark.parametrize(
    ("milestones", "message"),
    [
        ([2, 1], "milestones: found [2, 1]; allowed: rising epochs, each once"),
        ([1, 1], "milestones: found [1, 1]; allowed: rising epochs, each once"),
        ([1, 10**6], "recipe.milestones.1: found 1000000; input should be less than or equal to 100000"),
    ],
)
def test_milestones_rise(write_params, milestones, message):
    changes = {"recipe.schedule": "multistep", "recipe.epochs": 4}
    beyond = params.load(write_params({**changes, "recipe.milestones": [1, 5]}))  # of no effect, but published so
    assert beyond.recipe.milestones == [1, 5]
    with pytest.raises(UserError) as error:
        params.load(write_params({**changes, "recipe.milestones": milestones}))
    assert message in str(error.value)
