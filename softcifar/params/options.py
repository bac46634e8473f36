"""The options of a method are the keyword-only parameters of its function; this reads and checks them."""

import inspect
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, WrapValidator, create_model

from softcifar.errors import UserError, suggestion


def _number(value: object) -> object:
    # PyYAML reads 1e-3 (no dot) as a string, and dvc exp run -S writes small numbers that way.
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _one_or_each(value: object, check: Callable[[object], Any]) -> Any:
    if isinstance(value, list):
        if not value:
            raise ValueError("an empty list has no value to try; give one value, or a list of values to tune over")
        return [check(each) for each in value]
    return check(value)


Number = BeforeValidator(_number)
Tunable = WrapValidator(_one_or_each)  # a list is tuned over: each value is trained, validation chooses


class Section(BaseModel):
    """A params section: strict types, unknown keys are errors that name the closest known key."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    def model_dump(self, **how: Any) -> dict[str, Any]:
        # A tuned number is a list where the field says float: pydantic would warn of that.
        return super().model_dump(warnings=False, **how)

    @classmethod
    def known(cls, found: object) -> dict:
        """`found` as a dict; ValueError where it is none, or has a key that this section does not."""
        if not isinstance(found, Mapping):
            raise ValueError(f"found {found!r}; allowed: a mapping of {', '.join(cls.model_fields) or 'nothing'}")
        for key in found:
            if key not in cls.model_fields:
                raise ValueError(f"unknown key '{key}'{suggestion(key, cls.model_fields)}")
        return dict(found)


def _annotated(annotation: Any, tunable: bool) -> Any:
    # A number may be optional: Positive | None.
    parts = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    bases = {getattr(part, "__origin__", part) for part in parts}
    extra = ([Number] if float in bases else []) + ([Tunable] if tunable and bases & {float, int} else [])
    for each in extra:
        annotation = Annotated[annotation, each]
    return annotation


def schema(function: Callable, *, tunable: bool = False, given: tuple[str, ...] = ()) -> type[Section]:
    """A Section with one field per keyword-only parameter of `function`, except those the caller itself passes (`given`).

    With `tunable`, a number may also be a list of numbers (softcifar.params.candidates).
    """
    fields = {
        name: (
            _annotated(parameter.annotation, tunable),
            ... if parameter.default is inspect.Parameter.empty else parameter.default,
        )
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and name not in given
    }
    return create_model(f"options of {function.__name__}", __base__=Section, **fields)


def check(function: Callable, options: Mapping, *, tunable: bool = False, given: tuple[str, ...] = ()) -> dict:
    """`options` with types checked and defaults filled in; ValueError (pydantic's or ours) where they do not fit."""
    model = schema(function, tunable=tunable, given=given)
    return model.model_validate(model.known(options)).model_dump()


def checked(function: Callable, options: Mapping, **how: Any) -> dict:
    """`check`, with pydantic's error as a ValueError of one sentence."""
    try:
        return check(function, options, **how)
    except ValidationError as error:
        raise ValueError(sentence(error)) from None


def unfolded(entry: object) -> object:
    """{'name': ..., 'options': {...}}, as a resolved section is written down, in the form of params.yaml; else `entry`."""
    if isinstance(entry, Mapping) and isinstance(entry.get("options"), Mapping):
        return {key: value for key, value in entry.items() if key != "options" and value not in (None, False)} | entry[
            "options"
        ]
    return entry


def mapping_with(found: object, key: str) -> dict:
    """`found` as a dict that names something under `key`; ValueError where it is no such mapping."""
    found = unfolded(found)
    if not isinstance(found, Mapping) or not isinstance(found.get(key), str):
        raise ValueError(f"found {found!r}; allowed: a mapping with the key '{key}' and the options of what it names")
    return dict(found)


def sentence(error: ValidationError) -> str:
    """The first thing wrong, as '<key>: found <value>; <what is allowed>'."""
    first, *others = error.errors()
    key = _key(first)
    if first["type"] == "value_error":
        text = str(first["ctx"]["error"])
    elif first["type"] == "missing":
        text = "this key is missing"
    elif first["type"] == "extra_forbidden":
        text = "unknown key"
    else:
        allowed = [first["msg"][0].lower() + first["msg"][1:]]
        allowed += [other["msg"].removeprefix("Input should be ") for other in others if _key(other) == key]  # of a union
        text = f"found {first['input']!r}; {' or '.join(allowed)}"
    return f"{key}: {text}" if key else text


def _key(error: Mapping) -> str:
    branches = ("function-", "list[", "constrained-", "literal[")
    return ".".join(str(part) for part in error["loc"] if not str(part).startswith(branches))


def require(condition: bool, name: str, found: object, allowed: str) -> None:
    """Raise UserError '<name>: found <found>; allowed: <allowed>' unless the condition holds."""
    if not condition:
        raise UserError(f"{name}: found {found!r}; allowed: {allowed}")
