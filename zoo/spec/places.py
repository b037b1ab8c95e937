"""The places of a spec where a component stands: a name, or a mapping with `kind` and the component's own options.

Options are validated by the component's own model, found through the catalogue that comes in as the validation
context, so that a plugin's options never collide with the format's keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Protocol

from pydantic import BaseModel, PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from zoo.components import ComponentType, Part, Provided
from zoo.errors import ZooError
from zoo.spec.problems import Path, Problem, collecting, keys_of, mistake, show, unwrap, validate, wrap

FREEZABLE: Final = ("cell", "head", "input", "layer", "norm", "pool")
"""Kinds whose mapping may say `frozen: true`."""
LARGEST: Final = (2 - 2**-23) * 2.0**127
"""Of float32: a larger option ends the first step of a model."""
HEAD_NAME: Final = r"[a-z][a-z0-9_]*"
HEAD_KEYS: Final = ("pool", "of")
"""Keys of a head's mapping that are the format's."""
MOST_READ: Final = 100
"""Layers that a head reads."""


class Lookup(Protocol):
    """The part of the plugin catalogue that validation needs; it comes in as `context={"catalogue": ...}`."""

    def find(self, kind: str, name: str) -> Provided: ...


@dataclass(frozen=True, slots=True)
class NoneChosen:
    """`none` was written: nothing stands here, whatever the model says."""


@dataclass(frozen=True, slots=True)
class NormEntry:
    part: Part
    position: Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class HeadEntry:
    part: Part | None
    pool: Part | None
    of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeadsEntry:
    heads: Mapping[str, HeadEntry]
    merge: Literal["sum"] | None


def choose(kind: str, value: Any, info: ValidationInfo, *format_keys: str) -> Part:
    """The component that a spec names. format_keys: keys of the mapping that are the format's, not the component's."""
    if isinstance(value, str):
        value = {"kind": value}
    article = "an" if kind[0] in "aeiou" else "a"
    if not isinstance(value, Mapping):
        raise mistake(
            "component_type", f"must be the name of {article} {kind}, or a mapping with 'kind', not {show(value)}"
        )
    if "kind" not in value:
        raise mistake("missing_kind", f"missing key 'kind': the name of {article} {kind}")
    name = value["kind"]
    if not isinstance(name, str):
        raise mistake("component_type", f"'kind' must be the name of {article} {kind}, not {show(name)}", "kind")
    lookup: Lookup = info.context["catalogue"]  # type: ignore[index]
    try:
        provided = lookup.find(kind, name)
    except ZooError as error:
        raise mistake("unknown_component", str(error), "kind") from None
    if kind in FREEZABLE and "frozen" not in keys_of(provided.record.options):
        format_keys = (*format_keys, "frozen")
    frozen = value.get("frozen", False) if "frozen" in format_keys else False
    if not isinstance(frozen, bool):
        raise mistake("frozen_type", f"'frozen' must be true or false, not {show(frozen)}", "frozen")
    options = {key: item for key, item in value.items() if key != "kind" and key not in format_keys}
    checked = validate(provided.record.options, options, info.context, "kind", *format_keys)
    large = [
        Problem(path, "too_large", f"must be between -{LARGEST:.1e} and {LARGEST:.1e}, which float32 can hold", number)
        for path, number in _numbers(checked)
        if not abs(number) <= LARGEST
    ]
    if large:
        raise wrap(large)
    return Part(provided, checked, frozen)


def _numbers(value: Any, path: Path = ()) -> Iterator[tuple[Path, float]]:
    """Every number that is written and no integer, however deep it stands, and where. A default is its author's own."""
    if isinstance(value, float | Decimal):
        yield path, float(value)
    elif getattr(value, "__pydantic_root_model__", False):  # RootModel itself is not imported: that loads its plugins
        yield from _numbers(value.root, path)
    elif isinstance(value, BaseModel):
        for name in value.model_fields_set:
            field = type(value).model_fields.get(name)
            yield from _numbers(getattr(value, name), (*path, field.alias or name if field is not None else name))
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from _numbers(getattr(value, each.name), (*path, each.name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _numbers(key, path)
            yield from _numbers(item, (*path, key if isinstance(key, int) else str(key)))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _numbers(item, (*path, index))
    elif isinstance(value, Set):  # in another order than it is written
        for item in value:
            yield from _numbers(item, path)


def component(kind: str, name: object, info: ValidationInfo) -> ComponentType | None:
    """The record of a component, or None where there is none of this kind and name."""
    if not isinstance(name, str):
        return None
    lookup: Lookup = info.context["catalogue"]  # type: ignore[index]
    try:
        return lookup.find(kind, name).record
    except ZooError:
        return None


def is_component(kind: str, name: object, info: ValidationInfo) -> bool:
    """Whether there is a component of this kind and name: to tell a misplaced one from an unknown one."""
    if not isinstance(name, str):
        return False
    try:
        choose(kind, name, info)
    except PydanticCustomError as error:
        return all(problem.type != "unknown_component" for problem in unwrap(error))
    return True


def place(kind: str) -> Any:
    """The annotation of a key whose value is a component of this kind, or of a component's option that is one.

    An option is given again as it is when sizes are changed.
    """

    def read(value: Any, info: ValidationInfo) -> Part:
        return value if isinstance(value, Part) else choose(kind, value, info)

    return Annotated[Part, PlainValidator(read), WithJsonSchema({"x-component": kind})]


def _norm(value: Any, info: ValidationInfo) -> NormEntry | NoneChosen:
    return NoneChosen() if value == "none" else NormEntry(*positioned(value, info, ("before", "after")))


def positioned(value: Any, info: ValidationInfo, positions: tuple[str, ...]) -> tuple[Part, Any]:
    """A norm and where it stands: `after`, if it does not say."""
    found: list[Problem] = []
    part = None
    position = value.get("position", "after") if isinstance(value, Mapping) else "after"
    with collecting(found):
        part = choose("norm", value, info, "position")
    if position not in positions:
        known = " or ".join((", ".join(map(repr, positions[:-1])), repr(positions[-1])))
        found.append(Problem(("position",), "position", f"position must be {known}, not {show(position)}"))
    if part is None or found:
        raise wrap(found)
    return part, position


def _head(value: Any, info: ValidationInfo) -> HeadEntry | NoneChosen:
    if value == "none":
        return NoneChosen()
    found: list[Problem] = []
    part = pool = None
    of: tuple[str, ...] = ()
    keys = _head_keys(value, info)
    if isinstance(value, Mapping) and value.get("pool", "none") != "none":
        with collecting(found, "pool"):
            pool = choose("pool", value["pool"], info)
    if isinstance(value, Mapping) and "of" in value and "of" in keys:
        with collecting(found, "of"):
            of = _read_layers(value["of"])
    if isinstance(value, Mapping) and value.get("kind") == "none":
        found += [
            Problem((str(key),), "extra_forbidden", "", allowed=("kind", *keys))
            for key in value
            if key not in ("kind", *keys)
        ]
        if found:
            raise wrap(found)
        if pool is None and of:
            raise mistake("head_of", "of says what a head or a pool reads, and there is neither: leave it out", "of")
        return NoneChosen() if pool is None else HeadEntry(None, pool, of)
    with collecting(found):
        part = choose("head", value, info, *keys)
    if part is None or found:
        raise wrap(found)
    return HeadEntry(part, pool, of)


def _head_keys(value: Any, info: ValidationInfo) -> tuple[str, ...]:
    """Those of the format's keys that a head has: its own option of such a name comes first."""
    record = component("head", value.get("kind"), info) if isinstance(value, Mapping) else None
    own = () if record is None else keys_of(record.options)
    return tuple(key for key in HEAD_KEYS if key == "pool" or key not in own)


def _read_layers(value: Any) -> tuple[str, ...]:
    """The layers that a head reads: a name, or a list of them."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise mistake("head_of", f"must be the name of a layer, or a list of names, not {show(value)}")
    if not 1 <= len(names) <= MOST_READ:
        raise mistake("head_of", f"must name 1 to {MOST_READ} layers, not {len(names)}")
    return tuple(names)


def _heads(value: Any, info: ValidationInfo) -> HeadsEntry | NoneChosen:
    if value == "none":
        return NoneChosen()
    if not isinstance(value, Mapping) or not value:
        raise mistake("heads_type", f"must be a mapping of names to heads, as in {{actor: {{...}}}}, not {show(value)}")
    found: list[Problem] = []
    heads: dict[str, HeadEntry] = {}
    merge = value.get("merge")
    if merge not in (None, "sum"):
        found.append(Problem(("merge",), "heads_merge", f"merge of heads must be 'sum', not {show(merge)}"))
    for name, one in value.items():
        if name == "merge":
            continue
        if not isinstance(name, str) or not re.fullmatch(HEAD_NAME, name):
            said = f"a head's name is lower case letters, digits and '_', starting with a letter, not {show(name)}"
            found.append(Problem((str(name),), "heads_name", said))
            continue
        with collecting(found, name):
            entry = _head(one, info)
            if isinstance(entry, NoneChosen):
                raise mistake("heads_none", "must be a head, or have a pool: leave out a name that has neither")
            heads[name] = entry
    if not heads and not found:
        raise mistake("heads_type", "must name at least one head, as in {actor: {kind: linear, size: 6}}")
    if found:
        raise wrap(found)
    return HeadsEntry(heads, "sum" if merge == "sum" else None)


def read_input(value: Any, info: ValidationInfo, *allowed: str) -> Part:
    """An input; a number is that of its features. allowed: keys that may stand beside its own, for messages."""
    if not isinstance(value, int) or isinstance(value, bool):
        return choose("input", value, info, *allowed)
    found: list[Problem] = []
    with collecting(found):
        return choose("input", {"kind": "features", "size": value}, info)
    # The short form has no key of its own to point at.
    raise wrap([Problem((), p.type, p.message, p.input, p.context) for p in found])


def _input(value: Any, info: ValidationInfo) -> Part:
    return read_input(value, info)


CellPlace = place("cell")
InitPlace = place("init")
NormPlace = Annotated[NormEntry | NoneChosen, PlainValidator(_norm), WithJsonSchema({"x-component": "norm"})]
HeadPlace = Annotated[HeadEntry | NoneChosen, PlainValidator(_head), WithJsonSchema({"x-component": "head"})]
HeadsPlace = Annotated[HeadsEntry | NoneChosen, PlainValidator(_heads), WithJsonSchema({"x-short": "heads"})]
InputPlace = Annotated[Part, PlainValidator(_input), WithJsonSchema({"x-component": "input"})]
ArchitecturePlace = place("architecture")
