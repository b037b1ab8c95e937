"""What may stand around a cell, and what a run may be given, in twelve combinations in which every two meet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from zoo.components import CellType, NormType, Part, Shape
from zoo.engine.around import Dropout, Merge
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.errors import ZooError
from zoo.model.base import Model
from zoo.plugin.manager import catalogue
from zoo.spec.canonical import Spec
from zoo.spec.describe import describe
from zoo.spec.tree import Head, Layer, Norm, Recurrent, dotted, recurrent

Direction = Literal["forward", "reverse", "concat", "sum", "mean", "mul"]
RATE: Final = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """One combination.

    Attributes:
        direction: One way, or both with this merge.
        norm: Its kind and position.
        dropout: The one kind that acts, where "variational" is on the input with one mask for the sequence.
        projection: Of the output.
        two: A second layer of another size behind it.
        lengths: The run has sequences of different lengths.
        state: The run has an incoming state.
        resets: It is run with resets too.
        states: It is run for the states of all steps too.
    """

    direction: Direction = "forward"
    norm: str = ""
    dropout: str = ""
    projection: bool = False
    residual: bool = False
    learned: bool = False
    two: bool = False
    lengths: bool = False
    state: bool = False
    resets: bool = False
    states: bool = False

    def __str__(self) -> str:
        said = [self.direction, *([f"norm {self.norm}"] if self.norm else [])]
        said += [f"dropout {self.dropout}"] if self.dropout else []
        flags = ("projection", "residual", "learned", "two", "lengths", "state")
        return ", ".join([*said, *(name for name in flags if getattr(self, name))])


# Found by search. A kernel and the linear engine leave resets, zoneout and states of all steps to the loop, so every
# two of the other features meet in a run without these as well.
ROWS: Final = (
    Features(dropout="between", residual=True, lengths=True, resets=True, states=True, two=True),
    Features(norm="batch before", projection=True, state=True, states=True, two=True),
    Features(
        norm="layer after",
        dropout="weight",
        projection=True,
        residual=True,
        learned=True,
        lengths=True,
        resets=True,
        state=True,
        states=True,
    ),
    Features(norm="layer before", dropout="input", resets=True, state=True),
    Features(direction="concat", norm="rms after", states=True),
    Features(direction="mean", norm="batch after", dropout="recurrent", learned=True),
    Features(direction="mul", dropout="zoneout", projection=True, residual=True, resets=True, two=True),
    Features(direction="reverse", learned=True),
    Features(
        direction="reverse",
        norm="batch before",
        dropout="weight",
        projection=True,
        residual=True,
        states=True,
        two=True,
    ),
    Features(direction="reverse", norm="rms after", dropout="output", lengths=True, resets=True, state=True, two=True),
    Features(
        direction="sum",
        projection=True,
        residual=True,
        learned=True,
        lengths=True,
        resets=True,
        state=True,
        states=True,
    ),
    Features(
        direction="sum",
        norm="rms before",
        dropout="variational",
        projection=True,
        learned=True,
        lengths=True,
        states=True,
        two=True,
    ),
)


def cells(spec: Spec) -> Iterator[Recurrent]:
    """The first layer of each distinct cell: a cell is distinct by its options and its size too."""
    seen: list[tuple[Part, int]] = []
    for layer in spec.recurrent:
        if (layer.cell, layer.hidden_size) not in seen:
            seen.append((layer.cell, layer.hidden_size))
            yield layer


def built(model: Model, spec: Spec, layer: Recurrent) -> RecurrentLayer:
    """What a layer of a spec became in the model of that spec."""
    path = next(path for path, one in recurrent(spec) if one is layer)
    found = model.get_submodule(dotted(path))
    assert isinstance(found, RecurrentLayer)
    return found


def around(spec: Spec, layer: Recurrent, features: Features, width: int, output: int) -> Spec:
    """A model of this layer's cell alone with these features around it; what the cell cannot do is left out.

    The cell's input and output are `width` and `output` wide; a residual replaces the former by the width of the
    layer's output.
    """
    direction = features.direction
    merge: Merge = "concat" if direction == "forward" or direction == "reverse" else direction
    both = merge == direction
    projection = width if features.residual else 3
    plain = replace(
        layer,
        bidirectional=both,
        merge=merge,
        reverse=features.direction == "reverse",
        dropout=_dropout(layer.cell, features.dropout),
        norm=_norm(features.norm),
        residual=False,
        output_projection=projection if features.projection else None,
        initial_state="learned" if features.learned else "zeros",
    )
    out = projection if features.projection else 2 * output if features.direction == "concat" else output
    made = alone(spec, (width,), plain)
    if features.residual:
        made = alone(spec, (out,), replace(plain, residual=True))
    if not features.two:
        return made
    # Another size, or the one that a cell asks for that keeps its width.
    one = made
    for size in (2 * layer.hidden_size, out):
        made = alone(spec, (out if features.residual else width,), *one.layers, replace(plain, hidden_size=size))
        try:
            describe(made)
        except ZooError:
            continue
        return made
    return one


def alone(spec: Spec, shape: Shape, *layers: Layer, head: Head | None = None) -> Spec:
    """A model of one stack: these layers of a spec between an input of a shape and a head, or none."""
    found = catalogue().find("architecture", "stack")
    stack = replace(spec.stacks[0], name="", input=source(shape), layers=layers, head=head, heads=(), merge=None)
    return replace(spec, architecture=Part(found, found.record.options()), stacks=(stack,), expect=None)


def source(shape: Shape) -> Part:
    """An input that gives features of a shape: flat ones, or maps (channels, height, width)."""
    kind, sizes = ("features", ("size",)) if len(shape) == 1 else ("maps", ("channels", "height", "width"))
    found = catalogue().find("input", kind)
    return Part(found, found.record.options(**dict(zip(sizes, shape, strict=True))))


def _norm(said: str) -> Norm | None:
    if not said:
        return None
    kind, position = said.split()
    found = catalogue().find("norm", kind)
    assert isinstance(found.record, NormType)
    return Norm(part=Part(found, found.record.options()), position="before" if position == "before" else "after")


def _dropout(cell: Part, kind: str) -> Dropout:
    record = cell.record
    if kind == "variational":
        return Dropout(input=RATE, variational=True)
    able: Any = isinstance(record, CellType) and (record.zoneout if kind == "zoneout" else kind in record.dropouts)
    if not kind or (kind in ("recurrent", "weight", "zoneout") and not able):
        return Dropout()
    rates: dict[str, Any] = {kind: RATE}
    return Dropout(**rates)
