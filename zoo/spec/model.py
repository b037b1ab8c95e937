"""What a spec file may say of its layers: their keys, types, bounds and meaning, as pydantic models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    Strict,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

from zoo.components import LayerType, Part
from zoo.engine.around import ALL, Merge
from zoo.spec.fields import MOST_MISTAKES, MOST_TEXTS, Entry, Positive, of_short
from zoo.spec.places import (
    CellPlace,
    InitPlace,
    NormPlace,
    choose,
    component,
    is_component,
    place,
    positioned,
)
from zoo.spec.problems import Problem, collecting, mistake, show, validate, wrap
from zoo.spec.rates import DropoutPlace
from zoo.spec.tree import Layer, Norm

MOST_LAYERS: Final = 1000
LAYER_NAME_PATTERN: Final = r"^[a-z][a-z0-9_]*$"
NOT_A_LAYER_NAME: Final = ("input", "previous", "layers")
PLACE_KEYS: Final = ("name", "from", "repeat")
INHERITED_BY_LAYERS: Final = (
    *("cell", "hidden_size", "bidirectional", "merge", "share", "dropout", "norm", "residual", "init"),
)


def _layer_name(value: str) -> str:
    if not re.fullmatch(LAYER_NAME_PATTERN, value) or value in NOT_A_LAYER_NAME:
        raise ValueError(
            "must be lower case letters, digits and '_', starting with a letter, as in 'low', and none of "
            + ", ".join(NOT_A_LAYER_NAME)
        )
    return value


def _share(value: Any, info: ValidationInfo) -> tuple[str, ...]:
    """Names of parameters, or all of them."""
    if value in ("all", ALL):
        return ALL
    names = tuple(value) if isinstance(value, list | tuple) else ()
    if not names or not all(isinstance(name, str) for name in names):
        raise mistake("share_type", f"must be 'all' or a list of names of the cell's parameters, not {show(value)}")
    again = next((name for index, name in enumerate(names) if name in names[:index]), None)
    if again is not None:
        raise mistake("share_again", f"'share' names {again!r} twice")
    if len(names) > MOST_TEXTS:
        raise mistake("share_count", f"must be at most {MOST_TEXTS} names, not {len(names)}")
    return names


SharePlace = Annotated[tuple[str, ...], PlainValidator(_share), WithJsonSchema({"x-short": "share"})]


class Inherited(Entry):
    """Keys that stand on the model or on a recurrent layer; a layer without one takes the model's."""

    cell: CellPlace | None = Field(
        default=None, description="The recurrent cell: a name, or a mapping with its options."
    )
    hidden_size: Positive | None = Field(
        default=None, description="Number of hidden units; each cell defines what they are."
    )
    bidirectional: bool = Field(default=False, description="Run over the sequence in both directions.")
    merge: Merge = Field(default="concat", description="How the outputs of the two directions are combined.")
    share: SharePlace | None = Field(
        default=None,
        description="Parameters of the cell that both directions share: `all`, or a list of their names.",
    )
    dropout: DropoutPlace | None = Field(
        default=None, description="A rate (`between`), or a mapping of kinds to rates."
    )
    norm: NormPlace | None = Field(
        default=None, description="A norm, on the layer's output or, with `position: before`, on its input."
    )
    residual: bool = Field(
        default=False, description="Add the layer's input to its output; their widths must be equal."
    )
    init: InitPlace | None = Field(
        default=None, description="How parameters are initialised; `paper` is as the cell's paper says."
    )


class ProjectionEntry(Entry):
    """A linear map of a layer's output; a number alone is short for its `size`."""

    size: Positive = Field(description="Number of features that the output is projected to.")
    bias: bool = Field(default=True, description="Add a bias.")


def _projection(value: Any, info: ValidationInfo) -> ProjectionEntry:
    if isinstance(value, Mapping):
        return validate(ProjectionEntry, value, None)
    if not isinstance(value, int) or isinstance(value, bool):
        raise mistake("projection_type", f"must be an integer, or a mapping with 'size', not {show(value)}")
    return of_short(ProjectionEntry, {"size": value})


ProjectionPlace = Annotated[
    ProjectionEntry, PlainValidator(_projection), WithJsonSchema({"x-short": "output_projection"})
]


class RecurrentEntry(Inherited):
    """One recurrent layer in a list of layers."""

    kind: Literal["recurrent"] = Field(
        default="recurrent", description="The kind of layer; other kinds have keys of their own."
    )
    output_projection: ProjectionPlace | None = Field(
        default=None,
        description="Project the output to this many features by a linear map, or a mapping of `size` and `bias`.",
    )
    reverse: bool = Field(default=False, description="Run from the last step to the first.")
    initial_state: Literal["zeros", "learned"] = Field(
        default="zeros", description="The initial state: zeros, or learned as a parameter."
    )


class PlaceEntry(Entry):
    """Keys of an entry of a list of layers, of whatever kind the layer is."""

    name: Annotated[str, AfterValidator(_layer_name)] | None = Field(
        default=None, description="A name by which later layers, and heads, may ask for the output of this one."
    )
    source: str | None = Field(
        default=None,
        alias="from",
        description="The name of the layer whose output this one reads, or `input`; the layer before it if not given.",
    )
    repeat: Annotated[int, Field(ge=1, le=MOST_LAYERS)] = Field(
        default=1, description="How many such layers stand here, one after the other."
    )


class JoinEntry(PlaceEntry):
    """Those of a layer that joins the outputs of several."""

    of: Annotated[
        tuple[str, ...],
        Strict(False),
        Field(min_length=1, max_length=MOST_TEXTS),
        WithJsonSchema({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_TEXTS}),
    ] = Field(description="The names of the layers that it reads, or `input`.")

    @field_validator("repeat")
    @classmethod
    def _once(cls, repeat: int) -> int:
        if repeat > 1:
            raise ValueError("repeat would have each copy of it read the same layers: leave it out")
        return repeat


@dataclass(frozen=True, slots=True)
class LayerEntry:
    """One layer as it was written, or one copy of those that `repeat` stands for.

    Attributes:
        written: Its position in the list as written, which copies share.
        name: Its name; of several copies the last has it.
        of: The names of the layers that it reads.
    """

    layer: RecurrentEntry | Part
    written: int
    name: str | None = None
    of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LayerEntries:
    """Layers as they were written: what stands above them says the keys that a recurrent one of them lacks.

    Attributes:
        counted: They were written as a number.
    """

    entries: tuple[LayerEntry, ...]
    counted: bool = False


def _layers(value: Any, info: ValidationInfo) -> LayerEntries:
    count = value
    if isinstance(value, list | tuple):
        count = len(value)
    elif not isinstance(value, int) or isinstance(value, bool):
        raise mistake("layers_type", f"must be a count or a list of layers, not {show(value)}")
    if not 1 <= count <= MOST_LAYERS:
        raise mistake("layers_count", f"must be 1 to {MOST_LAYERS} layers, not {count}")
    if isinstance(value, int):
        return LayerEntries(tuple(LayerEntry(RecurrentEntry(), index) for index in range(value)), counted=True)
    found: list[Problem] = []
    entries: list[LayerEntry] = []
    for index, entry in enumerate(value):
        if len(found) > MOST_MISTAKES:
            break
        with collecting(found, index):
            entries += _entries(index, entry, info)
    if not found and len(entries) > MOST_LAYERS:
        raise mistake("layers_count", f"must be 1 to {MOST_LAYERS} layers, not {len(entries)}")
    if found:
        raise wrap(found)
    return LayerEntries(tuple(entries))


def layers_or_none(value: Any, info: ValidationInfo) -> LayerEntries:
    """As `_layers`, of a stack that may be its input alone, and then says so: `layers: []`."""
    return LayerEntries(()) if isinstance(value, list | tuple) and not value else _layers(value, info)


def _inner_layers(value: Any, info: ValidationInfo) -> LayerEntries | tuple[Layer, ...]:
    """Layers inside a layer. They are read as written, and given again in canonical form when sizes are changed."""
    if isinstance(value, tuple) and value and all(isinstance(one, Layer) for one in value):
        return value
    return value if isinstance(value, LayerEntries) else _layers(value, info)


def _entries(index: int, value: Any, info: ValidationInfo) -> list[LayerEntry]:
    """What an entry of a list of layers stands for: one layer, or as many copies as it says."""
    if not isinstance(value, Mapping):
        raise mistake("layer_type", f"a layer must be a mapping, as in {{hidden_size: 20}}, not {show(value)}")
    found: list[Problem] = []
    keys = _place_keys(value, info)
    entry = PlaceEntry()
    layer: RecurrentEntry | Part | None = None
    with collecting(found):
        model = JoinEntry if "of" in keys else PlaceEntry
        entry = validate(model, {key: value[key] for key in keys if key in value}, info.context)
    with collecting(found):
        layer = _layer(value, keys, info)
    if layer is None or found:
        raise wrap(found)
    of = entry.of if isinstance(entry, JoinEntry) else () if entry.source is None else (entry.source,)
    last = entry.repeat - 1
    return [
        LayerEntry(layer, index, entry.name if copy == last else None, of if copy == 0 else ())
        for copy in range(entry.repeat)
    ]


def _place_keys(value: Mapping[Any, Any], info: ValidationInfo) -> tuple[str, ...]:
    """The keys that belong to the place of a layer in its list, and not to its kind, whose own options come first."""
    record = component("layer", value.get("kind"), info)
    if record is None:
        return PLACE_KEYS
    own = {field.alias or name for name, field in record.options.model_fields.items()}
    joins = isinstance(record, LayerType) and record.joins
    return tuple(key for key in (("name", "of", "repeat") if joins else PLACE_KEYS) if key not in own)


def _layer(value: Mapping[Any, Any], keys: tuple[str, ...], info: ValidationInfo) -> RecurrentEntry | Part:
    kind = value.get("kind", "recurrent")
    if kind == "recurrent":
        return validate(RecurrentEntry, {key: one for key, one in value.items() if key not in keys}, info.context)
    try:
        return choose("layer", value, info, *keys)
    except PydanticCustomError:
        if is_component("cell", kind, info) and not is_component("layer", kind, info):
            message = f"{kind!r} is a cell, not a layer kind: write `cell: {kind}`"
            raise mistake("cell_as_kind", message, "kind") from None
        raise


LayersPlace = Annotated[LayerEntries, PlainValidator(_layers), WithJsonSchema({"x-short": "layers"})]
Layers = Annotated[tuple[Layer, ...], PlainValidator(_inner_layers), WithJsonSchema({"x-short": "layers"})]
"""The type of an option that is layers: `layers: zoo.Layers`. A count, or a list as on a model."""


def _around_norm(value: Any, info: ValidationInfo) -> Norm:
    """A norm around layers. It is given again as it is when sizes are changed."""
    if isinstance(value, Norm):
        return value
    part, position = positioned(value, info, ("before", "after", "sum"))
    return Norm(part=part, position=position)


AroundNorm = Annotated[Norm, PlainValidator(_around_norm), WithJsonSchema({"x-component": "norm"})]
"""The type of an option that is a norm with a position around layers: `before`, `after` or `sum`."""
NormOption = place("norm")
"""The type of an option that is a norm: `norm: zoo.NormOption | None = None`."""
PoolOption = place("pool")
"""The type of an option that is a pool: `pool: zoo.PoolOption | None = None`."""
