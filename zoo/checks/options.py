"""The options of a component: every one with its path, read and changed there, and those that its author shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from zoo.checks.candidates import candidates
from zoo.errors import ZooError
from zoo.spec.tree import Path


def walk_options(given: BaseModel, under: Path = ()) -> Iterator[tuple[Path, FieldInfo, Any]]:
    """Every option with its value; models inside the options, and in lists of them, are gone into.

    A model that could be of another kind, or missing, is an option too.
    """
    for name, field in type(given).model_fields.items():
        now, path = getattr(given, name), (*under, name)
        if isinstance(now, BaseModel):
            if candidates(field, now):
                yield path, field, now
            yield from walk_options(now, path)
            continue
        yield path, field, now
        for index, item in enumerate(now if isinstance(now, tuple | list) else ()):
            if isinstance(item, BaseModel):
                yield from walk_options(item, (*path, index))


def get(given: BaseModel, path: Path) -> Any:
    """The value at a path; None where there is nothing on the way."""
    found: Any = given
    for name in path:
        if isinstance(name, str):
            found = getattr(found, name, None)
        else:
            found = found[name] if isinstance(found, tuple | list) and name < len(found) else None
    return found


def with_value(given: BaseModel, path: Path, value: Any) -> BaseModel | None:
    """The options with one of them changed, or None where that is refused."""
    return with_values(given, {path: value})


def with_values(given: BaseModel, values: Mapping[Path, Any]) -> BaseModel | None:
    kept: dict[str, Any] = {}
    for name, field in type(given).model_fields.items():
        now = getattr(given, name)
        inner = {path[1:]: value for path, value in values.items() if path[0] == name}
        if () in inner:
            now = inner[()]
        elif inner and isinstance(now, BaseModel):
            now = with_values(now, inner)
            if now is None:
                return None
        elif inner and isinstance(now, tuple | list):
            now = _with_items(now, inner)
            if now is None:
                return None
        elif inner:
            return None
        kept[field.validation_alias if isinstance(field.validation_alias, str) else field.alias or name] = now
    try:
        return type(given).model_validate(kept)
    except (ValidationError, ZooError):
        return None


def _with_items(now: Any, values: Mapping[Path, Any]) -> Any:
    """A tuple or list of models with values inside some of them changed, or None where that is refused."""
    items = []
    for index, item in enumerate(now):
        inner = {path[1:]: value for path, value in values.items() if path[0] == index}
        changed = with_values(item, inner) if inner and isinstance(item, BaseModel) else item
        if changed is None or (inner and changed is item):
            return None
        items.append(changed)
    return type(now)(items)


def examples(kind: type[BaseModel]) -> Iterator[BaseModel]:
    """The options as they come, and as their author's examples have them."""
    extra = kind.model_config.get("json_schema_extra")
    given = extra.get("examples", ()) if isinstance(extra, Mapping) else ()
    for example in ({}, *(given if isinstance(given, list | tuple) else ())):
        try:
            yield kind.model_validate(example)
        except (ValidationError, ZooError):
            continue
