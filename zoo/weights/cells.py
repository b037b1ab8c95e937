"""From a library's form of a recurrent cell to the parameters of ours, by the one translation of `zoo.convert`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from zoo.errors import ZooError
from zoo.translation import layouts
from zoo.translation.layouts import KERAS, ONNX, TORCH, ZOO, Layout, Packed, check, pack, unpack
from zoo.translation.neutral import GATES, Array, Direction, Kind, Recurrent, Reset
from zoo.weights.forms import Cell, Module

KINDS: Final = ("rnn", "lstm", "gru")
_FORMS: Final = {"torch": TORCH, "keras": KERAS, "onnx": ONNX}
PACKED: Final = ("weight_ih", "weight_hh", "bias_ih", "bias", "bias_hh", "weight_ch", "weight_hr")
"""Our parameters of a cell that a form fills; others, such as those of norms, stand under `tensors`."""


@dataclass(frozen=True, slots=True)
class Ours:
    """A cell of ours.

    Attributes:
        path: Of it in the model, such as `layers.0.cell`.
        kind: rnn, lstm or gru; another cell's name is refused.
        parameters: Shapes by their own names.
        options: Of the cell.
    """

    path: str
    kind: str
    parameters: Mapping[str, tuple[int, ...]]
    options: Any

    @property
    def hidden_size(self) -> int:
        return self.parameters["weight_hh"][0] // len(GATES[self.kind])  # type: ignore[index]


def names_of(module: Module, cell: str, names: Callable[[str], bool]) -> Cell:
    """The arrays of one direction of a module of torch.

    Args:
        module: Its path and layer, filled in.
        cell: `cell` or `reverse_cell`.
        names: Whether a tensor of theirs is there.
    """
    from zoo.weights.values import Value

    end = "" if module.layer is None else f"_l{module.layer}"
    end += "_reverse" if cell == "reverse_cell" else ""
    dot = f"{module.path}." if module.path else ""
    found = {role: f"{dot}{role}{end}" for role in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")}
    there = {role: name for role, name in found.items() if names(name) or role in ("weight_ih", "weight_hh")}
    return Cell("torch", {role: Value("from", name) for role, name in there.items()}, reset_gate="after")


def parameters(ours: Ours, form: Cell, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Our parameters of a cell, by their own names.

    Args:
        ours: The cell.
        form: In which theirs stands.
        arrays: Theirs, by the form's names.

    Raises:
        ZooError: They do not fit, or ours cannot say what they say; says what.
    """
    if ours.kind not in KINDS:
        raise ZooError(
            f"{ours.path} is a cell {ours.kind}, and a form is known of {', '.join(KINDS)} only: name its tensors one "
            "by one under tensors"
        )
    if getattr(ours.options, "coupled", False):
        raise ZooError(f"{ours.path} has coupled gates, which no form has: name its tensors one by one under tensors")
    kind: Kind = ours.kind  # type: ignore[assignment]
    layout = _layout(form, kind, ours.path)
    packed = _packed(form, arrays, ours)
    _fits(packed, ours, layout)
    theirs = unpack(packed, kind, layout)
    theirs = _negated(theirs, form.gates)
    layer = _neutral(ours, kind, theirs, form, packed)
    if form.form != "gates":
        check(layer, layout, ours.path)
    return _poured(theirs, layer, ours)


def _layout(form: Cell, kind: Kind, place: str) -> Layout:
    if form.form != "gates":
        return _FORMS[form.form]
    order = tuple(gate.removeprefix("-") for gate in form.gates)
    if sorted(order) != sorted(GATES[kind]):
        raise ZooError(f"{place} has the gates {', '.join(GATES[kind])}, and the map says {', '.join(form.gates)}")
    return replace(ZOO, name="gates", order={kind: order}, transposed=form.transposed)


def _packed(form: Cell, arrays: Mapping[str, Array], ours: Ours) -> Packed:
    if form.form == "keras":
        bias, second = arrays.get("bias"), None
        if bias is not None and bias.ndim == 2:
            if len(bias) != 2:
                raise ZooError(f"{ours.path}: Keras's bias is of the shape {bias.shape}, not (2, gates * units)")
            bias, second = bias
        return Packed(arrays["kernel"], arrays["recurrent_kernel"], bias, second, None, None)
    if form.form == "onnx":
        held = {}
        for name, array in arrays.items():
            if not array.ndim or not form.direction < array.shape[0] <= 2:
                raise ZooError(f"{ours.path}: {name} of ONNX is of the shape {array.shape}, not (directions, ...)")
            held[name] = array[form.direction]
        first, second = None, None
        if "B" in held:
            first, second = np.split(held["B"], 2) if not held["B"].shape[0] % 2 else (held["B"], held["B"])
        return Packed(held["W"], held["R"], first, second, held.get("P"), None)
    get = arrays.get
    return Packed(
        arrays["weight_ih"], arrays["weight_hh"], get("bias_ih"), get("bias_hh"), get("weight_ch"), get("weight_hr")
    )


def _fits(packed: Packed, ours: Ours, layout: Layout) -> None:
    """Shapes, before anything is cut: a cut needs blocks of one size."""
    gates, hidden = len(GATES[ours.kind]), ours.hidden_size  # type: ignore[index]
    rows, width = ours.parameters["weight_ih"]
    state = ours.parameters["weight_hh"][1]
    wanted: dict[str, tuple[tuple[int, ...], Any]] = {
        "the input's matrix": ((width, rows) if layout.transposed else (rows, width), packed.kernel),
        "the state's matrix": ((state, rows) if layout.transposed else (rows, state), packed.recurrent),
        "the bias": ((gates * hidden,), packed.bias),
        "the state's bias": ((gates * hidden,), packed.recurrent_bias),
        "the peepholes": ((3 * hidden,), packed.peepholes),
        "the projection": ((state, hidden), packed.projection),
    }
    wrong = [
        f"{what} is {array.shape} and not {shape}"
        for what, (shape, array) in wanted.items()
        if array is not None and array.shape != shape
    ]
    if wrong:
        raise ZooError(f"{ours.path}: {'; '.join(wrong)}")


def _negated(theirs: Direction, gates: tuple[str, ...]) -> Direction:
    """A gate that is one minus ours is ours of the negated sum, as sigmoid(-x) = 1 - sigmoid(x)."""
    turned = {gate[1:] for gate in gates if gate.startswith("-")}
    if not turned:
        return theirs

    def one(blocks: Mapping[str, Array] | None) -> Any:
        return None if blocks is None else {gate: -b if gate in turned else b for gate, b in blocks.items()}

    return replace(theirs, W=one(theirs.W), U=one(theirs.U), b=one(theirs.b), c=one(theirs.c), p=one(theirs.p))


def _neutral(ours: Ours, kind: Kind, theirs: Direction, form: Cell, packed: Packed) -> Recurrent:
    options = ours.options
    gates = getattr(options, "recurrent_activation", "sigmoid")
    reset: Reset = getattr(options, "reset_gate", "after")
    said = form.reset_gate
    if kind == "gru" and form.form == "keras" and packed.bias is not None:
        said = "after" if packed.recurrent_bias is not None else "before"
    if kind == "gru" and said not in (None, reset):
        raise ZooError(f"{ours.path} has reset_gate: {reset}, and theirs is {said}")
    if any(gate.startswith("-") for gate in form.gates) and gates != "sigmoid":
        raise ZooError(f"{ours.path} has recurrent_activation {gates}, of which no gate is one minus another's")
    return Recurrent(kind, (theirs,), activation=getattr(options, "nonlinearity", "tanh"), reset=reset, dtype="float64")


def _poured(theirs: Direction, layer: Recurrent, ours: Ours) -> dict[str, Array]:
    """Into the arrays that our cell has: it may have fewer biases than theirs, or more."""
    has = ours.parameters
    one = "bias" in has or ("bias_ih" in has and "bias_hh" not in has)
    none = not {"bias", "bias_ih", "bias_hh"} & set(has)
    if none and theirs.b is not None:
        raise ZooError(f"{ours.path} has no bias, and theirs has one: give the cell bias: two or bias: one")
    layout = ZOO
    if one and theirs.b is not None:
        form = f"gru {layer.reset}" if layer.kind == "gru" else layer.kind
        if form == "gru after" and theirs.c is not None and np.any(theirs.c["n"]):
            raise ZooError(
                f"{ours.path} has one bias, and with reset_gate: after two do not become one: give it bias: two"
            )
        wide = {gate: block.astype(np.float64) for gate, block in theirs.b.items()}
        second = theirs.c if theirs.c is not None and any(map(np.any, theirs.c.values())) else None
        theirs = replace(theirs, b=wide if second is not None else theirs.b, c=second)
        layout = replace(ZOO, added=frozenset({"rnn", "lstm", "gru before", "gru after"}))
    packed = pack(theirs, layer, layout)
    found: dict[str, Any] = {
        "weight_ih": packed.kernel,
        "weight_hh": packed.recurrent,
        "bias_ih": packed.bias,
        "bias": packed.bias,
        "bias_hh": packed.recurrent_bias,
        "weight_ch": packed.peepholes,
        "weight_hr": packed.projection,
    }
    lost = [
        what
        for what, name in (("peepholes", "weight_ch"), ("a projection", "weight_hr"))
        if found[name] is not None and name not in has
    ]
    if lost:
        raise ZooError(f"{ours.path} has no {lost[0]}, and theirs has")
    for name in ("bias_ih", "bias", "bias_hh"):
        if name in has and found[name] is None:
            found[name] = np.zeros(has[name], np.asarray(packed.kernel).dtype)
    return {name: found[name] for name in PACKED if name in has and found[name] is not None}


assert layouts.LAYOUTS.keys() >= _FORMS.keys()
