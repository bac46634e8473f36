"""A small evaluation."""

from softcifar.params.sections import Evaluation, Shifts

SETTINGS = Evaluation(
    batch_size=7,
    attacks={
        "fgsm": {"eps_255": [2.0, 8.0], "images": 10},
        "pgd": {"eps_255": [4.0], "images": 4, "steps": 2},
        "random_search": {"eps_255": [4.0], "images": 4, "queries": 3},
    },
    shifts=Shifts(corruptions=["contrast"], severities=[5], covered=[], visible=[], images=6),
)
