"""Recurrent layers of other libraries by a map: what the library itself computes is what our model computes then."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
import onnxruntime
import pytest
import torch
from each import each
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

import zoo
from zoo.errors import ZooError

BATCH, STEPS, WIDTH, HIDDEN = 2, 6, 4, 5
RNG = np.random.default_rng(8)


def inputs() -> Tensor:
    return torch.randn(BATCH, STEPS, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(7))


def ours(cell: dict[str, Any], **keys: Any) -> zoo.Model:
    spec = {"name": "ours", "input": WIDTH, "hidden_size": HIDDEN, "cell": cell, **keys}
    return zoo.build(spec, seed=1, dtype=torch.float64).eval()


def run(model: zoo.Model) -> Tensor:
    with torch.no_grad():
        found = model(inputs())
    return found if isinstance(found, Tensor) else found[0]


def agree(model: zoo.Model, theirs: Tensor, bound: float = 1e-12) -> None:
    torch.testing.assert_close(run(model), theirs.double(), rtol=0, atol=bound)


def form(**lines: Any) -> dict[str, Any]:
    return {"spec": "lstm", "recurrent": {"layers.{i}": lines}}


# torch


@each(
    ("kind", "layers", "both", "bias"),
    itertools.product(("rnn", "gru", "lstm"), (1, 2), (False, True), (False, True)),
)
def test_a_module_of_torch(kind: str, layers: int, both: bool, bias: bool) -> None:
    made = getattr(nn, kind.upper())
    theirs = made(WIDTH, HIDDEN, layers, bias=bias, bidirectional=both, batch_first=True, dtype=torch.float64)
    model = ours({"kind": kind, "bias": "two" if bias else "none"}, layers=layers, bidirectional=both)
    state = {f"net.{name}": value for name, value in theirs.state_dict().items()}
    zoo.load_weights(model, state, form(form="torch", module="net", layer="{i}"))
    agree(model, theirs(inputs())[0].detach())


@each("kind", ["rnn", "gru", "lstm"])
def test_two_biases_become_one_where_that_is_the_same(kind: str) -> None:
    theirs = getattr(nn, kind.upper())(WIDTH, HIDDEN, batch_first=True, dtype=torch.float64)
    model = ours({"kind": kind, "bias": "one"})
    chosen = form(form="torch", module="", layer="{i}")
    if kind != "gru":
        zoo.load_weights(model, theirs.state_dict(), chosen)
        agree(model, theirs(inputs())[0].detach())
        return
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ZooError, match="with reset_gate: after two do not become one: give it bias: two"):
        zoo.load_weights(model, theirs.state_dict(), chosen)
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    with torch.no_grad():
        theirs.bias_hh_l0[2 * HIDDEN :] = 0
    zoo.load_weights(model, theirs.state_dict(), chosen)
    agree(model, theirs(inputs())[0].detach())


def test_a_projection_of_torch() -> None:
    theirs = nn.LSTM(WIDTH, HIDDEN, proj_size=3, batch_first=True, dtype=torch.float64)
    model = ours({"kind": "lstm", "projection": 3})
    zoo.load_weights(model, theirs.state_dict(), form(form="torch", module=""))
    agree(model, theirs(inputs())[0].detach())
    with pytest.raises(
        ZooError, match=r"the state's matrix is \(20, 3\) and not \(20, 5\); the projection is \(3, 5\) and"
    ):
        zoo.load_weights(ours({"kind": "lstm"}), theirs.state_dict(), form(form="torch", module=""))


@each("kind", ["RNN", "GRU", "LSTM"])
def test_a_cell_of_torch(kind: str) -> None:
    theirs = getattr(nn, f"{kind}Cell")(WIDTH, HIDDEN, dtype=torch.float64)
    model = ours({"kind": kind.lower()})
    zoo.load_weights(model, {"a": {"cell": theirs.state_dict()}}, form(form="torch", module="a.cell", layer="none"))
    state, outputs = None, []
    for step in inputs().unbind(1):
        state = theirs(step) if state is None else theirs(step, state)
        outputs.append(state[0] if kind == "LSTM" else state)
    agree(model, torch.stack(outputs, 1).detach())


def test_torch_has_no_reset_before() -> None:
    theirs = nn.GRU(WIDTH, HIDDEN)
    with pytest.raises(ZooError, match="has reset_gate: before, and theirs is after"):
        zoo.load_weights(
            ours({"kind": "gru", "reset_gate": "before"}), theirs.state_dict(), form(form="torch", module="")
        )


# Keras


@pytest.fixture(scope="module")
def keras() -> Any:
    with TemporaryDirectory() as home, patch.dict(os.environ, {"KERAS_BACKEND": "torch", "KERAS_HOME": home}):
        import keras
    return keras


def test_layers_of_keras(keras: Any, tmp_path: Path) -> None:
    names = ("kernel", "recurrent_kernel", "bias")
    kinds = {
        "SimpleRNN": {"kind": "rnn", "bias": "one"},
        "LSTM": {"kind": "lstm"},
        "GRU": {"kind": "gru"},
        "GRU before": {"kind": "gru", "reset_gate": "before", "bias": "one"},
    }
    for kind, cell in kinds.items():
        made, _, before = kind.partition(" ")
        layer = getattr(keras.layers, made)(
            HIDDEN, return_sequences=True, name="net", **({"reset_after": False} if before else {})
        )
        theirs = keras.Sequential([keras.Input((STEPS, WIDTH)), layer])
        theirs.set_weights([RNG.standard_normal(value.shape) * 0.5 for value in theirs.get_weights()])
        with torch.no_grad():
            expected = theirs(inputs().float())
        theirs.save(tmp_path / "a.keras")
        snake = {"SimpleRNN": "simple_rnn", "LSTM": "lstm", "GRU": "gru"}[made]
        arrays = {name: f"layers/{snake}/cell/vars/{index}" for index, name in enumerate(names)}
        model = ours(cell)
        zoo.load_weights(model, tmp_path / "a.keras", form(form="keras", **arrays))
        agree(model, expected, 3e-6)
        theirs.save_weights(tmp_path / "a.weights.h5")
        again = ours(cell)
        zoo.load_weights(again, tmp_path / "a.weights.h5", form(form="keras", **arrays))
        assert torch.equal(run(again), run(model))
        if made == "GRU":
            other = ours({"kind": "gru", "reset_gate": "after" if before else "before"})
            with pytest.raises(ZooError, match=f"has reset_gate: {'after' if before else 'before'}, and theirs"):
                zoo.load_weights(other, tmp_path / "a.keras", form(form="keras", **arrays))


# ONNX


@each("op", ["RNN", "LSTM", "GRU before", "GRU after"])
def test_nodes_of_onnx(op: str, tmp_path: Path) -> None:
    kind, _, reset = op.partition(" ")
    rows = {"RNN": 1, "LSTM": 4, "GRU": 3}[kind] * HIDDEN
    shapes = {"W": (2, rows, WIDTH), "R": (2, rows, HIDDEN), "B": (2, 2 * rows)}
    held = {name: (RNG.standard_normal(shape) * 0.6).astype(np.float32) for name, shape in shapes.items()}
    more = {"linear_before_reset": int(reset == "after")} if reset else {}
    node = helper.make_node(kind, ["X", "W", "R", "B"], ["Y"], hidden_size=HIDDEN, direction="bidirectional", **more)
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, ["T", "B", WIDTH])],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in held.items()],
    )
    theirs = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    (tmp_path / "a.onnx").write_bytes(theirs.SerializeToString())
    session = onnxruntime.InferenceSession(theirs.SerializeToString(), providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"X": inputs().float().transpose(0, 1).numpy()})
    lines = {
        f"layers.0.{way}": {"form": "onnx", "W": "W", "R": "R", "B": "B", "direction": direction}
        for direction, way in enumerate(("cell", "reverse_cell"))
    }
    model = ours({"kind": kind.lower(), **({"reset_gate": reset} if reset else {})}, bidirectional=True)
    zoo.load_weights(model, tmp_path / "a.onnx", {"spec": "gru", "recurrent": lines})
    agree(model, torch.from_numpy(y.transpose(2, 0, 1, 3).reshape(BATCH, STEPS, -1)), 2e-6)
    once = {"spec": "gru", "recurrent": {"layers.0": lines["layers.0.cell"]}}
    with pytest.raises(
        ZooError, match=r"layers\.0 has two directions .*: write a line for layers\.0\.cell, and one for"
    ):
        zoo.load_weights(model, tmp_path / "a.onnx", once)


# Gates in an order of their own


def lstm_of_gates(x: Any, W: Any, U: Any, b: Any, order: str) -> Any:
    """A plain LSTM on matrices (in, gates) whose blocks stand in an order, after Hochreiter and Schmidhuber with Gers."""
    h, c, outputs = np.zeros((BATCH, HIDDEN)), np.zeros((BATCH, HIDDEN)), []
    for step in x.swapaxes(0, 1):
        gate = dict(zip(order, np.split(step @ W + h @ U + b, 4, 1), strict=True))
        i, f, o = (1 / (1 + np.exp(-gate[name])) for name in "ifo")
        c = f * c + i * np.tanh(gate["g"])
        h = o * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, 1)


def test_every_order_of_gates() -> None:
    x = inputs().numpy()
    shapes = {"kernel": (WIDTH, 4 * HIDDEN), "state": (HIDDEN, 4 * HIDDEN), "bias": (4 * HIDDEN,)}
    held = {name: RNG.standard_normal(shape) * 0.7 for name, shape in shapes.items()}
    for order in map("".join, itertools.permutations("ifgo")):
        for bias in ("one", "two"):
            lines = {"weight_ih": "kernel", "weight_hh": "state", "bias_ih": "bias"}
            model = ours({"kind": "lstm", "bias": bias})
            zoo.load_weights(model, held, form(gates=list(order), transposed=True, **lines))
            agree(model, torch.from_numpy(lstm_of_gates(x, held["kernel"], held["state"], held["bias"], order)))


def test_a_gate_that_is_one_minus_ours() -> None:
    """Cho et al. 2014 and Chung et al. 2014 have z and 1 - z the other way round: h = (1 - z) h + z n."""
    x = inputs().numpy()
    W, U = RNG.standard_normal((3 * HIDDEN, WIDTH)), RNG.standard_normal((3 * HIDDEN, HIDDEN))
    b = RNG.standard_normal(3 * HIDDEN)
    h, outputs = np.zeros((BATCH, HIDDEN)), []
    for step in x.swapaxes(0, 1):
        (Wz, Wr, Wn), (Uz, Ur, Un), (bz, br, bn) = (np.split(part, 3) for part in (W, U, b))
        z = 1 / (1 + np.exp(-(step @ Wz.T + h @ Uz.T + bz)))
        r = 1 / (1 + np.exp(-(step @ Wr.T + h @ Ur.T + br)))
        h = (1 - z) * h + z * np.tanh(step @ Wn.T + (r * h) @ Un.T + bn)
        outputs.append(h)
    model = ours({"kind": "gru", "reset_gate": "before", "bias": "one"})
    lines = {"gates": ["-z", "r", "n"], "weight_ih": "W", "weight_hh": "U", "bias_ih": "b", "reset_gate": "before"}
    zoo.load_weights(model, {"W": W, "U": U, "b": b}, form(**lines))
    agree(model, torch.from_numpy(np.stack(outputs, 1)))


def test_peepholes() -> None:
    """Against ONNX's definition of an LSTM with the input P, whose order is i, o, f."""
    rows = 4 * HIDDEN
    shapes = {"W": (1, rows, WIDTH), "R": (1, rows, HIDDEN), "B": (1, 2 * rows), "P": (1, 3 * HIDDEN)}
    held = {name: (RNG.standard_normal(shape) * 0.6).astype(np.float32) for name, shape in shapes.items()}
    model = ours({"kind": "lstm", "peephole": True})
    zoo.load_weights(model, held, form(form="onnx", **{name: name for name in held}))
    node = helper.make_node("LSTM", ["X", "W", "R", "B", "", "", "", "P"], ["Y"], hidden_size=HIDDEN)
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, ["T", "B", WIDTH])],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in held.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"X": inputs().float().transpose(0, 1).numpy()})
    agree(model, torch.from_numpy(y[:, 0].swapaxes(0, 1)), 2e-6)
    with pytest.raises(ZooError, match="has no peepholes, and theirs has"):
        zoo.load_weights(ours({"kind": "lstm"}), held, form(form="onnx", **{name: name for name in held}))


@each(
    ("cell", "lines", "said"),
    [
        ({"kind": "lstm", "coupled": True}, {"form": "torch", "module": ""}, "has coupled gates, which no form has"),
        (
            {"kind": "indrnn"},
            {"form": "torch", "module": ""},
            "is a cell indrnn, and a form is known of rnn, lstm, gru",
        ),
        ({"kind": "lstm", "bias": "none"}, {"form": "torch", "module": ""}, "has no bias, and theirs has one"),
        (
            {"kind": "lstm"},
            {"gates": ["r", "z", "n"], "weight_ih": "weight_ih_l0", "weight_hh": "weight_hh_l0"},
            "has the gates i, f, g, o, and the map says r, z, n",
        ),
        (
            {"kind": "lstm"},
            {"form": "keras", "kernel": "weight_ih_l0", "recurrent_kernel": "weight_hh_l0"},
            r"the input's matrix is (20, 4) and not (4, 20); the state's matrix is (20, 5) and not (5, 20)",
        ),
        (
            {"kind": "lstm"},
            {"form": "onnx", "W": "weight_ih_l0", "R": "weight_hh_l0"},
            "W of ONNX is of the shape (20, 4)",
        ),
    ],
)
def test_what_no_form_can_say_is_one_line(cell: dict[str, Any], lines: dict[str, Any], said: str) -> None:
    model = ours(cell)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ZooError) as caught:
        zoo.load_weights(model, nn.LSTM(WIDTH, HIDDEN).state_dict(), form(**lines))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
