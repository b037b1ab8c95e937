"""Mistakes in the content of a spec, as values with a path: collected while validating, given a place afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

Path = tuple[int | str, ...]
Model = TypeVar("Model", bound=BaseModel)

_WRAPPED = "several"
_UNWRITTEN: Final = frozenset(
    {"tuple_type", "set_type", "frozen_set_type", "is_instance_of", "date_type", "datetime_type", "time_type"}
    | {"time_delta_type", "bytes_type", "complex_type", "path_type", "uuid_type", "url_type", "dataclass_exact_type"}
)
"""Errors of pydantic for a value that must be of a type which no YAML has."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where (`path` from the document's root) and which kind, with what pydantic knows about it.

    Attributes:
        allowed: The keys that could stand where an unknown one was found. key: the mistake is the key, not its value.
    """

    path: Path
    type: str
    message: str
    input: Any = None
    context: Mapping[str, Any] | None = None
    allowed: tuple[str, ...] = ()

    def under(self, *prefix: int | str) -> Problem:
        path = (*prefix, *self.path)
        return Problem(path, self.type, self.message, self.input, self.context, self.allowed)


@dataclass(frozen=True, slots=True, repr=False)
class _Several:
    """Problems on their way through pydantic, which writes out the repr of whatever an error carries."""

    problems: tuple[Problem, ...]


def mistake(type: str, message: str, *path: int | str) -> PydanticCustomError:
    """An error for a validator to raise, which `flatten` turns back into a `Problem`."""
    return wrap([Problem(path, type, message)])


def wrap(problems: list[Problem]) -> PydanticCustomError:
    """Several problems as the one error that a validator can raise."""
    return PydanticCustomError(_WRAPPED, "several mistakes", {"problems": _Several(tuple(problems))})


def unwrap(error: PydanticCustomError) -> list[Problem]:
    several: _Several = (error.context or {})["problems"]
    return list(several.problems)


def flatten(error: ValidationError, allowed: tuple[str, ...]) -> list[Problem]:
    """Every mistake in a pydantic error, those that nested validators wrapped included."""
    found: list[Problem] = []
    for entry in error.errors(include_url=False):
        context = entry.get("ctx")
        if entry["type"] == _WRAPPED and context is not None:
            found += [problem.under(*entry["loc"]) for problem in context["problems"].problems]
        else:
            keys = allowed if entry["type"] == "extra_forbidden" and len(entry["loc"]) == 1 else ()
            found.append(Problem(tuple(entry["loc"]), entry["type"], entry["msg"], entry.get("input"), context, keys))
    return found


def validate(model: type[Model], value: Any, context: Any, *more_keys: str) -> Model:
    """`value` as a `model`, from within another model's validator. more_keys: others that may stand beside its own."""
    try:
        try:
            return model.model_validate(value, context=context)
        except ValidationError as error:
            written = _as_written(value, error)
            if written is None:
                raise
        return model.model_validate_json(written, context=context)
    except ValidationError as error:
        raise wrap(flatten(error, (*more_keys, *keys_of(model)))) from None
    except Exception as error:
        # A validator of a plugin's options; what may be raised on purpose is caught above.
        raise mistake("plugin", f"{model.__name__} cannot be checked: {type(error).__name__}: {error}") from None


def _as_written(value: Any, error: ValidationError) -> str | None:
    """The value as JSON, where an option has a type that no file holds as such: a tuple, a set, an enumeration, a date.

    Strict models take these from Python only as what they are, and from JSON as a list or text, as a spec has them.
    """
    if all(entry["type"] not in _UNWRITTEN for entry in error.errors(include_url=False)):
        return None
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return None


def keys_of(model: type[BaseModel]) -> tuple[str, ...]:
    """The keys of a model as they are written."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


@contextmanager
def collecting(found: list[Problem], *prefix: int | str) -> Iterator[None]:
    """Note the problems raised inside under `prefix`, and go on."""
    try:
        yield
    except PydanticCustomError as error:
        found += [problem.under(*prefix) for problem in unwrap(error)]


def show(value: Any) -> str:
    """A value as its author wrote it, with its type, for messages."""
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {value if len(value) <= 40 else value[:37] + '...'!r}"
    return "a mapping" if isinstance(value, Mapping) else "a list" if isinstance(value, list | tuple) else repr(value)
