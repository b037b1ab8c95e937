"""Graphs of ONNX out of files, and nodes as `onnx` gives them: what ONNX's runtime computes is what comes out, or nothing."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cases
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from each import each
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import zoo
from zoo.errors import ZooError
from zoo.translation import files
from zoo.translation.convert import convert

RNG = np.random.default_rng(0)


def array(*shape: int, dtype: Any = np.float32) -> Any:
    return RNG.standard_normal(shape).astype(dtype)


def graph(nodes: list[Any], held: dict[str, Any], output: str = "Y", width: int = 4) -> Any:
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, ["T", "B", width])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [
            value if isinstance(value, TensorProto) else numpy_helper.from_array(value, name)
            for name, value in held.items()
        ],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)


def lstm(x: str = "X", y: str = "Y", at: str = "", *, inputs: tuple[str, ...] = (), **attributes: Any) -> Any:
    names = [x, f"W{at}", f"R{at}", f"B{at}", *inputs]
    return helper.make_node("LSTM", names, [y], name=f"lstm{at}", hidden_size=5, **attributes)


def weights(at: str = "", width: int = 4, ways: int = 1) -> dict[str, Any]:
    return {f"W{at}": array(ways, 20, width), f"R{at}": array(ways, 20, 5), f"B{at}": array(ways, 40)}


def without_w() -> dict[str, Any]:
    return {name: value for name, value in weights().items() if name != "W"}


def by_runtime(model: Any, x: torch.Tensor) -> torch.Tensor:
    """The output Y (T, D, B, H) for x (B, T, I), as (B, T, D H)."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"X": x.float().transpose(0, 1).numpy()})
    return torch.from_numpy(y.transpose(2, 0, 1, 3).reshape(*x.shape[:2], -1))


def read(model: Any, folder: Path, **keys: Any) -> Any:
    file = folder / "a.onnx"
    file.write_bytes(model.SerializeToString())
    source = files.load(file, **keys)
    return convert(source, "zoo")


def held_to_runtime(model: Any, folder: Path) -> Any:
    made = read(model, folder).made
    x = cases.inputs()
    with torch.no_grad():
        torch.testing.assert_close(made(x.float())[0], by_runtime(model, x), rtol=0, atol=1e-5)
    return made


def between(*ops: Any, ways: int = 1) -> Any:
    """Two LSTMs, and what stands between: Y (T, D, B, H) becomes (T, B, D H)."""
    nodes = [lstm(y="Y0", at="0"), *ops, lstm(x="X1", at="1")]
    shape = np.array([0, 0, -1], np.int64)
    return graph(nodes, {**weights("0"), **weights("1", 5 * ways), "shape": shape})


TURNED = (
    helper.make_node("Transpose", ["Y0"], ["T0"], perm=[0, 2, 1, 3]),
    helper.make_node("Reshape", ["T0", "shape"], ["X1"]),
)


def test_layers_that_follow_one_another_are_one_model(tmp_path: Path) -> None:
    made = held_to_runtime(between(*TURNED), tmp_path)
    assert len(made.layers) == 2


def test_something_that_computes_between_two_is_not_overlooked(tmp_path: Path) -> None:
    model = between(
        *TURNED[:1], helper.make_node("Relu", ["T0"], ["relu"]), helper.make_node("Reshape", ["relu", "shape"], ["X1"])
    )
    with pytest.raises(
        ZooError, match="holds 2 chains of recurrent nodes, which begin with lstm0, lstm1; choose one with"
    ):
        read(model, tmp_path)
    assert len(read(model, tmp_path, prefix="lstm1").made.layers) == 1
    first = read(model, tmp_path, prefix="lstm0")
    assert [note.partition(": ")[2] for note in first.notes] == ["converted: lstm0; left out: LSTM, Relu"]


def test_what_only_looks_like_a_change_of_places_is_found_by_the_run(tmp_path: Path) -> None:
    """Rows and units change places: a Transpose all the same, and other numbers."""
    wrong = helper.make_node("Transpose", ["Y0"], ["T0"], perm=[0, 2, 3, 1])
    model = between(wrong, helper.make_node("Cast", ["T0"], ["I0"], to=TensorProto.INT32), helper.make_node("Cast", ["I0"], ["F0"], to=TensorProto.FLOAT), helper.make_node("Reshape", ["F0", "shape"], ["X1"]))  # fmt: skip
    with pytest.raises(ZooError, match="the translation to zoo gives outputs that differ by"):
        read(model, tmp_path)


FORMS: dict[str, Callable[[], Any]] = {
    "reverse": lambda: graph([lstm(direction="reverse")], weights()),
    "both": lambda: graph([lstm(direction="bidirectional")], weights(ways=2)),
    "peepholes": lambda: graph([lstm(inputs=("", "", "", "P"))], {**weights(), "P": array(1, 15)}),
    "zero state": lambda: graph(
        [lstm(inputs=("", "H", "H"))], {**weights(), "H": np.zeros((1, 2, 5), np.float32)}
    ),
    "float_data": lambda: graph([lstm()], {n: helper.make_tensor(n, TensorProto.FLOAT, v.shape, v.ravel()) for n, v in weights().items()}),
    "constants": lambda: graph([*(helper.make_node("Constant", [], [n], value=numpy_helper.from_array(v)) for n, v in weights().items()), lstm()], {}),
    "computed": lambda: graph([helper.make_node("Neg", ["N"], ["W"]), lstm()], {**without_w(), "N": array(1, 20, 4)}),
    "transposed": lambda: graph([helper.make_node("Transpose", ["N"], ["W"], perm=[0, 2, 1]), lstm()], {**without_w(), "N": array(1, 4, 20)}),
    "no bias": lambda: graph([helper.make_node("LSTM", ["X", "W", "R"], ["Y"], hidden_size=5)], {k: v for k, v in weights().items() if k != "B"}),
    "spare outputs": lambda: graph([helper.make_node("LSTM", ["X", "W", "R", "B"], ["Y", "", "C"], hidden_size=5)], weights()),
}  # fmt: skip


@each("form", FORMS)
def test_every_form_of_the_same_is_read(form: str, tmp_path: Path) -> None:
    if form == "zero state":  # made for two rows, but run on as many as its shape says
        with pytest.raises(ZooError, match="cannot be run by onnxruntime"):
            read(FORMS[form](), tmp_path)
        return
    made = held_to_runtime(FORMS[form](), tmp_path)
    assert made.spec.layers[0].cell.record.name == "lstm"
    assert made.spec.layers[0].cell.options.peephole == (form == "peepholes")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_types_are_read_exactly(dtype: str, tmp_path: Path) -> None:
    held = {name: torch.from_numpy(value).to(getattr(torch, dtype)) for name, value in weights().items()}
    kind = {"float16": TensorProto.FLOAT16, "bfloat16": TensorProto.BFLOAT16, "float64": TensorProto.DOUBLE}[dtype]
    made = graph(
        [lstm()],
        {
            n: helper.make_tensor(n, kind, v.shape, v.view(torch.uint8).numpy().tobytes(), raw=True)
            for n, v in held.items()
        },
    )
    found = read(made, tmp_path).made.layers[0].cell
    assert found.weight_ih.dtype == getattr(torch, dtype)
    assert torch.equal(found.weight_ih[:5], held["W"][0, :5])  # i stands first in both


def test_numbers_in_a_file_beside_it(tmp_path: Path) -> None:
    model = graph([lstm()], weights())
    inner = graph([lstm()], {n: numpy_helper.to_array(t) for n, t in zip("WRB", model.graph.initializer, strict=True)})
    onnx.save_model(model, str(tmp_path / "b.onnx"), save_as_external_data=True, location="b.data", size_threshold=0)
    made = convert(files.load(tmp_path / "b.onnx"), "zoo").made
    x = cases.inputs()
    with torch.no_grad():
        torch.testing.assert_close(made(x.float())[0], by_runtime(inner, x), rtol=0, atol=1e-5)


REFUSED = {
    "state": (lambda: graph([lstm(inputs=("", "H"))], {**weights(), "H": array(1, 3, 5)}), "initial_h of a recurrent node is not zero"),
    "state of the input": (lambda: _with_state(), "reads H beside its input, such as an initial state"),
    "lengths": (lambda: graph([lstm(inputs=("L",))], {**weights(), "L": np.array([7, 7, 7], np.int32)}), "reads sequence_lens, the lengths of sequences"),
    "clip": (lambda: graph([lstm(clip=3.0)], weights()), "ONNX's attribute clip is ONNX's alone: clip=3.0"),
    "unknown": (lambda: graph([lstm(colour="green")], weights()), "ONNX's LSTM has attributes that are not known here: colour='green'"),
    "weights of the input": (lambda: _dynamic(), "W, weights of lstm, depends on the graph's inputs: it is not a constant"),
    "last state alone": (lambda: graph([helper.make_node("LSTM", ["X", "W", "R", "B"], ["", "H"], name="n", hidden_size=5)], weights(), "H"), "n gives only its last state, and not Y"),
}  # fmt: skip


def _with_state() -> Any:
    model = graph([lstm(inputs=("", "H"))], weights())
    model.graph.input.append(helper.make_tensor_value_info("H", TensorProto.FLOAT, [1, "B", 5]))
    return model


def _dynamic() -> Any:
    nodes = [helper.make_node("ReduceMean", ["X"], ["M"]), helper.make_node("Mul", ["V", "M"], ["W"]), lstm()]
    return graph(nodes, {**without_w(), "V": array(1, 20, 4)})


@each("what", REFUSED)
def test_what_cannot_be_said_is_refused_in_a_line(what: str, tmp_path: Path) -> None:
    make, message = REFUSED[what]
    with pytest.raises(ZooError) as caught:
        read(make(), tmp_path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'a.onnx'}: ")
    assert "\n" not in str(caught.value)


def test_a_model_that_torch_exports(tmp_path: Path) -> None:
    net = nn.Sequential(nn.LSTM(4, 5, 2, batch_first=True, bidirectional=True)).eval()
    file = tmp_path / "a.onnx"
    exported = io.BytesIO()
    torch.onnx.export(net, (torch.randn(3, 7, 4),), exported, dynamo=False)
    file.write_bytes(exported.getvalue())
    made = convert(files.load(file), "zoo").made
    x = cases.inputs().float()
    with torch.no_grad():
        torch.testing.assert_close(made(x)[0], net(x)[0])


# Nodes in memory, with their attributes as `onnx.helper.get_attribute_value` gives them.


def node(kind: str = "gru", **changes: Any) -> zoo.OnnxNode:
    (made,) = zoo.convert(cases.model({"kind": kind}, bidirectional=changes.pop("both", False)), "onnx")
    proto = helper.make_node(made.op_type, ["X"], ["Y"], **made.attributes)
    attributes = {one.name: helper.get_attribute_value(one) for one in proto.attribute}
    return zoo.OnnxNode(made.op_type, {**made.inputs, **changes.pop("inputs", {})}, {**attributes, **changes})


@each(
    ("changes", "reverse"),
    [({}, False), ({"direction": b"reverse"}, True), ({"direction": b"bidirectional", "both": True}, False)],
    ids=str,
)
@each("kind", ["rnn", "gru", "lstm"])
def test_texts_as_bytes(kind: str, changes: dict[str, Any], reverse: bool) -> None:
    made = zoo.convert(node(kind, **changes), "zoo")
    assert made.spec.layers[0].reverse == reverse
    if kind == "rnn":
        activations = [b"Relu"] * (2 if "both" in changes else 1)
        relu = zoo.convert(node(kind, **changes, activations=activations), "zoo")
        assert relu.spec.layers[0].cell.options.nonlinearity == "relu"


def test_inputs_that_are_not_there_may_be_named() -> None:
    made = zoo.convert(node(inputs={"": None, "sequence_lens": None, "initial_h": np.zeros((1, 3, 5))}), "zoo")
    assert made.spec.layers[0].cell.record.name == "gru"


@each(
    ("changes", "message"),
    [
        ({"inputs": {"initial_h": np.ones((1, 3, 5))}}, "with an initial_h that is not zero"),
        ({"kind": "lstm", "inputs": {"initial_c": np.ones((1, 3, 5))}}, "with an initial_c that is not zero"),
        ({"inputs": {"sequence_lens": np.array([7, 3, 2])}}, "with sequence_lens: lengths are not weights"),
        ({"inputs": {"P": np.zeros((1, 15))}}, "ONNX's GRU has no input P"),
        ({"inputs": {"Z": np.zeros(3)}}, "ONNX's GRU has no input Z"),
        ({"clip": 0.0}, "ONNX's attribute clip is ONNX's alone: clip=0.0"),
        ({"layout": 1}, "ONNX's attribute layout is ONNX's alone: layout=1"),
        ({"kind": "lstm", "input_forget": 1}, "ONNX's attribute input_forget is ONNX's alone"),
        ({"activation_alpha": [0.5]}, "ONNX's attribute activation_alpha is ONNX's alone"),
        ({"kind": "lstm", "linear_before_reset": 1}, "attributes that are not known here: linear_before_reset=1"),
        ({"colour": b"green"}, "attributes that are not known here: colour=b'green'"),
        ({"hidden_size": 6}, "with hidden_size=6 has weights for 5"),
        ({"inputs": {"B": np.zeros((1, 7))}}, r"has B of the shape (1, 7), not (1, 30)"),
        ({"inputs": {"R": np.zeros((1, 15, 6))}}, r"has W of the shape (1, 15, 4), not (1, 18, 4)"),
        (
            {"inputs": {"W": np.zeros((1, 15, 4), np.int64)}},
            "W is int64: weights are float16, bfloat16, float32, float64",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_nodes_that_say_more_than_others_can_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ZooError) as caught:
        zoo.convert(node(changes.pop("kind", "gru"), **changes), "zoo")
    assert message in str(caught.value)


def test_a_node_is_held_to_the_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    """A definition here that is wrong does not get out: the runtime says so."""
    from zoo.translation import sources

    right, given = sources.run_arrays, node()
    monkeypatch.setattr(sources, "run_arrays", lambda layers, x: right(layers, x) * 1.01)
    monkeypatch.setattr("zoo.translation.convert.run_arrays", lambda layers, x: right(layers, x) * 1.01)
    with pytest.raises(ZooError, match=r"gives outputs that differ by .* bound 1e-04"):
        zoo.convert(given, "onnx")
