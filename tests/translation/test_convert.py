"""`zoo.convert`: to torch, Keras, ONNX and torchrecurrent and back, with every option that exists there."""

from __future__ import annotations

from typing import Any

import cases
import numpy as np
import pytest
import torch
from each import each
from torch import nn

import zoo
from zoo.errors import CheckFailure, ZooError
from zoo.translation import convert as module
from zoo.translation.layouts import KERAS, ONNX, TORCH, TORCHRECURRENT

LIBRARIES = ("torch", "keras", "onnx", "torchrecurrent")
STACKS: tuple[dict[str, Any], ...] = ({}, {"layers": 3}, {"bidirectional": True}, {"bidirectional": True, "layers": 2})


def sayable(cell: dict[str, Any], library: str) -> bool:
    """What the docs say that each library has."""
    if library == "torchrecurrent":
        return "peephole" in cell
    if library == "torch":
        return cell.get("reset_gate") != "before" and "peephole" not in cell
    if library == "keras":
        return "peephole" not in cell and "projection" not in cell
    return "projection" not in cell


ABLE = [(library, cell) for library in LIBRARIES for cell in cases.CELLS if sayable(cell, library)]
UNABLE = [(library, cell) for library in LIBRARIES for cell in cases.CELLS if not sayable(cell, library)]
IDS = lambda value: cases.name(value) if isinstance(value, dict) and "kind" in value else None  # noqa: E731


@each(
    ("library", "cell", "stack"),
    [
        (library, cell, stack)
        for library, cell in ABLE
        for stack in STACKS
        if not (library == "torchrecurrent" and "bidirectional" in stack)  # it has no second direction
    ],
    ids=IDS,
)
def test_there_and_back_gives_the_same_outputs(library: str, cell: dict[str, Any], stack: dict[str, Any]) -> None:
    source = cases.model(cell, **stack)
    back = zoo.convert(zoo.convert(source, library), "zoo")
    x = cases.inputs()
    with torch.no_grad():
        torch.testing.assert_close(back(x)[0], source(x)[0], rtol=0, atol=1e-12)
    assert [type(a.cell).__name__ for a in back.layers] == [type(b.cell).__name__ for b in source.layers]


@each(("library", "cell"), UNABLE, ids=IDS)
def test_what_a_library_does_not_have_is_said(library: str, cell: dict[str, Any]) -> None:
    with pytest.raises(ZooError) as caught:
        zoo.convert(cases.model(cell), library)
    text = str(caught.value)
    assert text.startswith(f"layers.0: {library} has no ")
    wanted = {
        "peephole": "peepholes",
        "projection": "projection of the state",
        "before": "reset_gate: before",
        "plain": "without peepholes" if cell["kind"] == "lstm" else f"plain {cell['kind']}",
    }
    reasons = [
        wanted[key]
        for key, there in (
            ("peephole", "peephole" in cell),
            ("projection", "projection" in cell and library != "torch"),
            ("before", cell.get("reset_gate") == "before" and library == "torch"),
        )
        if there
    ] or [wanted["plain"]]
    assert any(reason in text for reason in reasons), text


@each("cell", [c for c in cases.CELLS if sayable(c, "torch")], ids=cases.name)
def test_to_torch_is_torch_s_own_module_with_the_same_outputs(cell: dict[str, Any]) -> None:
    source = cases.model(cell, layers=2, bidirectional=True)
    theirs = zoo.convert(source, "torch")
    assert type(theirs) is {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell["kind"]]
    assert (theirs.num_layers, theirs.bidirectional, theirs.batch_first) == (2, True, True)
    x = cases.inputs()
    with torch.no_grad():
        torch.testing.assert_close(theirs(x)[0], source(x)[0], rtol=0, atol=1e-13)


def test_gates_stand_in_each_library_s_order() -> None:
    """The facts themselves: the order of gates of each library, in the weights of a model whose gates are numbered."""
    source = cases.model({"kind": "lstm", "bias": "two"})
    with torch.no_grad():
        for index in range(4):
            source.get_parameter("layers.0.cell.weight_ih")[5 * index : 5 * index + 5] = index  # i, f, g, o
    (onnx,) = zoo.convert(source, "onnx")
    assert onnx.inputs["W"][0, ::5, 0].tolist() == [0, 3, 1, 2]
    (keras,) = zoo.convert(source, "keras")
    assert keras.weights[0][0, ::5].tolist() == [0, 1, 2, 3]
    assert keras.weights[0].shape == (4, 20)
    assert zoo.convert(source, "torch").weight_ih_l0[::5, 0].tolist() == [0, 1, 2, 3]
    gru = cases.model({"kind": "gru"})
    with torch.no_grad():
        for index in range(3):
            gru.get_parameter("layers.0.cell.weight_hh")[5 * index : 5 * index + 5] = index  # r, z, n
            gru.get_parameter("layers.0.cell.bias_hh")[5 * index : 5 * index + 5] = index
    (onnx,), (keras,) = zoo.convert(gru, "onnx"), zoo.convert(gru, "keras")
    assert onnx.inputs["R"][0, ::5, 0].tolist() == keras.weights[1][0, ::5].tolist() == [1, 0, 2]
    assert onnx.inputs["B"][0, 15::5].tolist() == keras.weights[2][1, ::5].tolist() == [1, 0, 2]
    assert onnx.attributes["linear_before_reset"] == 1
    assert keras.options["reset_after"] is True
    peep = cases.model({"kind": "lstm", "peephole": True})
    with torch.no_grad():
        peep.get_parameter("layers.0.cell.weight_ch").copy_(torch.arange(3.0).repeat_interleave(5))  # i, f, o
    assert zoo.convert(peep, "onnx")[0].inputs["P"][0, ::5].tolist() == [0, 2, 1]


def test_numbers_keep_their_precision() -> None:
    for dtype in (torch.float32, torch.float64):
        source = cases.model({"kind": "gru"}, dtype=dtype)
        assert zoo.convert(source, "torch").weight_ih_l0.dtype == dtype
        (keras,) = zoo.convert(source, "keras")
        assert keras.weights[0].dtype == str(dtype).removeprefix("torch.")
        back = zoo.convert(keras, "zoo")
        assert torch.equal(back.layers[0].cell.weight_ih, source.layers[0].cell.weight_ih)
        assert back.layers[0].cell.weight_ih.dtype == dtype


def test_from_torch_s_own_initialisation() -> None:
    torch.manual_seed(0)
    theirs = nn.LSTM(4, 6, 2, bidirectional=True, proj_size=3)  # time first
    ours = zoo.convert(theirs, "zoo")
    x = torch.randn(2, 7, 4)
    torch.testing.assert_close(ours(x)[0], theirs(x.transpose(0, 1))[0].transpose(0, 1))
    assert ours.spec.layers[0].cell.options.projection == 3
    assert ours.spec.name == "converted"
    assert zoo.convert(theirs, "zoo", name="mine").spec.name == "mine"


@pytest.mark.parametrize("merge", ["sum", "mean", "mul"])
def test_keras_merges_as_the_zoo_does(merge: str) -> None:
    source = cases.model({"kind": "gru"}, bidirectional=True, merge=merge)
    (keras,) = zoo.convert(source, "keras")
    assert keras.merge_mode == {"sum": "sum", "mean": "ave", "mul": "mul"}[merge]
    assert zoo.convert([keras], "zoo").spec.layers[0].merge == merge
    with pytest.raises(ZooError, match=f"layers.0: torch has no merge: {merge}"):
        zoo.convert(source, "torch")


def test_onnx_alone_has_a_single_direction_that_runs_back() -> None:
    source = cases.model({"kind": "lstm"}, reverse=True)
    (onnx,) = zoo.convert(source, "onnx")
    assert onnx.attributes["direction"] == "reverse"
    assert zoo.convert(onnx, "zoo").spec.layers[0].reverse
    for library in ("torch", "keras"):
        with pytest.raises(ZooError, match=f"layers.0: {library} has no reverse: true"):
            zoo.convert(source, library)


SHARED: dict[str, Any] = {"schema": 1, "name": "a", "input": 4, "cell": "lstm", "hidden_size": 5}


@each(
    ("keys", "message"),
    [
        ({"head": {"kind": "linear", "size": 2}}, "a: other libraries' recurrent modules have no head"),
        (
            {"input": {"kind": "tokens", "vocabulary": 9, "size": 4}},
            "a: other libraries read features, not input tokens",
        ),
        ({"cell": "mgu"}, "a: layers.0: mgu is not one of the cells that other libraries have: rnn, lstm, gru"),
        ({"cell": {"kind": "lstm", "coupled": True}}, "no other library has coupled gates in its recurrent layers"),
        ({"cell": {"kind": "lstm", "gate_norm": "layer"}}, "no other library has gate_norm"),
        ({"layers": [{}, {"kind": "linear", "size": 4}]}, "a: layers.1: linear is not one of the cells"),
        ({"norm": "layer", "residual": True, "input": 5}, "no other library has norm or residual"),
        ({"layers": [{"output_projection": 3}]}, "no other library has output_projection"),
        ({"layers": [{"initial_state": "learned"}]}, "no other library has initial_state: learned"),
    ],
    ids=str,
)
def test_what_no_library_has_is_said(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ZooError) as caught:
        zoo.convert(zoo.build({**SHARED, **keys}), "onnx")
    assert message in str(caught.value)


def test_layers_of_different_widths_are_no_one_module_of_torch() -> None:
    spec = {
        **SHARED,
        "layers": [{"hidden_size": 5}, {"hidden_size": 6}],
    }  # in float32, whose sums of biases are rounded
    with pytest.raises(
        ZooError, match=r"layers.1: one module of torch has layers of one kind and width, but this is not"
    ):
        zoo.convert(zoo.build(spec), "torch")
    assert len(zoo.convert(zoo.build(spec), "keras")) == 2


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (nn.Linear(2, 3), "Linear cannot be converted: give a zoo.Model, a torch.nn.RNN, LSTM or GRU"),
        (3, "int cannot be converted"),
        ([], "list cannot be converted"),
        ("lstm", "str cannot be converted"),
    ],
    ids=str,
)
def test_other_things_are_refused(source: Any, message: str) -> None:
    with pytest.raises(ZooError, match=message):
        zoo.convert(source, "zoo")


def test_an_unknown_library_is_refused() -> None:
    with pytest.raises(ZooError, match="to must be one of torch, keras, onnx, torchrecurrent, zoo, not 'jax'"):
        zoo.convert(cases.model({"kind": "gru"}), "jax")


def onnx(**attributes: Any) -> zoo.OnnxNode:
    (node,) = zoo.convert(cases.model({"kind": "gru"}), "onnx")
    return zoo.OnnxNode("GRU", node.inputs, {**node.attributes, **attributes})


@each(
    ("node", "message"),
    [
        (onnx(clip=3.0), "ONNX's attribute clip is ONNX's alone: clip=3.0"),
        (onnx(activations=["HardSigmoid", "Tanh"]), "ONNX's activations Hardsigmoid, Tanh of GRU are ONNX's alone"),
        (onnx(direction="sideways"), "direction must be one of forward, reverse, bidirectional, not 'sideways'"),
        (zoo.OnnxNode("Conv", {}, {}), "ONNX's Conv is not one of RNN, LSTM, GRU"),
        (zoo.OnnxNode("GRU", {}, {}), r"ONNX's GRU needs W of shape \(1, gates \* hidden_size, width\)"),
        (zoo.KerasLayer("GRU", (), {}), "a GRU has 3 arrays here, not 0"),
        (zoo.KerasLayer("Dense", (), {}), "Keras's Dense is not one of SimpleRNN, LSTM, GRU"),
        (zoo.KerasLayer("LSTM", (), {"activation": "relu"}), "Keras's activations 'relu' and 'sigmoid' in a LSTM"),
        (zoo.KerasLayer("LSTM", (), {"go_backwards": True}), "Keras's go_backwards gives the steps in reverse"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_arrays_that_cannot_be_read_are_refused(node: Any, message: str) -> None:
    with pytest.raises(ZooError, match=message):
        zoo.convert(node, "zoo")


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_wrong_order_does_not_get_out(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each library's outputs are computed by its own definitions, so that a layout that is wrong is found at once."""
    layout = {"torch": TORCH, "keras": KERAS, "onnx": ONNX, "torchrecurrent": TORCHRECURRENT}[library]
    i, f, *rest = layout.order["lstm"]
    monkeypatch.setitem(layout.order, "lstm", (f, i, *rest))  # type: ignore[arg-type]
    cell = {"kind": "lstm", "peephole": library == "torchrecurrent"}
    with pytest.raises(CheckFailure, match=f"the translation to {library} gives outputs that differ by"):
        zoo.convert(cases.model(cell), library)


def test_the_source_is_left_as_it_is() -> None:
    source = cases.model({"kind": "gru"}).train()
    before = {key: value.clone() for key, value in source.state_dict().items()}
    made = zoo.convert(source, "torch")
    with torch.no_grad():
        made.weight_ih_l0.zero_()
    assert source.training
    assert all(torch.equal(value, before[key]) for key, value in source.state_dict().items())


def test_the_bound_is_tight() -> None:
    assert module.BOUND == 1e-10
    assert np.finfo(np.float64).eps * 1e5 < module.BOUND
