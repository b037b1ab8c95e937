"""Run layers of Keras and nodes of ONNX by the libraries themselves: what a translation is held to."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib import import_module
from tempfile import TemporaryDirectory
from typing import Any, Final
from unittest.mock import patch

import numpy as np

from zoo.errors import ZooError
from zoo.translation.keras_config import directions
from zoo.translation.neutral import Array
from zoo.translation.of_arrays import OnnxNode

BOUND: Final = 1e-4
"""The largest difference where a library computes in float32, as a part of the largest output."""
STEPS: Final = 4
"""How many steps are compared so: every option shows in two, and rounding grows with each one more."""
_INPUTS: Final = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")


def run_keras(layers: Sequence[Any], x: Array) -> Array:
    """The outputs (B, T, D) of layers of Keras, one after the other.

    Each is a copy, made of its own configuration and weights, that gives all steps and remembers nothing, so that the
    caller's layers are left as they are.
    """
    for layer in layers:
        copied = type(layer).from_config(_all_steps(layer.get_config()))
        x = _called(copied, layer.get_weights(), x)
    return x


def run_keras_entries(entries: Sequence[tuple[Mapping[str, Any], Sequence[Any]]], x: Array) -> Array:
    """The same for layers out of a file: each its entry of the configuration, and its weights.

    Raises:
        ZooError: Keras is not installed.
    """
    layers = _keras().layers
    for entry, weights in entries:
        # Only plain options that are known, so that nothing in a file is run.
        ways = [getattr(layers, name)(**options, **_STEPS) for name, options in directions(entry)]
        made = ways[0]
        if len(ways) == 2:
            mode = entry["config"]["merge_mode"]
            made = layers.Bidirectional(ways[0], backward_layer=ways[1], merge_mode=mode, dtype="float32")
        x = _called(made, weights, x)
    return x


_STEPS: Final = {"return_sequences": True, "dtype": "float32"}


def _all_steps(config: Mapping[str, Any]) -> dict[str, Any]:
    found = {**config, "dtype": "float32"}
    for key in ("layer", "backward_layer"):
        if isinstance(config.get(key), Mapping):
            found[key] = {**config[key], "config": _all_steps(config[key]["config"])}
    if "units" in config:
        found |= {"return_sequences": True, "return_state": False, "stateful": False}
    return found


def _called(layer: Any, weights: Sequence[Any], x: Array) -> Array:
    given = np.asarray(x, np.float32)
    layer.build(given.shape)
    layer.set_weights([np.asarray(value, np.float32) for value in weights])
    y = layer(given)
    return np.asarray(y.detach().cpu() if hasattr(y, "detach") else y, np.float64)


def _keras() -> Any:
    """Keras; on torch, and without the file of settings that its first import leaves in a home."""
    if "keras" in sys.modules:
        return sys.modules["keras"]
    with ExitStack() as stack:
        home = stack.enter_context(TemporaryDirectory())
        stack.enter_context(patch.dict(os.environ, {"KERAS_BACKEND": "torch", "KERAS_HOME": home} | os.environ))
        try:
            return import_module("keras")
        except ImportError:
            raise ZooError(
                "a translation is compared with Keras itself, which is not installed: pip install keras"
            ) from None


def run_onnx(nodes: Sequence[OnnxNode], x: Array) -> Array | None:
    """The outputs (B, T, D) of nodes of ONNX, one after the other, by its runtime; None where that is not installed.

    Raises:
        ZooError: The runtime does not take a node.
    """
    try:
        import_module("onnx"), import_module("onnxruntime")
    except ImportError:
        return None
    for node in nodes:
        x = _by_runtime(node, x)
    return x


def _by_runtime(node: OnnxNode, x: Array) -> Array:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    held = {name: value for name, value in node.inputs.items() if value is not None and name in _INPUTS and name != "X"}
    names = [name if name in held or name == "X" else "" for name in _INPUTS]
    while not names[-1]:
        names.pop()
    given = np.ascontiguousarray(np.asarray(x, np.float32).swapaxes(0, 1))
    attributes = {name: value for name, value in node.attributes.items() if value not in (None, [])}
    attributes.setdefault("hidden_size", int(np.shape(node.inputs["R"])[-1]))
    graph = helper.make_graph(
        [helper.make_node(node.op_type, names, ["Y"], **attributes)],
        "node",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, list(given.shape))],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in held.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), settings, ["CPUExecutionProvider"])
        (y,) = session.run(None, {"X": given})
    except Exception as error:
        raise ZooError(f"onnxruntime does not run this {node.op_type}: {' '.join(str(error).split())[:160]}") from None
    steps, ways, batch, width = y.shape
    found: Array = y.transpose(2, 0, 1, 3).reshape(batch, steps, ways * width).astype(np.float64)
    return found
