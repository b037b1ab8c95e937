"""Between Keras's and ONNX's layers, as arrays with what they must be read with, and neutral layers. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from zoo.errors import ZooError
from zoo.translation.layouts import KERAS, ONNX, Packed, check, pack, unpack
from zoo.translation.neutral import Kind, Merge, Recurrent, Reset

_KERAS: Final[Mapping[str, Kind]] = {"SimpleRNN": "rnn", "LSTM": "lstm", "GRU": "gru"}
_ONNX: Final[Mapping[str, Kind]] = {"RNN": "rnn", "LSTM": "lstm", "GRU": "gru"}
_MERGES: Final[Mapping[str, Merge]] = {"concat": "concat", "sum": "sum", "ave": "mean", "mul": "mul"}
_DIRECTIONS: Final = {"forward": (1, False), "reverse": (1, True), "bidirectional": (2, False)}
_USUAL: Final = {
    "rnn": (("Tanh",), ("Relu",)),
    "gru": (("Sigmoid", "Tanh"),),
    "lstm": (("Sigmoid", "Tanh", "Tanh"),),
}


@dataclass(frozen=True, slots=True)
class KerasLayer:
    """A recurrent layer of Keras: what `layer.set_weights` takes, and the options that the layer must be made with.

    class_name: SimpleRNN, LSTM or GRU. weights: kernel (I, G H), recurrent kernel (H, G H), bias where there is one;
    with two directions those of the way back follow. options: of the layer, `units`, `use_bias`, `activation` and,
    for a GRU, `reset_after`. merge_mode: of the `Bidirectional` around it; None where there is none.
    """

    class_name: str
    weights: tuple[Any, ...]
    options: Mapping[str, Any]
    merge_mode: str | None = None


@dataclass(frozen=True, slots=True)
class OnnxNode:
    """A recurrent node of ONNX.

    op_type: RNN, LSTM or GRU. inputs: by the names of the operator, W (D, G H, I), R (D, G H, H), B (D, 2 G H), P
    (D, 3 H); D is 2 where direction is bidirectional. attributes: as the operator has them.
    """

    op_type: str
    inputs: Mapping[str, Any]
    attributes: Mapping[str, Any]


def read_keras(layer: Any) -> KerasLayer:
    """What a built layer of Keras holds.

    Raises:
        ZooError: it is no recurrent layer, is not built, or does something that no other library does.
    """
    name = type(layer).__name__
    inner = layer.forward_layer if name == "Bidirectional" else layer
    if type(inner).__name__ not in _KERAS:
        raise ZooError(f"Keras's {name} is not one of {', '.join(_KERAS)}, or Bidirectional around one")
    weights = tuple(np.asarray(value) for value in layer.get_weights())
    if not weights:
        raise ZooError(f"the layer {layer.name!r} has no weights yet: build it, or call it once")
    config = inner.get_config()
    wanted = ("units", "use_bias", "activation", "recurrent_activation", "reset_after", "go_backwards")
    options = {key: config[key] for key in wanted if key in config}
    return KerasLayer(type(inner).__name__, weights, options, layer.merge_mode if name == "Bidirectional" else None)


def of_keras(layer: KerasLayer) -> Recurrent:
    """Errors as `read_keras`."""
    kind = _KERAS.get(layer.class_name)
    if kind is None:
        raise ZooError(f"Keras's {layer.class_name} is not one of {', '.join(_KERAS)}")
    options = layer.options
    if options.get("go_backwards"):
        raise ZooError("Keras's go_backwards gives the steps in reverse, which no other library does")
    activation, gates = options.get("activation", "tanh"), options.get("recurrent_activation", "sigmoid")
    if gates != "sigmoid" or activation not in (("tanh", "relu") if kind == "rnn" else ("tanh",)):
        raise ZooError(f"Keras's activations {activation!r} and {gates!r} in a {layer.class_name} are Keras's alone")
    biased = options.get("use_bias", True)
    per = 3 if biased else 2
    directions = 1 if layer.merge_mode is None else 2
    if len(layer.weights) != per * directions:
        raise ZooError(f"a {layer.class_name} has {per * directions} arrays here, not {len(layer.weights)}")
    if layer.merge_mode is not None and layer.merge_mode not in _MERGES:
        raise ZooError(f"merge_mode must be one of {', '.join(_MERGES)}, not {layer.merge_mode!r}")
    reset: Reset = "after" if options.get("reset_after", True) else "before"
    found = []
    for index in range(directions):
        kernel, recurrent, *rest = (np.asarray(w, np.float64) for w in layer.weights[per * index : per * (index + 1)])
        bias, second = (rest[0] if rest else None), None
        if bias is not None and bias.ndim == 2:
            bias, second = bias
        found.append(unpack(Packed(kernel, recurrent, bias, second, None, None), kind, KERAS))
    merge = _MERGES[layer.merge_mode or "concat"]
    dtype = str(np.asarray(layer.weights[0]).dtype)
    return Recurrent(kind, tuple(found), activation=activation, reset=reset, merge=merge, dtype=dtype)


def to_keras(layer: Recurrent, place: str) -> KerasLayer:
    """Raises ZooError where Keras cannot say what the layer is."""
    check(layer, KERAS, place)
    weights: list[Any] = []
    for direction in layer.directions:
        packed = pack(direction, layer, KERAS)
        bias = packed.bias if packed.recurrent_bias is None else np.stack([packed.bias, packed.recurrent_bias])  # type: ignore[list-item]
        weights += [packed.kernel, packed.recurrent, *([] if bias is None else [bias])]
    options: dict[str, Any] = {
        "units": layer.directions[0].hidden_size,
        "use_bias": layer.biased,
        "activation": layer.activation if layer.kind == "rnn" else "tanh",
    }
    if layer.kind == "gru":
        options["reset_after"] = layer.reset == "after"
    merge = {ours: theirs for theirs, ours in _MERGES.items()}[layer.merge]
    return KerasLayer(
        class_name={kind: name for name, kind in _KERAS.items()}[layer.kind],
        weights=tuple(np.ascontiguousarray(value, layer.dtype) for value in weights),
        options=options,
        merge_mode=merge if len(layer.directions) == 2 else None,
    )


def of_onnx(node: OnnxNode) -> Recurrent:
    """A node as the operator of ONNX defines it.

    Raises:
        ZooError: an attribute or a shape that cannot be, or that no other library has.
    """
    kind = _ONNX.get(node.op_type)
    if kind is None:
        raise ZooError(f"ONNX's {node.op_type} is not one of {', '.join(_ONNX)}")
    direction = _text(node.attributes.get("direction", "forward"))
    if direction not in _DIRECTIONS:
        raise ZooError(f"direction must be one of {', '.join(_DIRECTIONS)}, not {direction!r}")
    count, reverse = _DIRECTIONS[direction]
    activation = _activation(node, kind, count)
    for name in ("clip", "input_forget", "layout"):
        if node.attributes.get(name):
            raise ZooError(f"ONNX's attribute {name} is ONNX's alone: {name}={node.attributes[name]!r}")
    held = {name: np.asarray(value, np.float64) for name, value in node.inputs.items() if name in "WRBP"}
    for name in ("W", "R"):
        if name not in held or held[name].ndim != 3 or held[name].shape[0] != count:
            raise ZooError(f"ONNX's {node.op_type} needs {name} of shape ({count}, gates * hidden_size, width)")
    found = []
    for index in range(count):
        bias, second = np.split(held["B"][index], 2) if "B" in held else (None, None)
        peepholes = held["P"][index] if "P" in held else None
        packed = Packed(held["W"][index], held["R"][index], bias, second, peepholes, None)
        found.append(unpack(packed, kind, ONNX))
    reset: Reset = "after" if kind != "gru" or node.attributes.get("linear_before_reset") else "before"
    dtype = str(np.asarray(node.inputs["W"]).dtype)
    return Recurrent(kind, tuple(found), activation=activation, reset=reset, reverse=reverse, dtype=dtype)  # type: ignore[arg-type]


def to_onnx(layer: Recurrent, place: str) -> OnnxNode:
    """Raises ZooError where ONNX cannot say what the layer is."""
    check(layer, ONNX, place)
    packed = [pack(direction, layer, ONNX) for direction in layer.directions]
    inputs = {"W": [one.kernel for one in packed], "R": [one.recurrent for one in packed]}
    if layer.biased:
        inputs["B"] = [np.concatenate([one.bias, one.recurrent_bias]) for one in packed]
    if packed[0].peepholes is not None:
        inputs["P"] = [one.peepholes for one in packed]  # type: ignore[misc]
    both = len(packed) == 2
    attributes: dict[str, Any] = {
        "hidden_size": layer.directions[0].hidden_size,
        "direction": "bidirectional" if both else "reverse" if layer.reverse else "forward",
    }
    if layer.kind == "gru":
        attributes["linear_before_reset"] = int(layer.reset == "after")
    if layer.kind == "rnn":
        attributes["activations"] = [layer.activation.capitalize()] * len(packed)
    return OnnxNode(
        op_type=layer.kind.upper(),
        inputs={name: np.ascontiguousarray(np.stack(value), layer.dtype) for name, value in inputs.items()},
        attributes=attributes,
    )


def _activation(node: OnnxNode, kind: Kind, count: int) -> str:
    usual = _USUAL[kind]
    given = tuple(_text(name).capitalize() for name in node.attributes.get("activations", usual[0] * count))
    if given not in [one * count for one in usual]:
        raise ZooError(f"ONNX's activations {', '.join(given)} of {node.op_type} are ONNX's alone")
    return given[0].lower() if kind == "rnn" else "tanh"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
