"""`zoo.load_weights` on checkpoints as people have them: all of it is loaded, or one line says why, and nothing changed."""

from __future__ import annotations

import io
import json
import pickle
import re
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from each import each
from safetensors.torch import save_file
from torch import Tensor, nn

import zoo
from zoo.errors import ZooError
from zoo.testing import tiny
from zoo.translation.read_npz import _array


class Net(nn.Module):
    """Somebody's net."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(9, 4)
        self.rnn = nn.GRU(4, 5, batch_first=True)
        self.out = nn.Linear(5, 3)
        for value in self.parameters():
            nn.init.normal_(value, 0, 0.7)

    def forward(self, words: Tensor) -> Tensor:
        found: Tensor = self.out(self.rnn(self.embed(words))[0])
        return found


SPEC = {
    "name": "net",
    "input": {"kind": "tokens", "vocabulary": 9, "size": 4},
    "cell": "gru",
    "hidden_size": 5,
    "head": {"kind": "linear", "size": 3},
}
MAP = {
    "spec": "net.yaml",
    "tensors": {"input.embedding.weight": "embed.weight", "head.linear.{part}": "out.{part}"},
    "recurrent": {"layers.{i}": {"form": "torch", "module": "rnn", "layer": "{i}"}},
}
WORDS = torch.tensor([[1, 5, 8, 0], [2, 2, 7, 3]])


def ours(**changes: Any) -> zoo.Model:
    return zoo.build({**SPEC, **changes}, seed=1)


@pytest.fixture
def net() -> Net:
    torch.manual_seed(3)
    return Net().eval()


def agree(model: zoo.Model, theirs: Net) -> None:
    with torch.no_grad():
        found = model.eval()(WORDS)
        torch.testing.assert_close(found if isinstance(found, Tensor) else found[0], theirs(WORDS), rtol=0, atol=1e-6)


def refused(model: zoo.Model, file: Any, map: Any = None, prefix: str | None = None) -> str:
    """The one line of a refusal, after which the model is as it was."""
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ZooError) as caught:
        zoo.load_weights(model, file, map, prefix)
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 1500
    return text


# Formats


def npz(state: dict[str, Tensor], path: Path) -> Path:
    np.savez(path / "a.npz", **{name: value.numpy() for name, value in state.items()})
    return path / "a.npz"


def npy_folder(state: dict[str, Tensor], path: Path) -> Path:
    (path / "arrays").mkdir()
    for name, value in state.items():
        np.save(path / "arrays" / f"{name}.npy", value.numpy())
    return path / "arrays"


def pieces(state: dict[str, Tensor], path: Path) -> Path:
    names = sorted(state)
    held = {"a-1.safetensors": names[:3], "a-2.safetensors": names[3:]}
    for file, own in held.items():
        save_file({name: state[name] for name in own}, path / file)
    index = {"weight_map": {name: file for file, own in held.items() for name in own}}
    (path / "model.safetensors.index.json").write_text(json.dumps(index))
    return path / "model.safetensors.index.json"


def folder_of_pieces(state: dict[str, Tensor], path: Path) -> Path:
    return pieces(state, path).parent


def arrays_in_a_pickle(protocol: int) -> Callable[[dict[str, Tensor], Path], Path]:
    def write(state: dict[str, Tensor], path: Path) -> Path:
        held = {name: np.asfortranarray(value.numpy()) for name, value in state.items()}
        (path / "a.pkl").write_bytes(pickle.dumps(held, protocol))
        return path / "a.pkl"

    return write


def big_endian_pickle(state: dict[str, Tensor], path: Path) -> Path:
    held = {name: value.numpy().astype(">f4") for name, value in state.items()}
    (path / "a.pkl").write_bytes(pickle.dumps(held, 2))
    return path / "a.pkl"


def scripted(state: dict[str, Tensor], path: Path) -> Path:
    made = Net()
    made.load_state_dict(state)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(made.eval()).save(str(path / "a.jit"))
    return path / "a.jit"


def torch_file(state: dict[str, Tensor], path: Path) -> Path:
    torch.save(state, path / "a.pt")
    return path / "a.pt"


def old_torch_file(state: dict[str, Tensor], path: Path) -> Path:
    torch.save(state, path / "a.pt", _use_new_zipfile_serialization=False)
    return path / "a.pt"


def safetensors(state: dict[str, Tensor], path: Path) -> Path:
    save_file(state, path / "a.safetensors")
    return path / "a.safetensors"


def in_memory(state: dict[str, Tensor], path: Path) -> Any:
    return state


FORMATS = {
    "torch": torch_file,
    "torch before 1.6": old_torch_file,
    "TorchScript": scripted,
    "safetensors": safetensors,
    "pieces": pieces,
    "a folder of pieces": folder_of_pieces,
    "npz": npz,
    "a folder of npy": npy_folder,
    **{f"a pickle of arrays, protocol {protocol}": arrays_in_a_pickle(protocol) for protocol in range(2, 6)},
    "a pickle of arrays, big endian": big_endian_pickle,
    "memory": in_memory,
}


@each("name", FORMATS)
def test_a_checkpoint_of_every_format(name: str, net: Net, tmp_path: Path) -> None:
    file = FORMATS[name](net.state_dict(), tmp_path)
    model = ours()
    assert zoo.load_weights(model, file, MAP) is model
    agree(model, net)


def test_a_program_is_not_run(tmp_path: Path, net: Net) -> None:
    """A pickle in an archive that looks like TorchScript: a call in it is refused, and none is made."""
    file = scripted(net.state_dict(), tmp_path)

    class Evil:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "canary",)

    evil = tmp_path / "evil.jit"
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(evil, "w") as made:
        for info in source.infolist():
            data = source.read(info)
            made.writestr(info, pickle.dumps({"a": Evil()}) if info.filename.endswith("data.pkl") else data)
    assert "holds a pickled pathlib" in refused(ours(), evil, MAP)
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps({"a": np.ones(3), "b": Evil()}))
    assert "loading that runs code, and none was run" in refused(ours(), tmp_path / "evil.pkl", MAP)
    assert not (tmp_path / "canary").exists()


# What is wrapped around it


@each(
    "wrap",
    [
        lambda state: {"model": state, "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}}, "epoch": 3},
        lambda state: {"state_dict": {f"module.{name}": value for name, value in state.items()}},
        lambda state: {f"_orig_mod.{name}": value for name, value in state.items()},
        lambda state: {f"module._orig_mod.{name}": value for name, value in state.items()},
        lambda state: {name.replace("layers.0", "layers.0._orig_mod"): value for name, value in state.items()},
        lambda state: {"a": {"b": {f"net.{name}": value for name, value in state.items()}}},
    ],
)
def test_our_own_weights_are_found_wherever_they_stand(wrap: Any, tmp_path: Path) -> None:
    source = ours()
    torch.save(wrap(source.state_dict()), tmp_path / "a.ckpt")
    model = zoo.build(SPEC, seed=2)
    zoo.load_weights(model, tmp_path / "a.ckpt")
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in source.state_dict().items())


def test_a_map_finds_them_too(net: Net, tmp_path: Path) -> None:
    state = {f"module.{name}": value for name, value in net.state_dict().items()}
    torch.save(
        {"ema": state, "model": {f"_orig_mod.{name}": -value for name, value in state.items()}}, tmp_path / "a.pt"
    )
    agree(zoo.load_weights(ours(), tmp_path / "a.pt", {**MAP, "within": "ema"}), net)
    agree(zoo.load_weights(ours(), tmp_path / "a.pt", {**MAP, "within": "model"}, prefix="ema"), net)
    agree(zoo.load_weights(ours(), tmp_path / "a.pt", {**MAP, "within": "ema.module"}), net)
    turned = zoo.load_weights(ours(), tmp_path / "a.pt", {**MAP, "within": "model"})
    assert torch.equal(turned.state_dict()["head.linear.bias"], -net.out.bias)


def test_what_is_left_out_beside_our_own_is_told(tmp_path: Path) -> None:
    torch.save({"model": ours().state_dict(), "ema": {"x": torch.ones(2)}}, tmp_path / "a.pt")
    with pytest.warns(UserWarning, match=r"a\.pt: read at 'model'; left out: ema\.x$"):
        zoo.load_weights(ours(), tmp_path / "a.pt")
    torch.save({"model": ours().state_dict(), "ema": ours().state_dict()}, tmp_path / "a.pt")
    assert "holds such weights 2 times, at 'ema', 'model': choose one with --prefix" in refused(
        ours(), tmp_path / "a.pt"
    )


def test_a_saved_model_with_tied_and_complex_tensors(tmp_path: Path) -> None:
    """Tied tables stand in the file once, complex numbers as pairs."""
    for name in ("awd-lstm", "cells/s5", "elmo", "cells/mclstm"):
        source = zoo.build(tiny(zoo.load(name)), seed=3)
        zoo.save(source, tmp_path / "a.safetensors", force=True)
        model = zoo.build(tiny(zoo.load(name)), seed=4)
        zoo.load_weights(model, tmp_path / "a.safetensors")
        for key, value in source.state_dict().items():
            assert torch.equal(value, model.state_dict()[key]), key


def tied() -> zoo.Model:
    model = ours(input={"kind": "tokens", "vocabulary": 9, "size": 5}, head={"kind": "linear", "size": 9})
    model.head.linear.weight = model.input.embedding.weight
    return model


def test_a_tensor_with_two_names_needs_one_and_two_must_be_equal(tmp_path: Path) -> None:
    state = {name: value.clone() + 1 for name, value in tied().state_dict().items()}
    for gone in ("head.linear.weight", "input.embedding.weight", None):
        torch.save({name: value for name, value in state.items() if name != gone}, tmp_path / "a.pt")
        model = zoo.load_weights(tied(), tmp_path / "a.pt")
        assert torch.equal(model.state_dict()["head.linear.weight"], state["head.linear.weight"]), gone
    lines = {name: name for name in state if name != "input.embedding.weight"}
    made = zoo.load_weights(tied(), {name: state[name] for name in lines}, {"spec": "a.yaml", "tensors": lines})
    assert torch.equal(made.input.embedding.weight, state["head.linear.weight"])
    said = "head.linear.weight and input.embedding.weight are one tensor in the model, and two that differ in the file"
    state["head.linear.weight"] = state["head.linear.weight"] + 1
    assert said in refused(tied(), state)
    assert said in refused(tied(), state, {"spec": "a.yaml", "tensors": {name: name for name in state}})


# Both sides in full


def changed(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {name: value for name, value in {**state, **more}.items() if value is not None}


def test_both_sides_are_told_with_their_shapes(net: Net) -> None:
    state = net.state_dict()
    short = {**MAP, "tensors": {"input.embedding.weight": "embed.weight"}}
    assert refused(ours(), state, short) == (
        "the mapping: does not fit net by the map map: not filled: head.linear.weight (3, 5), head.linear.bias (3,); "
        "unused: out.weight (3, 5), out.bias (3,)"
    )
    missing = refused(ours(), changed(state, **{"out.bias": None}), MAP)
    assert "not in the file: out.bias (for head.linear.bias, <mapping>:6)" in missing
    assert "unused: extra (2,)" in refused(ours(), changed(state, extra=torch.ones(2)), MAP)
    zoo.load_weights(ours(), changed(state, extra=torch.ones(2)), {**MAP, "leave_out": ["ex*"]})
    wide = refused(ours(), changed(state, **{"out.weight": torch.ones(4, 5)}), MAP)
    assert "head.linear.weight would be (4, 5) and is (3, 5)" in wide
    assert "the input's matrix is (15, 4) and not (15, 6)" in refused(
        ours(input={"kind": "tokens", "vocabulary": 9, "size": 6}), state, MAP
    )
    twice = {**MAP, "tensors": {**MAP["tensors"], "layers.0.cell.bias_ih": "rnn.bias_ih_l0"}}  # type: ignore[dict-item]
    assert "layers.0.cell.bias_ih is filled twice: by recurrent, and by <mapping>:" in refused(ours(), state, twice)
    idle = {**MAP, "tensors": {**MAP["tensors"], "layers.{i}.norm.weight": "norm.{i}"}}  # type: ignore[dict-item]
    assert re.search(r"no part of the model fits <mapping>:\d+$", refused(ours(), state, idle))


def test_without_a_map_too(net: Net, tmp_path: Path) -> None:
    torch.save(net.state_dict(), tmp_path / "a.pt")
    said = refused(ours(), tmp_path / "a.pt")
    assert "missing input.embedding.weight (9, 4), layers.0.cell.weight_ih (15, 4)" in said
    assert "unused embed.weight (9, 4), rnn.weight_ih_l0 (15, 4)" in said
    other = ours(hidden_size=6)
    torch.save(other.state_dict(), tmp_path / "a.pt")
    assert "layers.0.cell.weight_ih is (18, 4) and not (15, 4)" in refused(ours(), tmp_path / "a.pt")
    assert "has nothing at 'nope': the file holds input, layers (4), head (2)" in refused(
        ours(), tmp_path / "a.pt", prefix="nope"
    )
    assert "has nothing at 'modle': the file holds model (7); did you mean 'model'?" in refused(
        ours(), {"model": ours().state_dict()}, MAP, prefix="modle"
    )


def test_numbers_that_are_none_are_refused(net: Net) -> None:
    state = net.state_dict()
    bad = state["out.bias"].clone()
    bad[1] = torch.nan
    assert "head.linear.bias would get 1 NaN" in refused(ours(), changed(state, **{"out.bias": bad}), MAP)
    bad[1] = torch.inf
    assert "head.linear.bias would get 1 infinite numbers" in refused(ours(), changed(state, **{"out.bias": bad}), MAP)
    big = state["out.bias"].double() * 1e300
    said = refused(ours(), changed(state, **{"out.bias": big}), MAP)
    assert "head.linear.bias holds numbers that are too large for float32" in said
    logarithm = {
        **MAP,
        "tensors": {**MAP["tensors"], "head.linear.bias": {"from": "out.bias", "do": ["negate", "log"]}},
    }  # type: ignore[dict-item]
    ones = changed(state, **{"out.bias": torch.ones(3)})
    assert "head.linear.bias would get 3 NaN" in refused(ours(), ones, logarithm)
    assert "head.linear.weight is complex" in refused(
        ours(), changed(state, **{"out.weight": torch.ones(3, 5) * 1j}), MAP
    )


@each(
    ("stored", "own", "said"),
    [
        (torch.float16, torch.float32, None),
        (torch.bfloat16, torch.float32, None),
        (torch.bfloat16, torch.bfloat16, None),
        (torch.float32, torch.float64, None),
        (torch.float64, torch.float32, "float64 became float32, which rounds the numbers of 7 tensors"),
        (torch.float32, torch.bfloat16, "float32 became bfloat16, which rounds the numbers of 7 tensors"),
        (torch.float32, torch.float16, "float32 became float16, which rounds the numbers of 7 tensors"),
    ],
)
def test_a_number_is_itself_or_one_is_told(
    stored: torch.dtype, own: torch.dtype, said: str | None, net: Net, tmp_path: Path
) -> None:
    state = {name: value.double().add(1e-9).to(stored) for name, value in net.state_dict().items()}
    save_file(state, tmp_path / "a.safetensors")
    model = zoo.build(SPEC, dtype=own)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        zoo.load_weights(model, tmp_path / "a.safetensors", MAP)
    assert [str(one.message).partition(": ")[2] for one in caught] == ([] if said is None else [said])
    assert torch.equal(model.state_dict()["head.linear.weight"], state["out.weight"].to(own))


def test_half_of_a_bias_that_fits_is_not_said_to_be_rounded(tmp_path: Path) -> None:
    """What is stored in float64 and needs no more than float32 is exact."""
    state = {name: value.double() for name, value in ours().state_dict().items()}
    torch.save(state, tmp_path / "a.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zoo.load_weights(ours(), tmp_path / "a.pt")


def test_another_file_than_the_map_s_is_told(net: Net, tmp_path: Path) -> None:
    torch.save(net.state_dict(), tmp_path / "a.pt")
    with pytest.warns(
        UserWarning, match=r"is not the file that the map map was written for: its SHA-256 is [0-9a-f]{64}"
    ):
        zoo.load_weights(ours(), tmp_path / "a.pt", {**MAP, "source": {"sha256": "0" * 64}})


def test_a_buffer_may_be_kept_and_a_parameter_not(net: Net) -> None:
    with_norm = {**SPEC, "norm": "batch"}
    model = zoo.build(with_norm, seed=1)
    state = {**net.state_dict(), "bn.weight": torch.full((5,), 2.0), "bn.bias": torch.zeros(5)}
    lines = {**MAP["tensors"], "layers.0.norm.weight": "bn.weight", "layers.0.norm.bias": "bn.bias"}  # type: ignore[dict-item]
    buffers = [name for name, _ in model.named_buffers()]
    assert buffers
    said = refused(model, state, {**MAP, "tensors": lines})
    assert f"not filled: {buffers[0]}" in said
    zoo.load_weights(model, state, {**MAP, "tensors": lines, "keep": ["*running*", "*.num_batches_tracked"]})
    assert model.state_dict()["layers.0.norm.weight"][0] == 2
    del lines["layers.0.norm.bias"]
    keeping = {**MAP, "tensors": lines, "keep": ["layers.0.norm.*"], "leave_out": ["bn.bias"]}
    assert "keep is for buffers, and layers.0.norm.bias is a parameter" in refused(model, state, keeping)


# Files that cannot be read


@each(
    ("make", "said"),
    [
        (lambda path: path / "none.pt", "cannot be read: No such file or directory"),
        (lambda path: path, "is a folder without an index .index.json, .safetensors or .npy files: there are none"),
        (lambda path: written(path / "a.pt", b"hello"), "is not a file of weights"),
        (lambda path: written(path / "a.pkl", pickle.dumps([1, 2])), "is a pickle that torch.save did not write"),
        (lambda path: written(path / "x.index.json", b"{"), "is not an index of pieces, which has a weight_map"),
        (
            lambda path: written(path / "x.index.json", b'{"weight_map": {"a": "../secret.safetensors"}}'),
            "names '../secret.safetensors', which is not a file in the same folder",
        ),
        (
            lambda path: written(path / "x.index.json", b'{"weight_map": {"a": "b.safetensors"}}'),
            "b.safetensors: cannot",
        ),
        (
            lambda path: written(path / "a.pkl", pickle.dumps({"a": np.array([{}])})),
            "is a pickle that torch.save did not",
        ),
        (
            lambda path: written(path / "a.pkl", pickle.dumps({"a": np.ones(9)})[:-20]),
            "cannot be read, as it is damaged",
        ),
        (lambda path: {}, "the mapping holds no tensors"),
        (lambda path: {"a": torch.ones(2).to_sparse(), "b": torch.ones(2)}, "not the weights of net"),
    ],
)
def test_what_cannot_be_read_is_one_line(make: Any, said: str, tmp_path: Path) -> None:
    assert said in refused(ours(), make(tmp_path))


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def in_itself() -> list[Any]:
    found: list[Any] = [np.ones(2)]
    found.append(found)
    return found


@each(
    ("value", "said"),
    [
        (in_itself(), "is nested deeper than 8 levels, or has more than 200,000 entries"),
        ([np.ones(2), [[[[]] * 60] * 60] * 60], "is nested deeper than 8 levels, or has more than 200,000 entries"),
        ([np.ones(2**10)] * 2000, "bytes of weights in a file of"),
        ({"a": np.array(["x"]), "b": np.array([object()], object)}, "holds a pickled builtins.object"),
    ],
)
def test_a_pickle_that_was_made_to_exhaust_something(value: Any, said: str, tmp_path: Path) -> None:
    assert said in refused(ours(), written(tmp_path / "a.pkl", pickle.dumps(value)))


def test_an_array_that_is_not_what_it_claims(tmp_path: Path) -> None:
    """A shape that its bytes do not have, in a pickle that is otherwise whole."""
    data = pickle.dumps({"a": np.ones((2, 3))}, 2)
    shape = pickle.dumps((2, 3), 2)[2:-1].replace(b"q\x00", b"")
    assert data.count(b"K\x02K\x03") == 1, shape
    path = written(tmp_path / "a.pkl", data.replace(b"K\x02K\x03", b"K\x02K\x09"))
    assert "a claims numbers that the file does not hold: it is damaged or cut off" in refused(ours(), path)


def test_an_odd_tensor_that_is_wanted_is_refused_and_another_is_left_out(net: Net, tmp_path: Path) -> None:
    state = {**net.state_dict(), "mask": torch.ones(3).to_sparse()}
    torch.save(state, tmp_path / "a.pt")
    assert "unused: mask ()" in refused(ours(), tmp_path / "a.pt", MAP)
    zoo.load_weights(ours(), tmp_path / "a.pt", {**MAP, "leave_out": ["mask"]})
    state["out.bias"] = state["out.bias"].to_sparse()
    torch.save(state, tmp_path / "a.pt")
    said = refused(ours(), tmp_path / "a.pt", {**MAP, "leave_out": ["mask"]})
    assert "out.bias is a sparse tensor: only ordinary tensors can be read" in said


def test_what_is_no_model_or_has_no_numbers() -> None:
    with pytest.raises(ZooError, match="a GRU is no model that zoo built"):
        zoo.load_weights(nn.GRU(2, 3), {"a": torch.ones(2)})  # type: ignore[arg-type]
    meta = zoo.build(SPEC, device="meta")
    with pytest.raises(ZooError, match=r"is on the device meta, without numbers: zoo\.materialise gives it some"):
        zoo.load_weights(meta, ours().state_dict())
    with pytest.raises(ZooError, match="a checkpoint is a path or a mapping of names to tensors, not a int"):
        zoo.load_weights(ours(), 3)  # type: ignore[arg-type]
    with pytest.raises(ZooError, match="prefix must be text, not 3"):
        zoo.load_weights(ours(), ours().state_dict(), prefix=3)  # type: ignore[arg-type]


def test_the_bytes_of_a_file_are_read_and_not_trusted() -> None:
    """A number for the shape that no memory holds is refused before any memory is taken."""
    held = io.BytesIO()
    np.lib.format.write_array_header_1_0(held, {"descr": "<f4", "fortran_order": False, "shape": (2**40,)})
    with pytest.raises(ZooError, match="claims numbers that the file does not hold"):
        _array(held.getvalue(), "a.npy")
