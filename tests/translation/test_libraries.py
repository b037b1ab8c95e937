"""Translations run by the libraries themselves: Keras on torch, and ONNX's runtime."""

from __future__ import annotations

import os
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import cases
import numpy as np
import onnxruntime
import pytest
import torch
from each import each
from onnx import TensorProto, helper, numpy_helper

import zoo
from zoo.errors import ZooError
from zoo.translation.equations import run_keras, run_onnx

KERAS = [cell for cell in cases.CELLS if not cell.keys() & {"peephole", "projection"}]
ONNX = [cell for cell in cases.CELLS if "projection" not in cell]
STACKS: tuple[dict[str, Any], ...] = ({}, {"bidirectional": True})


@pytest.fixture(scope="module")
def layers() -> Any:
    """keras.layers, on torch, and without the file of settings that its import leaves in a home."""
    with TemporaryDirectory() as home, patch.dict(os.environ, {"KERAS_BACKEND": "torch", "KERAS_HOME": home}):
        import keras
    assert keras.backend.backend() == "torch"
    return keras.layers


def in_keras(layers: Any, layer: zoo.KerasLayer) -> Any:
    made = getattr(layers, layer.class_name)(**layer.options, return_sequences=True, dtype="float64")
    if layer.merge_mode is not None:
        made = layers.Bidirectional(made, merge_mode=layer.merge_mode, dtype="float64")
    made.build((2, 6, 4))
    made.set_weights(list(layer.weights))
    return made


@each("stack", STACKS, ids=str)
@each("cell", KERAS, ids=cases.name)
def test_keras_computes_the_same(layers: Any, cell: dict[str, Any], stack: dict[str, Any]) -> None:
    source, x = cases.model(cell, **stack), cases.inputs()
    (translated,) = zoo.convert(source, "keras")
    theirs = in_keras(layers, translated)
    with torch.no_grad():
        y = np.asarray(theirs(x).detach())
        expected = source(x)[0].numpy()
    # Keras's `ops.matmul` multiplies in float32 whatever the layer's dtype is, which its GRU runs on.
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(run_keras(translated, x.numpy()), expected, rtol=0, atol=1e-13)
    back = zoo.convert(theirs, "zoo")
    with torch.no_grad():
        torch.testing.assert_close(back(x)[0], source(x)[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("GRU", {"activation": "relu"}, "Keras's activations 'relu' and 'sigmoid' in a GRU are Keras's alone"),
        ("LSTM", {"recurrent_activation": "hard_sigmoid"}, "Keras's activations 'tanh' and 'hard_sigmoid' in a LSTM"),
        ("LSTM", {"go_backwards": True}, "Keras's go_backwards gives the steps in reverse"),
        ("Dense", {}, "Keras's Dense is not one of SimpleRNN, LSTM, GRU, or Bidirectional around one"),
    ],
)
def test_what_only_keras_does_is_said(layers: Any, name: str, options: dict[str, Any], message: str) -> None:
    layer = getattr(layers, name)(5, **options)
    layer.build((2, 6, 4))
    with pytest.raises(ZooError, match=message):
        zoo.convert(layer, "zoo")


def test_a_layer_of_keras_that_is_not_built_is_said_so(layers: Any) -> None:
    with pytest.raises(ZooError, match="the layer 'mine' has no weights yet: build it, or call it once"):
        zoo.convert(layers.GRU(5, name="mine"), "zoo")


def in_onnx(node: zoo.OnnxNode, x: np.ndarray) -> np.ndarray:
    """The outputs (B, T, D) by ONNX's runtime, in float32."""
    order = ("X", "W", "R", "B", "", "", "", "P")
    held = {"X": None, **node.inputs}
    names = [name if name in held else "" for name in order]
    while not names[-1]:
        names.pop()
    made = helper.make_node(node.op_type, names, ["Y"], **node.attributes)
    graph = helper.make_graph(
        [made],
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, list(x.swapaxes(0, 1).shape))],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in node.inputs.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"X": x.swapaxes(0, 1).astype(np.float32)})
    steps, directions, rows, width = y.shape
    return y.transpose(2, 0, 1, 3).reshape(rows, steps, directions * width)


@each("stack", [*STACKS, {"reverse": True}], ids=str)
@each("cell", ONNX, ids=cases.name)
def test_onnx_s_runtime_computes_the_same(cell: dict[str, Any], stack: dict[str, Any]) -> None:
    source, x = cases.model(cell, **stack), cases.inputs()
    (node,) = zoo.convert(source, "onnx")
    with torch.no_grad():
        expected = source(x)[0].numpy()
    np.testing.assert_allclose(in_onnx(node, x.numpy()), expected, rtol=0, atol=2e-6)
    np.testing.assert_allclose(run_onnx(node, x.numpy()), expected, rtol=0, atol=1e-13)
    back = zoo.convert(node, "zoo")
    with torch.no_grad():
        torch.testing.assert_close(back(x)[0], source(x)[0], rtol=0, atol=1e-12)
