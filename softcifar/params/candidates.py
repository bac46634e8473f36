"""Hyper-parameters given as lists, of the recipe or of the label source: every combination is trained, validation chooses."""

import itertools
import math
from typing import Any

from softcifar.params.recipe import Recipe
from softcifar.params.sections import LabelSource
from softcifar.params.simulation import SimulatedMethod

NOT_TUNED = ("milestones", "augment", "finetune_augment", "students")  # lists by nature; the options of augmentations are tuned


def tuned(recipe: Recipe) -> list[str]:
    """The params keys of the recipe that are lists to be tuned over."""
    return [name for name, _, _ in _lists(recipe.model_dump())]


def tries(chosen: Recipe | LabelSource | SimulatedMethod) -> int:
    """How many combinations of listed values there are; 1 where nothing is listed."""
    if isinstance(chosen, Recipe):
        lists = [values for _, _, values in _lists(chosen.model_dump())]
    else:
        loss = getattr(chosen, "loss", None)
        options = [*chosen.options.values(), *(loss.options.values() if loss else ())]
        lists = [value for value in options if isinstance(value, list)]
    return math.prod(map(len, lists))


def candidates(recipe: Recipe) -> list[tuple[dict[str, Any], Recipe]]:
    """Each combination of the listed values, as (the values chosen, by params key; the recipe with just those).

    One candidate with nothing chosen where no hyper-parameter is a list. Keys: 'lr', 'loss.alpha', 'augment.mixup.alpha'.
    """
    plain = recipe.model_dump()
    lists = _lists(plain)
    combinations = []
    for values in itertools.product(*(options for _, _, options in lists)):
        chosen = recipe.model_dump()
        for (_, path, _), value in zip(lists, values, strict=True):
            _put(chosen, path, value)
        names = [name for name, _, _ in lists]
        combinations.append((dict(zip(names, values, strict=True)), type(recipe).model_validate(chosen)))
    return combinations


def label_candidates(source: LabelSource) -> list[tuple[dict[str, Any], LabelSource]]:
    """The same for the listed options of a label source; keys: 'labels.epsilon'."""
    lists = {name: value for name, value in source.options.items() if isinstance(value, list)}
    combinations = []
    for values in itertools.product(*lists.values()):
        chosen = dict(zip(lists, values, strict=True))
        one = source.model_copy(update={"options": source.options | chosen})
        combinations.append(({f"labels.{name}": value for name, value in chosen.items()}, one))
    return combinations


def _lists(plain: dict) -> list[tuple[str, tuple, list]]:
    """(params key, path in the dumped recipe, values) of every list that is tuned over."""
    lists = []
    for key, value in plain.items():
        if isinstance(value, list) and key not in NOT_TUNED:
            lists.append((key, (key,), value))
        methods = [((key,), value)] if isinstance(value, dict) and "options" in value else []
        if key == "augment":
            methods = [((key, place), step) for place, step in enumerate(value)]
        for path, method in methods:
            for option, given in method["options"].items():
                if isinstance(given, list):
                    name = f"{key}.{method['name']}.{option}" if key == "augment" else f"{key}.{option}"
                    lists.append((name, (*path, "options", option), given))
    return lists


def _put(plain: dict, path: tuple, value: Any) -> None:
    for key in path[:-1]:
        plain = plain[key]
    plain[path[-1]] = value


def grid(method: SimulatedMethod) -> list[dict[str, Any]]:
    """Every combination of the options that are lists, {option: value}, the last one varying fastest; [{}] where none is.

    Options of the label source stand under their names, those of the loss as 'loss.beta'.
    """
    of_loss = {f"loss.{name}": values for name, values in method.loss.options.items()} if method.loss else {}
    lists = {name: values for name, values in (method.options | of_loss).items() if isinstance(values, list)}
    return [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]
