"""A small evaluation."""

from softcifar.params.sections import Attacks, Evaluation, Shifts

SETTINGS = Evaluation(
    batch_size=7,
    attacks=Attacks(
        fgsm_eps_255=[2.0, 8.0], fgsm_images=10, pgd_eps_255=[4.0], pgd_steps=2, pgd_images=4, random_search_queries=3
    ),
    shifts=Shifts(corruptions=["contrast"], severities=[5], covered=[], visible=[], images=6),
)
