"""How each library lays out the same weights: the order of gates, the form of biases, what it cannot say at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from zoo.errors import ZooError
from zoo.translation.neutral import GATES, PEEPHOLES, Activation, Array, Direction, Kind, Merge, Recurrent, Reset


@dataclass(frozen=True, slots=True)
class Layout:
    """One library's form.

    Attributes:
        name: As `zoo.convert` takes it.
        order: The blocks of each kind along the axis of gates, by our names; a kind that is not there, the library does
            not have.
        transposed: Matrices stand as (in, gates).
        added: Kinds, with the GRU's reset, whose two biases are one.
        peepholes: Their order; None where there are none.
        must_peep: An LSTM has them always.
        projection: What else it can say: a projected LSTM, forms of the GRU, of the rnn, of two directions, two
            directions at all, a single backward one.
        resets: What else it can say: a projected LSTM, forms of the GRU, of the rnn, of two directions, two directions
            at all, a single backward one.
        activations: What else it can say: a projected LSTM, forms of the GRU, of the rnn, of two directions, two
            directions at all, a single backward one.
        merges: What else it can say: a projected LSTM, forms of the GRU, of the rnn, of two directions, two directions
            at all, a single backward one.
        both: What else it can say: a projected LSTM, forms of the GRU, of the rnn, of two directions, two directions at
            all, a single backward one.
        backward: What else it can say: a projected LSTM, forms of the GRU, of the rnn, of two directions, two
            directions at all, a single backward one.
    """

    name: str
    order: Mapping[Kind, tuple[str, ...]]
    transposed: bool = False
    added: frozenset[str] = frozenset()
    peepholes: tuple[str, ...] | None = None
    must_peep: bool = False
    projection: bool = False
    resets: tuple[Reset, ...] = ("after",)
    activations: tuple[Activation, ...] = ("tanh", "relu")
    merges: tuple[Merge, ...] = ("concat",)
    both: bool = True
    backward: bool = False


TORCH: Final = Layout("torch", {"rnn": ("h",), "lstm": ("i", "f", "g", "o"), "gru": ("r", "z", "n")}, projection=True)
KERAS: Final = Layout(
    "keras",
    {"rnn": ("h",), "lstm": ("i", "f", "g", "o"), "gru": ("z", "r", "n")},
    transposed=True,
    added=frozenset({"rnn", "lstm", "gru before"}),
    resets=("after", "before"),
    merges=("concat", "sum", "mean", "mul"),
)
ONNX: Final = Layout(
    "onnx",
    {"rnn": ("h",), "lstm": ("i", "o", "f", "g"), "gru": ("z", "r", "n")},
    peepholes=("i", "o", "f"),
    resets=("after", "before"),
    backward=True,
)
TORCHRECURRENT: Final = Layout(
    "torchrecurrent", {"lstm": ("i", "f", "g", "o")}, peepholes=("i", "f", "o"), must_peep=True, both=False
)
ZOO: Final = Layout(
    "zoo",
    GATES,
    peepholes=PEEPHOLES,
    projection=True,
    resets=("after", "before"),
    merges=("concat", "sum", "mean", "mul"),
    backward=True,
)
LAYOUTS: Final = {layout.name: layout for layout in (TORCH, KERAS, ONNX, TORCHRECURRENT)}


@dataclass(frozen=True, slots=True)
class Packed:
    """One direction as a library has it: gates stacked in its order. Shapes as `Direction`, with gates * H for H."""

    kernel: Array
    recurrent: Array
    bias: Array | None
    recurrent_bias: Array | None
    peepholes: Array | None
    projection: Array | None


def check(layer: Recurrent, layout: Layout, place: str) -> None:
    """Whether a library can say what a layer is.

    Raises:
        ZooError: it cannot; says what.
    """
    first = layer.directions[0]
    missing = [
        (layer.kind not in layout.order, f"plain {layer.kind}"),
        (first.p is not None and layout.peepholes is None, "peepholes"),
        (first.p is None and layout.must_peep, f"{layer.kind} without peepholes"),
        (first.R is not None and not layout.projection, "projection of the state"),
        (layer.kind == "gru" and layer.reset not in layout.resets, f"reset_gate: {layer.reset}"),
        (layer.kind == "rnn" and layer.activation not in layout.activations, f"nonlinearity: {layer.activation}"),
        (len(layer.directions) == 2 and not layout.both, "two directions"),
        (len(layer.directions) == 2 and layer.merge not in layout.merges, f"merge: {layer.merge}"),
        (layer.reverse and not layout.backward, "reverse: true"),
    ]
    found = [what for wrong, what in missing if wrong]
    if found:
        raise ZooError(f"{place}: {layout.name} has no {' and no '.join(found)}")


def pack(direction: Direction, layer: Recurrent, layout: Layout) -> Packed:
    """One direction in a library's form."""
    order = layout.order[layer.kind]
    kernel, recurrent = _stacked(direction.W, order), _stacked(direction.U, order)
    bias = None if direction.b is None else _stacked(direction.b, order)
    second = None if direction.c is None else _stacked(direction.c, order)
    if bias is not None and second is not None and _form(layer) in layout.added:
        bias, second = bias + second, None
    return Packed(
        kernel=kernel.T if layout.transposed else kernel,
        recurrent=recurrent.T if layout.transposed else recurrent,
        bias=bias,
        recurrent_bias=second,
        peepholes=None if direction.p is None else _stacked(direction.p, layout.peepholes or ()),
        projection=direction.R,
    )


def unpack(packed: Packed, kind: Kind, layout: Layout) -> Direction:
    """The inverse of `pack`; one bias is the input's, and the state's is then zero."""
    order = layout.order[kind]
    kernel, recurrent = (m.T if layout.transposed else m for m in (packed.kernel, packed.recurrent))
    bias, second = packed.bias, packed.recurrent_bias
    if bias is not None and second is None:
        second = np.zeros_like(bias)
    return Direction(
        W=_split(kernel, order),
        U=_split(recurrent, order),
        b=None if bias is None else _split(bias, order),
        c=None if second is None else _split(second, order),
        p=None if packed.peepholes is None else _split(packed.peepholes, layout.peepholes or ()),
        R=packed.projection,
    )


def _form(layer: Recurrent) -> str:
    return f"gru {layer.reset}" if layer.kind == "gru" else layer.kind


def _stacked(blocks: Mapping[str, Array], order: Sequence[str]) -> Array:
    return np.concatenate([blocks[gate] for gate in order])


def _split(stacked: Array, order: Sequence[str]) -> dict[str, Array]:
    return dict(zip(order, np.split(stacked, len(order)), strict=True))
