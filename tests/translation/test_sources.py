"""Weights as people have them: whole checkpoints, prefixes, a recurrent module inside a net, safetensors, other types."""

from __future__ import annotations

import argparse
import pickle
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import cases
import hostile
import numpy as np
import pytest
import torch
from each import each
from safetensors.torch import save_file
from torch import nn

import zoo
from zoo.errors import ProvenanceWarning, ZooError
from zoo.translation import files, sandbox
from zoo.translation.convert import convert


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(9, 4)
        self.lstm = nn.LSTM(4, 5, 2, bidirectional=True)
        self.head = nn.Linear(10, 2)


def trained(net: Net) -> dict[str, Any]:
    """The state of an optimiser that has made a step."""
    made = torch.optim.Adam(net.parameters())
    net.head(net.lstm(net.embedding(torch.tensor([[1, 2]])))[0]).sum().backward()
    made.step()
    return made.state_dict()


def outputs(made: Any) -> torch.Tensor:
    with torch.no_grad():
        return made(cases.inputs().to(made.example_input(1, 1).dtype))[0]


def expected(theirs: nn.RNNBase) -> torch.Tensor:
    with torch.no_grad():
        y: torch.Tensor = theirs(cases.inputs().float().transpose(0, 1))[0].transpose(0, 1)
    return y


LIGHTNING = {
    "pytorch-lightning_version": "2.5",
    "loops": {"fit_loop": {"state_dict": {}}},
    "callbacks": {},
    "global_step": 9,
}


@each(
    ("wrap", "place"),
    [
        (lambda state, _: state, ""),
        (lambda state, net: {"epoch": 3, "state_dict": state, "optimizer": trained(net)}, "state_dict."),
        (
            lambda state, _: {"model_state_dict": {f"module.{k}": v for k, v in state.items()}},
            "model_state_dict.module.",
        ),
        (lambda state, _: {"model": {f"_orig_mod.{k}": v for k, v in state.items()}}, "model._orig_mod."),
        (lambda state, _: {f"encoder.rnn.{k}": v for k, v in state.items()}, "encoder.rnn."),
        (
            lambda state, _: {
                **LIGHTNING,
                "state_dict": {f"model.{k}": v for k, v in state.items()},
                "hyper_parameters": argparse.Namespace(rate=0.1, path=Path("runs")),
                "random": np.random.default_rng(0).standard_normal(3),
                "score": np.float64(0.5),
                "seen": {1, 2},
            },
            "state_dict.model.",
        ),
    ],
    ids=["state dict", "checkpoint", "DataParallel", "torch.compile", "nested", "Lightning"],
)
def test_the_recurrent_module_of_a_net(wrap: Callable[..., Any], place: str, tmp_path: Path) -> None:
    net = Net()
    file = tmp_path / "net.ckpt"
    torch.save(wrap(net.state_dict(), net), file)
    with pytest.warns(UserWarning, match="left out") as caught:
        made = zoo.convert(file, "zoo")
    torch.testing.assert_close(outputs(made), expected(net.lstm))
    (said,) = [str(one.message) for one in caught if "left out" in str(one.message)]
    left = ", ".join(f"{place}{name}" for name in ("embedding.weight", "head.weight", "head.bias"))
    assert said == f"{file}: converted: {place}lstm; left out: {left}"


@pytest.mark.parametrize("module", ["pathlib", "pathlib._local"])
def test_a_path_is_read_whichever_python_wrote_it(module: str, tmp_path: Path) -> None:
    """Python 3.13 keeps `PosixPath` in another module than those before and after it."""
    net = nn.LSTM(4, 5)
    torch.save({"state_dict": net.state_dict(), "folder": PurePosixPath("runs")}, tmp_path / "here.ckpt")
    here = b"c" + PurePosixPath.__module__.encode() + b"\n"
    with zipfile.ZipFile(tmp_path / "here.ckpt") as held, zipfile.ZipFile(tmp_path / "a.ckpt", "w") as made:
        for name in held.namelist():
            data = held.read(name)
            assert (here in data) == name.endswith("data.pkl")
            made.writestr(name, data.replace(here, b"c" + module.encode() + b"\n"))
    torch.testing.assert_close(outputs(zoo.convert(tmp_path / "a.ckpt", "zoo")), expected(net))


def test_several_are_listed_and_one_is_chosen(tmp_path: Path) -> None:
    net = nn.ModuleDict({"encoder": nn.GRU(4, 5), "decoder": nn.ModuleDict({"rnn": nn.LSTM(4, 6)})})
    torch.save({"model": net.state_dict()}, tmp_path / "a.pt")
    with pytest.raises(ZooError) as caught:
        files.load(tmp_path / "a.pt")
    listed = "holds 2 recurrent modules: model.encoder, model.decoder.rnn; choose one with --prefix"
    assert str(caught.value) == f"{tmp_path / 'a.pt'}: {listed}"
    for prefix in ("model.decoder.rnn", "decoder.rnn", "rnn", "rnn."):
        made = convert(files.load(tmp_path / "a.pt", prefix=prefix), "zoo").made
        torch.testing.assert_close(outputs(made), expected(net["decoder"]["rnn"]))
    with pytest.raises(
        ZooError, match=r"has no recurrent module at the prefix 'nothing': there are model.encoder, model"
    ):
        files.load(tmp_path / "a.pt", prefix="nothing")
    with pytest.warns(UserWarning, match="converted: encoder; left out"):
        made = zoo.convert(net.state_dict(), "zoo", prefix="encoder")
    torch.testing.assert_close(outputs(made), expected(net["encoder"]))


@pytest.mark.parametrize(
    "cell", [nn.LSTMCell(4, 5), nn.GRUCell(4, 5, bias=False)], ids=lambda cell: type(cell).__name__
)
def test_a_cell_of_torch_is_one_layer(cell: Any) -> None:
    made = zoo.convert(OrderedDict((f"cell.{k}", v) for k, v in cell.state_dict().items()), "zoo")
    x, state, rows = cases.inputs().float(), None, []
    with torch.no_grad():
        for now in x.unbind(1):
            state = cell(now, state)
            rows.append(state[0] if isinstance(state, tuple) else state)
    torch.testing.assert_close(outputs(made), torch.stack(rows, 1))


def test_what_a_state_dict_does_not_say_is_asked_for(tmp_path: Path) -> None:
    theirs = nn.RNN(4, 5, nonlinearity="relu")
    torch.save(theirs.state_dict(), tmp_path / "a.pt")
    for read in (lambda **keys: zoo.convert(tmp_path / "a.pt", "zoo", **keys), lambda **keys: zoo.convert(theirs.state_dict(), "zoo", **keys)):  # fmt: skip
        with pytest.raises(ZooError, match="does not say its nonlinearity: add --nonlinearity tanh or relu"):
            read()
        torch.testing.assert_close(outputs(read(nonlinearity="relu")), expected(theirs))
        assert not torch.allclose(outputs(read(nonlinearity="tanh")), expected(theirs))
    with pytest.raises(ZooError, match="nonlinearity is given as tanh, but the source says relu"):
        zoo.convert(theirs, "zoo", nonlinearity="tanh")
    with pytest.raises(ZooError, match="nonlinearity is given as relu, but the source is not a plain RNN"):
        zoo.convert(nn.GRU(4, 5).state_dict(), "zoo", nonlinearity="relu")
    with pytest.raises(ZooError, match="nonlinearity must be 'tanh' or 'relu', not 'sine'"):
        zoo.convert(theirs, "zoo", nonlinearity="sine")


TYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


@each("dtype", TYPES, ids=str)
@each("to", ["zoo", "torch", "keras", "onnx"])
def test_every_type_goes_everywhere(dtype: torch.dtype, to: str) -> None:
    """In its own type, or in one that holds each number exactly, which is said."""
    theirs = nn.GRU(4, 5, dtype=dtype)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = zoo.convert(theirs, to)
    widened = dtype == torch.bfloat16 and to in ("keras", "onnx")
    said = [str(one.message) for one in caught if "became" in str(one.message)]
    assert said == (["bfloat16 became float32, which holds each number exactly"] if widened else [])
    weights = theirs.weight_ih_l0.detach()
    if to in ("zoo", "torch"):
        held = made.weight_ih_l0 if to == "torch" else made.layers[0].cell.weight_ih
        assert torch.equal(held, weights)
        assert held.dtype == dtype
        return
    array = made[0].weights[0].T if to == "keras" else made[0].inputs["W"][0]  # z, r, n
    assert str(array.dtype) == ("float32" if widened else str(dtype).removeprefix("torch."))
    assert np.array_equal(array.astype(np.float64)[10:], weights.double().numpy()[10:])


def test_mixed_types_become_one_that_holds_all(tmp_path: Path) -> None:
    state = nn.GRU(4, 5).half().state_dict()
    state["bias_ih_l0"] = torch.randn(15).bfloat16()
    torch.save(state, tmp_path / "a.pt")
    with pytest.warns(UserWarning, match="bfloat16 and float16 became float32, which holds each number exactly"):
        made = zoo.convert(tmp_path / "a.pt", "torch")
    assert torch.equal(made.weight_ih_l0, state["weight_ih_l0"].float())
    assert torch.equal(made.bias_ih_l0, state["bias_ih_l0"].float())


def test_a_sum_that_is_too_large_for_its_type_is_refused() -> None:
    theirs = nn.LSTM(4, 5).half()
    with torch.no_grad():
        theirs.bias_ih_l0.fill_(60_000)
        theirs.bias_hh_l0.fill_(60_000)
    assert zoo.convert(theirs, "torch").bias_ih_l0.max() == 60_000
    with pytest.raises(ZooError, match="has biases whose sum is too large for their type: convert in float32"):
        zoo.convert(theirs, "keras")


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.LSTM(4, 5, device="meta"), "LSTM: weight_ih_l0 is on the device meta, without numbers"),
        (nn.LSTM(4, 5, dtype=torch.complex64), "weight_ih_l0 is complex64: weights are float16, bfloat16, float32"),
        (nn.utils.weight_norm(nn.LSTM(4, 5), "weight_hh_l0"), "has weight_hh_l0_g, weight_hh_l0_v beside the weights of"),
        (nn.utils.parametrizations.spectral_norm(nn.LSTM(4, 5), "weight_hh_l0"), "ParametrizedLSTM cannot be converted"),
        (zoo.build("gru", device="meta"), "gru: layers.0.cell.weight_ih is on the device meta, without numbers"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)  # fmt: skip
def test_modules_without_plain_numbers_are_refused(module: nn.Module, message: str) -> None:
    with pytest.raises(ZooError) as caught:
        zoo.convert(module, "onnx")
    assert message in str(caught.value)


def test_a_parametrised_cell_is_refused() -> None:
    model = zoo.build("gru", seed=0)
    nn.utils.parametrize.register_parametrization(model.layers[0].cell, "weight_hh", nn.Tanh())
    with pytest.raises(ZooError, match=r"parametrizations.weight_hh.original is computed from other parameters"):
        zoo.convert(model, "torch")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused(value: float) -> None:
    theirs = nn.LSTM(4, 5)
    with torch.no_grad():
        theirs.bias_ih_l0[3] = value
    with pytest.raises(ZooError, match=r"layers.0: 1 of its weights are NaN or infinite"):
        zoo.convert(theirs, "zoo")


def test_safetensors(tmp_path: Path) -> None:
    net = Net()
    (tmp_path / "net.safetensors").write_bytes(hostile.safetensors_bytes(dict(net.state_dict())))
    with pytest.warns(UserWarning, match="converted: lstm; left out: embedding.weight, head.weight, head.bias"):
        made = zoo.convert(tmp_path / "net.safetensors", "zoo")
    torch.testing.assert_close(outputs(made), expected(net.lstm))
    for dtype in TYPES:
        theirs = nn.GRU(4, 5, dtype=dtype)
        (tmp_path / "a.safetensors").write_bytes(hostile.safetensors_bytes(dict(theirs.state_dict())))
        made = zoo.convert(tmp_path / "a.safetensors", "torch")
        assert all(torch.equal(value, theirs.state_dict()[name]) for name, value in made.state_dict().items())


def test_safetensors_as_its_own_library_writes_it(tmp_path: Path) -> None:
    theirs = nn.LSTM(4, 5, 2).bfloat16()
    save_file(theirs.state_dict(), tmp_path / "a.safetensors", metadata={"format": "pt"})
    made = zoo.convert(tmp_path / "a.safetensors", "torch")
    assert all(torch.equal(value, theirs.state_dict()[name]) for name, value in made.state_dict().items())


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_every_tensor_is_read_as_torch_reads_it(zipped: bool, tmp_path: Path) -> None:
    state: dict[str, torch.Tensor] = {}
    generator = torch.Generator().manual_seed(0)
    kinds = (
        torch.int64,
        torch.int32,
        torch.int16,
        torch.int8,
        torch.uint8,
        torch.bool,
        torch.complex64,
        torch.complex128,
    )
    for dtype in (*TYPES, *kinds):
        base = (torch.randn(6, 5, generator=generator) * 50).to(dtype)
        views = {"whole": base, "turned": base.T, "part": base[1:4, ::2], "one": base[2, 3], "none": base[:0]}
        state |= {f"{dtype}.{name}": value for name, value in views.items()}
    state["parameter"] = nn.Parameter(torch.randn(3))
    file = tmp_path / "a.pt"
    torch.save(state, file, _use_new_zipfile_serialization=zipped)
    found = {name: files._tensor(one) for name, one in sandbox.read(file, whole=True).arrays.items()}
    theirs = torch.load(file, weights_only=True)
    assert found.keys() == theirs.keys()
    for name, value in theirs.items():
        assert found[name].dtype == value.dtype
        assert torch.equal(found[name], value)


def test_a_model_of_the_zoo_needs_its_spec(tmp_path: Path) -> None:
    for bias in cases.BIASES:
        torch.save(cases.model({"kind": "lstm", "bias": bias}).state_dict(), tmp_path / "a.pt")
        with pytest.raises(ZooError, match="but that of a zoo model: give its spec, zoo convert SPEC --weights FILE"):
            files.load(tmp_path / "a.pt")


def test_a_model_s_weights_inside_a_checkpoint(tmp_path: Path) -> None:
    source = cases.model({"kind": "gru"}, layers=2)
    file = tmp_path / "a.pt"
    state = {f"module.{name}": value for name, value in source.state_dict().items()}
    torch.save({"state_dict": state, "optimizer": {"state": {0: torch.zeros(3)}, "other": torch.zeros(1)}}, file)
    made = zoo.build(source.spec, seed=1, dtype=torch.float64)
    with pytest.warns(
        UserWarning, match=r"read at 'state_dict\.module'; left out: optimizer\.state\.0, optimizer\.other"
    ):
        zoo.load_weights(made, file)
    assert all(torch.equal(value, source.state_dict()[name]) for name, value in made.state_dict().items())
    torch.save({"a": state, "b": state}, file)
    with pytest.raises(
        ZooError, match=r"holds such weights 2 times, at 'a\.module', 'b\.module': choose one with --prefix"
    ):
        zoo.load_weights(made, file)
    with pytest.warns(UserWarning, match=r"read at 'b\.module'; left out: a\."):
        zoo.load_weights(made, file, prefix="b.module")


def test_the_versions_that_weights_were_saved_with_are_still_compared(tmp_path: Path) -> None:
    source = cases.model({"kind": "gru"})
    state = source.state_dict()
    state._metadata[""]["zoo"]["distributions"]["zoo-acme"] = "1.2"  # type: ignore[attr-defined]
    torch.save(state, tmp_path / "a.pt")
    with pytest.warns(ProvenanceWarning, match=r"zoo-acme 1\.2"):
        zoo.load_weights(source, tmp_path / "a.pt")


def test_the_proof_of_a_module_runs_the_module_itself() -> None:
    """Whatever hangs on it: here it computes something else than its weights say."""
    theirs = nn.GRU(4, 5)
    theirs.register_forward_hook(lambda _module, _given, found: (found[0] * 1.001, found[1]))
    with pytest.raises(ZooError, match="the translation to zoo gives outputs that differ by"):
        zoo.convert(theirs, "zoo")


def test_a_pickle_of_arrays_is_none_of_torch(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(pickle.dumps({"weight_ih_l0": [1.0]}))
    with pytest.raises(ZooError, match=r"is a pickle that torch\.save did not write"):
        files.load(tmp_path / "a.pt")
