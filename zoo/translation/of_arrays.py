"""Between Keras's and ONNX's layers, as arrays with what they must be read with, and neutral layers. NumPy only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from zoo.errors import ZooError
from zoo.translation.contents import FLOATS
from zoo.translation.keras_config import CLASSES, directions, plain_options
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


_ATTRIBUTES: Final = frozenset(
    ["direction", "hidden_size", "activations", "activation_alpha", "activation_beta", "clip", "input_forget", "layout"]
)
_GATES: Final[Mapping[Kind, int]] = {"rnn": 1, "lstm": 4, "gru": 3}


@dataclass(frozen=True, slots=True)
class KerasLayer:
    """A recurrent layer of Keras: what `layer.set_weights` takes, and the options that the layer must be made with.

    Attributes:
        class_name: SimpleRNN, LSTM or GRU.
        weights: Kernel (I, G H), recurrent kernel (H, G H), and bias where there is one. With two directions those of
            the backward one follow.
        options: Of the layer: `units`, `use_bias`, `activation` and, for a GRU, `reset_after`.
        merge_mode: Of the `Bidirectional` around it. None where there is none.
    """

    class_name: str
    weights: tuple[Any, ...]
    options: Mapping[str, Any]
    merge_mode: str | None = None


@dataclass(frozen=True, slots=True)
class OnnxNode:
    """A recurrent node of ONNX.

    Attributes:
        op_type: RNN, LSTM or GRU.
        inputs: Arrays by the operator's names, W (D, G H, I), R (D, G H, H), B (D, 2 G H) and P (D, 3 H). D is 2 for
            two directions, else 1.
        attributes: As the operator has them.
    """

    op_type: str
    inputs: Mapping[str, Any]
    attributes: Mapping[str, Any]


def read_keras(layer: Any) -> KerasLayer:
    """What a built layer of Keras holds.

    Raises:
        ZooError: It is no recurrent layer, is not built, or does something that no other library does.
    """
    name = type(layer).__name__
    if type(layer).__module__.partition(".")[0] not in ("keras", "tf_keras"):
        raise ZooError(f"{type(layer).__module__}.{name} is not one of Keras's own layers, and may compute anything")
    weights = tuple(np.asarray(value) for value in layer.get_weights())
    entry = {"class_name": name, "config": layer.get_config()}
    if not weights and name in (*CLASSES, "Bidirectional"):
        raise ZooError(f"the layer {layer.name!r} has no weights yet: build it, or call it once")
    return keras_layer(entry, weights)


def keras_layer(entry: Mapping[str, Any], weights: tuple[Any, ...]) -> KerasLayer:
    """A layer from its entry in a configuration of Keras.

    Args:
        entry: Its `class_name` and `config`.
        weights: As `get_weights` gives them.

    Raises:
        ZooError: As `read_keras`.
    """
    (name, options), *others = directions(entry)
    merge = entry["config"].get("merge_mode") if others else None
    if others and merge is None:
        raise ZooError("Bidirectional with merge_mode=None gives two outputs, which no other library does")
    for other, theirs in others:
        if other != name:
            raise ZooError(
                f"Bidirectional around a {name} and, as backward_layer, a {other}: both directions must be of one kind"
            )
        ours, given = ({**options, "go_backwards": None}, {**theirs, "go_backwards": None})
        differ = sorted(key for key in {*ours, *given} if ours.get(key) != given.get(key))
        if differ:
            said = ", ".join(f"{key}={theirs.get(key)!r}, not {options.get(key)!r}" for key in differ)
            raise ZooError(f"Bidirectional's backward_layer has {said}: both directions must have the same options")
        if options.get("go_backwards") or not theirs.get("go_backwards"):
            raise ZooError("Bidirectional whose first layer has go_backwards=True, which no other library has")
    return KerasLayer(
        name, weights, {key: value for key, value in options.items() if key != "go_backwards" or not others}, merge
    )


def of_keras(layer: KerasLayer) -> Recurrent:
    """Errors as `read_keras`."""
    kind = _KERAS.get(layer.class_name)
    if kind is None:
        raise ZooError(f"Keras's {layer.class_name} is not one of {', '.join(_KERAS)}")
    options = plain_options(layer.class_name, layer.options)
    if options.get("go_backwards"):
        raise ZooError("Keras's go_backwards gives the steps in reverse, which no other library does")
    activation, gates = options.get("activation", "tanh"), options.get("recurrent_activation", "sigmoid")
    if gates != "sigmoid" or activation not in (("tanh", "relu") if kind == "rnn" else ("tanh",)):
        raise ZooError(f"Keras's activations {activation!r} and {gates!r} in a {layer.class_name} are Keras's alone")
    if layer.merge_mode is not None and layer.merge_mode not in _MERGES:
        raise ZooError(f"merge_mode must be one of {', '.join(_MERGES)}, not {layer.merge_mode!r}")
    per = 3 if options.get("use_bias", True) else 2
    count = 1 if layer.merge_mode is None else 2
    if len(layer.weights) != per * count:
        raise ZooError(f"a {layer.class_name} has {per * count} arrays here, not {len(layer.weights)}")
    reset: Reset = "after" if options.get("reset_after", True) else "before"
    rows = 2 if kind == "gru" and reset == "after" else 0
    names = ("kernel", "recurrent_kernel", "bias")
    arrays = [_numbers(value, names[index % per]) for index, value in enumerate(layer.weights)]
    width, units = (array.shape[0] if array.ndim else 0 for array in arrays[:2])
    if options.get("units", units) != units:
        raise ZooError(f"a {layer.class_name} of {options['units']} units has a recurrent_kernel of {units} rows")
    columns = _GATES[kind] * units
    shapes = ((width, columns), (units, columns), (rows, columns) if rows else (columns,))
    found = []
    for index in range(count):
        own = arrays[per * index : per * (index + 1)]
        for array, shape, name in zip(own, shapes, names, strict=False):
            if array.shape != shape or 0 in shape:
                raise ZooError(f"a {layer.class_name} has a {name} of the shape {array.shape}, not {shape}")
        bias, second = (own[2] if per == 3 else None), None
        if bias is not None and bias.ndim == 2:
            bias, second = bias
        found.append(unpack(Packed(own[0], own[1], bias, second, None, None), kind, KERAS))
    merge = _MERGES[layer.merge_mode or "concat"]
    return Recurrent(kind, tuple(found), activation=activation, reset=reset, merge=merge, dtype=widest(layer.weights))


def _numbers(value: Any, name: str) -> Any:
    dtype = str(getattr(value, "dtype", "float64"))
    if dtype not in FLOATS:
        raise ZooError(f"{name} is {dtype}: weights are {', '.join(FLOATS)}")
    return np.asarray(value, np.float64)


def widest(arrays: Iterable[Any]) -> str:
    """The type that holds the numbers of all arrays, or of all types that are given by name, exactly."""
    found = {one if isinstance(one, str) else str(getattr(one, "dtype", "float64")) for one in arrays}
    return found.pop() if len(found) == 1 else "float64" if "float64" in found else "float32"


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
    with np.errstate(over="ignore"):  # told by who asked, as a refusal
        held = tuple(np.ascontiguousarray(value, layer.dtype) for value in weights)
    return KerasLayer(
        class_name={kind: name for name, kind in _KERAS.items()}[layer.kind],
        weights=held,
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
    attributes = {str(name): value for name, value in node.attributes.items() if value is not None}
    unknown = sorted(attributes.keys() - _ATTRIBUTES - ({"linear_before_reset"} if kind == "gru" else set()))
    if unknown:
        said = ", ".join(f"{name}={attributes[name]!r}"[:60] for name in unknown)
        raise ZooError(f"ONNX's {node.op_type} has attributes that are not known here: {said}")
    direction = _text(attributes.get("direction", "forward"))
    if direction not in _DIRECTIONS:
        raise ZooError(f"direction must be one of {', '.join(_DIRECTIONS)}, not {direction!r}")
    count, reverse = _DIRECTIONS[direction]
    activation = _activation(node, kind, count)
    for name in ("clip", "input_forget", "layout", "activation_alpha", "activation_beta"):
        value = attributes.get(name)
        if (name == "clip" and value is not None) or value not in (None, 0, []):
            raise ZooError(f"ONNX's attribute {name} is ONNX's alone: {name}={value!r}")
    held = _inputs(node, kind, count, attributes.get("hidden_size"))
    found = []
    for index in range(count):
        bias, second = np.split(held["B"][index], 2) if "B" in held else (None, None)
        peepholes = held["P"][index] if "P" in held else None
        packed = Packed(held["W"][index], held["R"][index], bias, second, peepholes, None)
        found.append(unpack(packed, kind, ONNX))
    reset: Reset = "after" if kind != "gru" or attributes.get("linear_before_reset") else "before"
    dtype = widest(node.inputs[name] for name in held)
    return Recurrent(kind, tuple(found), activation=activation, reset=reset, reverse=reverse, dtype=dtype)  # type: ignore[arg-type]


def _inputs(node: OnnxNode, kind: Kind, count: int, units: Any) -> dict[str, Any]:
    """The weights of a node, by the operator's names; what is no weight must be as if it were not there."""
    given = {name: value for name, value in node.inputs.items() if value is not None and name not in ("", "X")}
    unknown = sorted(given.keys() - {"W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"})
    if unknown or ("P" in given and kind != "lstm"):
        raise ZooError(f"ONNX's {node.op_type} has no input {', '.join(unknown) or 'P'}")
    if "sequence_lens" in given:
        raise ZooError(
            f"ONNX's {node.op_type} with sequence_lens: lengths are not weights, but an argument of the model"
        )
    for name in ("initial_h", "initial_c"):
        if np.any(np.asarray(given.get(name, 0.0), np.float64)):
            raise ZooError(
                f"ONNX's {node.op_type} with an {name} that is not zero: no other library stores an initial state "
                "with the weights"
            )
    held = {name: _numbers(value, name) for name, value in given.items() if name in "WRBP"}
    for name in ("W", "R"):
        if name not in held or held[name].ndim != 3 or held[name].shape[0] != count:
            raise ZooError(f"ONNX's {node.op_type} needs {name} of shape ({count}, gates * hidden_size, width)")
    hidden, width = held["R"].shape[2], held["W"].shape[2]
    rows = _GATES[kind] * hidden
    shapes = {"W": (rows, width), "R": (rows, hidden), "B": (2 * rows,), "P": (3 * hidden,)}
    for name, array in held.items():
        if array.shape != (count, *shapes[name]) or not array.size:
            raise ZooError(f"ONNX's {node.op_type} has {name} of the shape {array.shape}, not {(count, *shapes[name])}")
    if units not in (None, hidden):
        raise ZooError(f"ONNX's {node.op_type} with hidden_size={units!r} has weights for {hidden}")
    return held


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
    said = node.attributes.get("activations") or usual[0] * count
    given = tuple(_text(name).capitalize() for name in said)
    if given not in [one * count for one in usual]:
        raise ZooError(f"ONNX's activations {', '.join(given)} of {node.op_type} are ONNX's alone")
    return given[0].lower() if kind == "rnn" else "tanh"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
