"""Learning-rate schedules."""

import math

from softcifar.params.recipe import Recipe


def learning_rate(recipe: Recipe, epoch: float, step: int = 0) -> float:
    """The learning rate at `epoch` (0 at the start, fractional within an epoch, below recipe.epochs), after `step` steps.

    Linear warm-up from recipe.warmup_from to 1 over the first recipe.warmup epochs, then: 'constant'; 'cosine' to 0 at the end
    (Loshchilov & Hutter 2017, without restarts); 'linear' to recipe.factor at the end; 'multistep', times recipe.factor after
    each milestone. The warm-up scales what the schedule gives, and so
    does 1 / (1 + recipe.decay * step), which is what `decay` means in Keras' optimisers.
    """
    warm = min(1.0, epoch / recipe.warmup) if recipe.warmup else 1.0
    warm += recipe.warmup_from * (1 - warm)
    progress = max(0.0, epoch - recipe.warmup) / max(recipe.epochs - recipe.warmup, 1e-9)
    if recipe.schedule == "cosine":
        scale = 0.5 * (1 + math.cos(math.pi * progress))
    elif recipe.schedule == "linear":
        scale = 1 - (1 - recipe.factor) * progress
    elif recipe.schedule == "multistep":
        scale = recipe.factor ** sum(epoch >= milestone for milestone in recipe.milestones)
    else:
        scale = 1.0
    return recipe.lr * warm * scale / (1 + recipe.decay * step)
