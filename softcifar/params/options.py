"""The options of a method are the keyword-only parameters of its function; this reads and checks them."""

import functools
import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    WrapValidator,
    create_model,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from softcifar.errors import UserError, cut, quote, suggestion
from softcifar.params.ranges import Real

MOST_TRIED = 100  # values of one number that is tuned over
Problem = tuple[tuple, str]  # where (keys and positions, from outside in) and what is wrong, in words
WORDED = "worded"  # the type of an error whose text is final


def _one_or_each(value: object, check: Callable[[object], Any]) -> Any:
    if isinstance(value, list):
        if not value:
            raise ValueError("an empty list has no value to try; give one value, or a list of values to tune over")
        if len(value) > MOST_TRIED:
            raise ValueError(f"found {len(value)} values; allowed: at most {MOST_TRIED}")
        values = [check(each) for each in value]
        if any(each in values[:place] for place, each in enumerate(values)):
            raise ValueError(f"found {quote(values)}; allowed: each value once, since every value counts as one that is tried")
        return values
    return check(value)


Tunable = WrapValidator(_one_or_each)  # a list is tuned over: each value is trained, validation chooses


class Section(BaseModel):
    """A params section: strict types, unknown keys are errors that name the closest known key."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    def model_dump(self, **how: Any) -> dict[str, Any]:
        # A tuned number is a list where the field says float: pydantic would warn of that.
        return super().model_dump(warnings=False, **how)

    @model_validator(mode="wrap")
    @classmethod
    def _in_words(cls, found: object, handler: ModelWrapValidatorHandler) -> Any:
        try:
            return handler(found)
        except ValidationError as error:
            raise worded(error, cls.model_fields) from None


def _annotated(annotation: Any, tunable: bool) -> Any:
    # A number may be optional: Positive | None.
    parts = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    bases = {getattr(part, "__origin__", part) for part in parts}
    annotation = Real if annotation is float else annotation
    return Annotated[annotation, Tunable] if tunable and bases & {float, int} else annotation


@functools.cache  # a list of options may be long, and all students may have the same
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
    """`options` with types checked and defaults filled in; ValidationError, in words, where they do not fit."""
    return schema(function, tunable=tunable, given=given).model_validate(dict(options)).model_dump()


def unfolded(entry: object) -> object:
    """{'name': ..., 'options': {...}}, as a resolved section is written down, in the form of params.yaml; else `entry`."""
    if isinstance(entry, Mapping) and isinstance(entry.get("options"), Mapping):
        if twice := [key for key in entry["options"] if key in entry and key != "options"]:
            raise ValueError(f"found '{cut(str(twice[0]))}' twice, once under 'options'; allowed: each key once")
        return {key: value for key, value in entry.items() if key != "options" and value not in (None, False)} | entry[
            "options"
        ]
    return entry


def mapping_with(found: object, key: str) -> dict:
    """`found` as a dict that names something under `key`; ValueError where it is no such mapping."""
    found = unfolded(found)
    if not isinstance(found, Mapping) or not isinstance(found.get(key), str):
        raise ValueError(f"found {quote(found)}; allowed: a mapping with the key '{key}' and the options of what it names")
    return dict(found)


def worded(error: ValidationError, known: Collection[str] = ()) -> ValidationError:
    """The same error with every problem in our words, for sections around it to pass on.

    known: the keys of the section that it is of.
    """
    places: dict[tuple, list[Mapping]] = {}
    for each in error.errors(include_url=False):
        places.setdefault(_place(each), []).append(each)
    return failed((place, text) for place, errors in places.items() for text in _texts(errors, known))


def failed(wrong: Iterable[Problem]) -> ValidationError:
    """An error of all that is wrong."""
    return ValidationError.from_exception_data(
        "params",
        [InitErrorDetails(type=PydanticCustomError(WORDED, "{text}", {"text": text}), loc=place) for place, text in wrong],
    )


def problems(error: ValidationError) -> list[Problem]:
    """All that is wrong, in order."""
    return [(each["loc"], each["msg"]) for each in worded(error).errors(include_url=False)]


def _texts(errors: list[Mapping], known: Collection[str]) -> Iterator[str]:
    """What is wrong in one place: a sentence for each problem; those of the branches of a union are one."""
    found = None
    for each in errors:
        if each["type"] == WORDED:
            yield each["msg"]
        elif each["type"] == "value_error":
            yield from str(each["ctx"]["error"]).split("\n")
        elif each["type"] == "missing":
            yield "this key is missing"
        elif each["type"] == "extra_forbidden":
            yield f"unknown key '{cut(each['loc'][-1])}'{suggestion(each['loc'][-1], known)}"
        elif each["type"] in ("model_type", "model_attributes_type"):
            yield f"found {quote(each['input'])}; allowed: a mapping of {', '.join(known) or 'nothing'}"
        elif found is None:
            found = f"found {quote(each['input'])}; {each['msg'][0].lower()}{each['msg'][1:]}"
        else:
            found += f" or {each['msg'].removeprefix('Input should be ')}"
    if found:
        yield found


def _place(error: Mapping) -> tuple:
    branches = ("function-", "list[", "constrained-", "literal[", "[key]")
    place = tuple(part for part in error["loc"] if not str(part).startswith(branches))
    return place[:-1] if error["type"] == "extra_forbidden" else place  # the section, which has no such key


def require(condition: bool, name: str, found: object, allowed: str) -> None:
    """Raise UserError '<name>: found <found>; allowed: <allowed>' unless the condition holds."""
    if not condition:
        raise UserError(f"{name}: found {quote(found)}; allowed: {allowed}")
