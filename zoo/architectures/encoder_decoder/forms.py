"""Options that are a word or a mapping. A mistake in one is said of the form that was written, and at its own place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationInfo, ValidatorFunctionWrapHandler, WrapValidator

from zoo.errors import did_you_mean
from zoo.spec.problems import Problem, collecting, mistake, show, validate, wrap


def either(model: type[BaseModel], *words: str) -> WrapValidator:
    """A validator of an option that is one of these words, or a mapping of this model's keys."""

    def read(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        return _read(value, info, model, words)

    return WrapValidator(read)


def by_name(model: type[BaseModel], *words: str) -> WrapValidator:
    """As `either`, for an option that may also be a mapping of names to such values, which has no key `kind`."""

    def read(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        if not isinstance(value, Mapping) or "kind" in value or not value:
            return _read(value, info, model, words)
        problems: list[Problem] = []
        found: dict[str, Any] = {}
        for name, one in value.items():
            with collecting(problems, str(name)):
                found[str(name)] = _read(one, info, model, words)
        if problems:
            raise wrap(problems)
        return found

    return WrapValidator(read)


def place() -> WrapValidator:
    """A validator of an option that is a name or a position."""

    def read(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> int | str:
        if isinstance(value, int | str) and not isinstance(value, bool) and value != "":
            return value
        raise mistake("place_type", f"must be the name of a layer, or its position from 0, not {show(value)}")

    return WrapValidator(read)


def _read(value: Any, info: ValidationInfo, model: type[BaseModel], words: tuple[str, ...]) -> Any:
    if isinstance(value, model) or (isinstance(value, str) and value in words):
        return value
    if isinstance(value, Mapping):
        return validate(model, value, info.context)
    hint = did_you_mean(value, words) if isinstance(value, str) else ""
    raise mistake("form", f"must be {', '.join(map(repr, words))}, or a mapping, not {show(value)}{hint}")
