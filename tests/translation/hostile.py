"""Files that are damaged, odd or made to harm, of every format that is read: each one as a function of a folder."""

from __future__ import annotations

import io
import json
import os
import pickle
import socket
import struct
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

Maker = Callable[[Path], None]
GIGABYTE = 10**9
CANARY = "canary"
"""The file that code in a pickle would write."""


# Whole ones, which the others are made of.


def torch_bytes(value: Any = None, **keys: Any) -> bytes:
    file = io.BytesIO()
    torch.save(nn.LSTM(3, 4).state_dict() if value is None else value, file, **keys)
    return file.getvalue()


def safetensors_bytes(tensors: dict[str, torch.Tensor] | None = None) -> bytes:
    header: dict[str, Any] = {}
    data = b""
    kinds = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16"}
    for name, value in (nn.LSTM(3, 4).state_dict() if tensors is None else tensors).items():
        raw = value.contiguous().view(torch.uint8).numpy().tobytes()
        header[name] = {
            "dtype": kinds[value.dtype],
            "shape": list(value.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    return with_header(json.dumps(header).encode(), data)


def with_header(header: bytes, data: bytes = b"") -> bytes:
    return len(header).to_bytes(8, "little") + header + data


def onnx_model(
    op: str = "LSTM", inputs: tuple[str, ...] = ("X", "W", "R", "B"), dtype: Any = np.float32, **attributes: Any
) -> Any:
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[op]
    rng = np.random.default_rng(1)
    shapes = {"W": (1, gates * 4, 3), "R": (1, gates * 4, 4), "B": (1, gates * 8), "P": (1, 12), "initial_h": (1, 3, 4)}
    held = [numpy_helper.from_array(rng.standard_normal(shapes[n]).astype(dtype), n) for n in inputs if n in shapes]
    node = helper.make_node(op, list(inputs), ["Y"], name="rnn", **{"hidden_size": 4, **attributes})
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("X", helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), ["T", "B", 3])],
        [helper.make_tensor_value_info("Y", helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), None)],
        held,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)


def keras_config(kind: str = "LSTM", name: str = "rnn", **options: Any) -> dict[str, Any]:
    config = {"name": name, "units": 4, "use_bias": True, "activation": "tanh", "return_sequences": True}
    if kind != "SimpleRNN":
        config["recurrent_activation"] = "sigmoid"
    layer = {"module": "keras.layers", "class_name": kind, "config": {**config, **options}}
    return {"class_name": "Sequential", "config": {"name": "s", "layers": [layer]}}


def keras_h5(write: Callable[[Any], None] | None = None) -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as h5:
        rng = np.random.default_rng(2)
        if write is not None:
            write(h5)
        else:
            group = h5.create_group("layers/lstm/cell/vars")
            for index, shape in enumerate(((3, 16), (4, 16), (16,))):
                group[str(index)] = rng.standard_normal(shape).astype(np.float32)
    return file.getvalue()


def keras_bytes(config: Any = None, weights: bytes | None = None, **members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        said = keras_config() if config is None else config
        archive.writestr("config.json", said if isinstance(said, bytes) else json.dumps(said))
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", keras_h5() if weights is None else weights)
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def npz_bytes(about: Any, **arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays, about=np.array(about if isinstance(about, str) else json.dumps(about)))
    return file.getvalue()


def whole() -> dict[str, bytes]:
    """One good file of each format, by name."""
    gru = [{"class_name": "GRU", "options": {"units": 4}, "merge_mode": None}]
    arrays = {"0.0": np.ones((3, 12)), "0.1": np.ones((4, 12)), "0.2": np.ones((2, 12))}
    return {
        "a.pt": torch_bytes(),
        "legacy.pt": torch_bytes(_use_new_zipfile_serialization=False),
        "a.safetensors": safetensors_bytes(),
        "a.onnx": onnx_model().SerializeToString(),
        "a.keras": keras_bytes(),
        "a.h5": keras_h5(_whole_model),
        "a.npz": npz_bytes(gru, **arrays),
    }


def _whole_model(h5: Any) -> None:
    h5.attrs["model_config"] = json.dumps(keras_config())
    group = h5.create_group("model_weights/rnn")
    names = ("kernel", "recurrent_kernel", "bias")
    group.attrs["weight_names"] = [f"rnn/{name}" for name in names]
    for name, shape in zip(names, ((3, 16), (4, 16), (16,)), strict=True):
        group[f"rnn/{name}"] = np.ones(shape, np.float32)


# What is made of them: each gives (name, maker).


def damaged() -> Iterator[tuple[str, Maker]]:
    """Cut off, empty, overwritten, or of another format than the name says."""
    for name, data in whole().items():
        for part in (0.02, 0.3, 0.6, 0.95):
            yield f"cut-{part}-{name}", put(data[: int(len(data) * part)])
        middle = len(data) // 2
        yield f"zeros-{name}", put(data[:middle] + bytes(200) + data[middle + 200 :])
        yield f"ones-{name}", put(data[:40] + b"\xff" * 400 + data[440:])
        yield f"tail-{name}", put(data + b"\xff" * 10_000)
    rng = np.random.default_rng(3)
    for ending in ("pt", "safetensors", "onnx", "keras", "h5", "npz"):
        yield f"empty.{ending}", put(b"")
        yield f"noise.{ending}", put(rng.bytes(5000))
        yield f"text.{ending}", put(b"weights, he said\n" * 50)
        yield f"nulls.{ending}", put(bytes(100_000))
    for magic in (b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"\x80\x02", b"\x08\x00\x00\x00\x00\x00\x00\x00{"):
        yield f"magic-{magic[:2].hex()}.pt", put(magic + rng.bytes(3000))
    yield "a-gif.pt", put(b"GIF89a" + bytes(1000))


def not_files() -> Iterator[tuple[str, Maker]]:
    for ending in ("pt", "onnx", "h5"):
        yield f"pipe.{ending}", lambda path: os.mkfifo(path)
        yield f"folder.{ending}", lambda path: path.mkdir()
    yield "zero.pt", lambda path: path.symlink_to("/dev/zero")
    yield "nothing.pt", lambda path: path.symlink_to("nowhere")
    yield "round.pt", lambda path: path.symlink_to(path.name)
    yield "socket.pt", _socket
    yield "missing.pt", lambda path: None
    yield "secret.pt", _unreadable


def pickles() -> Iterator[tuple[str, Maker]]:
    """Code, and programs of a pickle that are made to take long."""
    lstm = nn.LSTM(3, 4).state_dict()

    class Runs:
        def __init__(self, function: Any, *words: Any) -> None:
            self.words = function, words

        def __reduce__(self) -> Any:
            return self.words

    touch = f"open({CANARY!r}, 'w').close()"
    for name, runs in (
        ("system", Runs(os.system, f"touch {CANARY}")),
        ("exec", Runs(exec, touch)),
        ("eval", Runs(eval, touch)),
        ("open", Runs(open, CANARY, "w")),
        ("getattr", Runs(getattr, "text", "upper")),
        ("import", Runs(__import__, "antigravity")),
        ("load", Runs(torch.load, CANARY)),
        ("partial", Runs(__import__("functools").partial, os.system)),
    ):
        for zipped in (True, False):
            kind = "" if zipped else "-legacy"
            yield f"{name}-alone{kind}.pt", put(_saved(runs, zipped))
            yield f"{name}-beside{kind}.pt", put(_saved({"state_dict": lstm, "callback": runs}, zipped))
        yield f"{name}.pkl", put(pickle.dumps(runs))
    yield "module.pt", put(torch_bytes(nn.LSTM(3, 4)))
    yield "net.pt", put(torch_bytes(nn.Sequential(nn.Linear(3, 3), nn.GRU(3, 4))))
    nested: Any = lstm
    for _ in range(3000):
        nested = [nested]
    yield "deep.pt", put(_zip_of_pickle(b"\x80\x02" + b"]" * 300_000 + b"a" * 299_999 + b"."))
    yield "deep-dicts.pt", put(_zip_of_pickle(_deep_dicts(2000)))
    yield "many.pt", put(_zip_of_pickle(b"\x80\x02" + b"]" * 2_000_000 + b"0" * 1_999_999 + b"."))
    yield "memo.pt", put(_zip_of_pickle(b"\x80\x02}r\xff\xff\xff\x7f."))
    yield "laughs.pt", put(_zip_of_pickle(_laughs()))
    yield "long-int.pt", put(_zip_of_pickle(b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"\x01" * 100 + b"."))
    yield "long-text.pt", put(_zip_of_pickle(b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"a."))
    yield "decimal-int.pt", put(_zip_of_pickle(b"I" + b"9" * 4_000_000 + b"\n."))
    yield "no-stop.pt", put(_zip_of_pickle(b"\x80\x02}"))
    yield "stack.pt", put(_zip_of_pickle(b"\x80\x02R."))
    yield "extension.pt", put(_zip_of_pickle(b"\x80\x02\x82\x01."))
    yield "build.pt", put(_zip_of_pickle(b"\x80\x02ccollections\nOrderedDict\n)R}X\x05\x00\x00\x00itemsK\x01sb."))
    yield "jit.pt", _jit


def tensors() -> Iterator[tuple[str, Maker]]:
    """State dicts that are no weights, or claim what they do not hold."""
    lstm = nn.LSTM(3, 4).state_dict()

    def changed(**values: Any) -> bytes:
        return torch_bytes(OrderedDict({**lstm, **values}))

    def expanded(name: str) -> torch.Tensor:
        return torch.zeros(1).expand(*((80_000, 20_000) if "weight" in name else (80_000,)))

    big = {name: expanded(name) for name in lstm}
    yield "stride-0.pt", put(torch_bytes(OrderedDict(big)))
    yield "stride-0-legacy.pt", put(torch_bytes(OrderedDict(big), _use_new_zipfile_serialization=False))
    yield "stride-0-beside.pt", put(torch_bytes({"state_dict": OrderedDict(big), "epoch": 3}))
    one = torch.randn(4 * 500, 500)
    shared = OrderedDict((f"{what}_l{layer}", one if "weight" in what else one[:, 0]) for layer in range(900) for what in ("weight_ih", "weight_hh"))  # fmt: skip
    yield "shared.pt", put(torch_bytes(shared))
    for name, value in (
        ("nan", torch.full((16, 3), float("nan"))),
        ("infinite", torch.full((16, 3), float("inf"))),
        ("complex", torch.zeros(16, 3, dtype=torch.complex64)),
        ("integers", torch.zeros(16, 3, dtype=torch.int64)),
        ("booleans", torch.zeros(16, 3, dtype=torch.bool)),
        ("float8", torch.zeros(16, 3, dtype=torch.float8_e4m3fn)),
        ("sparse", torch.eye(16, 3).to_sparse()),
        ("sparse-csr", _quiet(lambda: torch.eye(16, 3).to_sparse_csr())),
        ("quantised", _quiet(lambda: torch.quantize_per_tensor(torch.randn(16, 3), 0.1, 0, torch.qint8))),
        ("meta", torch.zeros(16, 3, device="meta")),
        ("nothing", torch.zeros(0, 3)),
        ("scalar", torch.tensor(1.0)),
        ("flat", torch.zeros(16)),
        ("cube", torch.zeros(16, 3, 1)),
        ("wide", torch.zeros(16, 5)),
        ("rows", torch.zeros(15, 3)),
        ("text", "weights"),
        ("none", None),
        ("expanded", torch.zeros(16, 1).expand(16, 3)),
        ("conjugated", torch.zeros(16, 3, dtype=torch.complex64).conj()),
    ):
        yield f"{name}.pt", put(changed(weight_ih_l0=value))
    yield "missing-bias.pt", put(torch_bytes(OrderedDict((k, v) for k, v in lstm.items() if k != "bias_hh_l0")))
    yield "missing-recurrent.pt", put(torch_bytes(OrderedDict((k, v) for k, v in lstm.items() if k != "weight_hh_l0")))
    yield "one-too-many.pt", put(changed(weight_hh_l0_raw=torch.zeros(3)))
    yield "layer-9999.pt", put(changed(weight_ih_l9999=torch.zeros(3)))
    yield "subclass.pt", put(changed(weight_ih_l0=nn.Parameter(torch.zeros(16, 3)).as_subclass(_Subclass)))
    yield "one-tensor.pt", put(torch_bytes(torch.zeros(3)))
    yield "list.pt", put(torch_bytes([torch.zeros(3)]))
    yield "empty-dict.pt", put(torch_bytes({}))
    yield "numbers.pt", put(torch_bytes({"epoch": 3, "loss": 0.1}))
    yield "linear.pt", put(torch_bytes(nn.Linear(3, 4).state_dict()))
    yield "rnn.pt", put(torch_bytes(nn.RNN(3, 4).state_dict()))
    yield "two.pt", put(torch_bytes(nn.ModuleDict({"a": nn.GRU(3, 4), "b": nn.LSTM(3, 4)}).state_dict()))
    yield "parametrised.pt", put(torch_bytes(nn.utils.parametrizations.spectral_norm(nn.GRU(3, 4), "weight_hh_l0").state_dict()))  # fmt: skip
    yield "bytes-keys.pt", put(torch_bytes({b"weight_ih_l0": torch.zeros(4, 4), 3: torch.zeros(3)}))
    many = {f"n{index}": 0 for index in range(250_000)}
    yield "many-keys.pt", put(torch_bytes(many))


def archives() -> Iterator[tuple[str, Maker]]:
    """Zip files that unpack to far more than they are, and worse."""
    for name in ("data.pkl", "archive/data.pkl"):
        yield f"bomb-{name.replace('/', '-')}.pt", _bomb(name)
    yield "bomb.keras", _bomb("config.json", "model.weights.h5")
    yield "bomb-h5.keras", _bomb("model.weights.h5", "config.json")
    yield "bomb.npz", _bomb("about.npy")
    yield "entries.pt", _entries("")
    yield "entries.npz", _entries(".npy")
    yield "traversal.keras", put(keras_bytes(**{"../../escaped": b"x", "/etc/escaped": b"x"}))
    yield "two-roots.pt", put(_zip({"a/data.pkl": b"", "b/data.pkl": b""}))
    yield "no-pickle.pt", put(_zip({"a/data/0": b""}))
    yield "byteorder.pt", put(_zip({"a/data.pkl": pickle.dumps({}), "a/byteorder": b"middle"}))
    huge = io.BytesIO()
    np.lib.format.write_array_header_1_0(huge, {"shape": (10**6, 10**6), "fortran_order": False, "descr": "<f8"})  # type: ignore[arg-type]
    yield "claims.npz", put(_zip({"0.0.npy": huge.getvalue(), "about.npy": _npy("[]")}))
    yield "objects.npz", put(_objects())
    yield "about-nothing.npz", put(npz_bytes([{}]))
    yield "about-text.npz", put(npz_bytes("not json"))
    yield "about-deep.npz", put(npz_bytes("[" * 100_000))
    yield "about-other.npz", put(npz_bytes([{"op_type": "Conv", "attributes": {}}]))
    yield "about-odd.npz", put(npz_bytes([{"op_type": "GRU", "attributes": {"hidden_size": 1e308}}]))
    yield "about-wrong.npz", put(npz_bytes([{"class_name": "GRU", "options": {"units": -1}, "merge_mode": 3}]))


def headers() -> Iterator[tuple[str, Maker]]:
    """Of safetensors."""
    entry = {"dtype": "F32", "shape": [16, 3], "data_offsets": [0, 192]}
    for name, length in (("huge", 2**63), ("long", 10**8), ("past", 5000), ("none", 0)):
        yield f"header-{name}.safetensors", put(length.to_bytes(8, "little") + b"{}" + bytes(100))
    for name, header in (
        ("deep", b'{"a":' * 200_000),
        ("list", b"[]"),
        ("text", b'"a"'),
        ("flat", b'{"a": 3}'),
        ("empty", b"{}"),
        ("binary", b"{\xff\xfe"),
    ):
        yield f"{name}.safetensors", put(with_header(header, bytes(300)))
    for name, wrong in (
        ("negative", {"shape": [-16, 3]}),
        ("giant", {"shape": [2**40, 2**20]}),
        ("overflow", {"shape": [2**33, 2**33, 2**33]}),
        ("short", {"data_offsets": [0, 4]}),
        ("beyond", {"data_offsets": [10**12, 10**12 + 192]}),
        ("backwards", {"data_offsets": [192, 0]}),
        ("float-shape", {"shape": [16.0, 3]}),
        ("text-shape", {"shape": "16"}),
        ("no-shape", {"shape": None}),
        ("unknown", {"dtype": "F8_E4M3"}),
        ("no-dtype", {"dtype": None}),
        ("list-dtype", {"dtype": ["F32"]}),
        ("many-dims", {"shape": [1] * 100_000}),
    ):
        names = ("weight_ih_l0", "weight_hh_l0")
        yield (
            f"{name}.safetensors",
            put(with_header(json.dumps({one: {**entry, **wrong} for one in names}).encode(), bytes(500))),
        )
    giant = {f"weight_ih_l{index}": entry for index in range(100_000)}
    yield "names.safetensors", put(with_header(json.dumps(giant).encode(), bytes(192)))


def graphs() -> Iterator[tuple[str, Maker]]:
    """Of ONNX."""
    for name, model in (
        ("clip", onnx_model(clip=3.0)),
        ("alpha", onnx_model(activation_alpha=[0.1])),
        ("beta", onnx_model(activation_beta=[0.1])),
        ("hard", onnx_model(activations=["HardSigmoid", "Tanh", "Tanh"])),
        ("coupled", onnx_model(input_forget=1)),
        ("batch-first", onnx_model(layout=1)),
        ("sideways", onnx_model(direction="sideways")),
        ("both", onnx_model(direction="bidirectional")),
        ("unknown", onnx_model(colour="green")),
        ("width", onnx_model(hidden_size=5)),
        ("lengths", onnx_model(inputs=("X", "W", "R", "B", "lengths"))),
        ("state", onnx_model(inputs=("X", "W", "R", "B", "", "initial_h"))),
        ("no-weights", onnx_model(inputs=("X", "", ""))),
        ("unset", onnx_model(inputs=("X", "A", "R"))),
        ("inputs", onnx_model(inputs=("X", "W", "R", "B", "", "", "", "P", "Q"))),
        ("gru-peephole", onnx_model("GRU", inputs=("X", "W", "R", "B", "", "", "", "P"))),
    ):
        yield f"{name}.onnx", put(model.SerializeToString())
    yield "no-nodes.onnx", put(helper.make_model(helper.make_graph([], "g", [], [])).SerializeToString())
    yield "no-recurrence.onnx", put(_other_graph().SerializeToString())
    yield "ring.onnx", put(_ring().SerializeToString())
    yield "giant.onnx", put(_claiming([10**6, 10**6, 3]).SerializeToString())
    yield "negative.onnx", put(_claiming([-1, 16, 3]).SerializeToString())
    yield "short-raw.onnx", put(_claiming([1, 16, 3]).SerializeToString())
    yield "fills.onnx", put(_filling().SerializeToString())
    for name, location, offset in (
        ("passwd", "/etc/passwd", 0),
        ("above", "../above.bin", 0),
        ("zero", "/dev/zero", 0),
        ("offset", "data.bin", 10**9),
        ("missing", "none.bin", 0),
    ):
        yield f"external-{name}.onnx", put(_external(location, offset).SerializeToString())
    node = b"\x0a\x00"  # an empty node
    yield "nodes.onnx", put(_field(7, node * 8_000_000))
    yield "strings.onnx", put(_field(7, _field(1, node * 8_000_000)))
    yield "tensors.onnx", put(_field(7, b"\x2a\x00" * 8_000_000))
    nested = b""
    for _ in range(3000):
        nested = _field(7, _field(1, _field(5, _field(6, nested))))[:200_000]
    yield "nested.onnx", put(nested)
    yield "varint.onnx", put(b"\x08" + b"\xff" * 11)


def layers() -> Iterator[tuple[str, Maker]]:
    """Of Keras: configurations, and HDF5."""
    for name, options in (
        ("stateful", {"stateful": True}),
        ("time-major", {"time_major": True}),
        ("back", {"go_backwards": True}),
        ("relu", {"activation": "relu"}),
        ("hard", {"recurrent_activation": "hard_sigmoid"}),
        ("function", {"activation": {"class_name": "function", "config": "mine"}}),
        ("units", {"units": 5}),
        ("units-text", {"units": "4"}),
        ("biases", {"use_bias": False}),
        ("unknown", {"colour": "green"}),
    ):
        yield f"{name}.keras", put(keras_bytes(keras_config(**options)))
    code = {
        "class_name": "Lambda",
        "config": {"name": "l", "function": {"class_name": "__lambda__", "config": {"code": "YWJj"}}},
    }
    lambdas = keras_config()
    lambdas["config"]["layers"] = [code]
    yield "lambda.keras", put(keras_bytes(lambdas))
    around = {"class_name": "Bidirectional", "config": {"name": "b", "layer": code, "merge_mode": "concat"}}
    yield "lambda-both.keras", put(keras_bytes({"class_name": "Sequential", "config": {"layers": [around]}}))
    for name, text in (
        ("deep", b'{"config":' * 100_000),
        ("list", b"[]"),
        ("null", b"null"),
        ("own-class", b'{"class_name": "Net", "config": {}}'),
        ("no-layers", b'{"class_name": "Sequential", "config": {"layers": []}}'),
        ("odd-layers", b'{"class_name": "Sequential", "config": {"layers": [3]}}'),
        ("not-json", b"{'a': 1}"),
        ("not-utf8", b"\xff\xfe\x00"),
    ):
        yield f"config-{name}.keras", put(keras_bytes(text))
    nested = keras_config()
    for _ in range(50):
        nested = {"class_name": "Sequential", "config": {"name": "s", "layers": [nested]}}
    yield "config-nested.keras", put(keras_bytes(nested))
    yield "no-weights.keras", put(_zip({"config.json": json.dumps(keras_config()).encode()}))
    yield "no-h5.keras", put(keras_bytes(weights=b"weights"))
    for name, write in (
        ("giant", lambda h5: h5.create_dataset("layers/lstm/cell/vars/0", (10**6, 10**6), "f4", chunks=(1000, 1000))),
        ("packed", _packed),
        ("text", lambda h5: h5.create_dataset("layers/lstm/cell/vars/0", data="weights")),
        ("integers", lambda h5: [h5.create_dataset(f"layers/lstm/cell/vars/{i}", data=np.ones((4, 16), int)) for i in (0, 1, 2)]),
        ("soft-link", lambda h5: h5.create_group("layers").__setitem__("lstm", h5py.SoftLink("/layers/lstm"))),
        ("external-link", lambda h5: h5.create_group("layers").__setitem__("lstm", h5py.ExternalLink("/etc/passwd", "/"))),
        ("external-data", lambda h5: h5.create_dataset("layers/lstm/cell/vars/0", (4, 16), "f4", external="/etc/passwd")),
        ("virtual", _virtual),
        ("loop", _loop),
        ("groups", lambda h5: [h5.create_group(f"layers/lstm/cell/vars/{i}") for i in range(3)]),
        ("shapes", lambda h5: [h5.create_dataset(f"layers/lstm/cell/vars/{i}", data=np.ones((i + 1, 3), "f4")) for i in range(3)]),
        ("nan", lambda h5: [h5.create_dataset(f"layers/lstm/cell/vars/{i}", data=np.full(s, np.nan, "f4")) for i, s in enumerate(((3, 16), (4, 16), (16,)))]),
        ("empty", lambda h5: None),
    ):  # fmt: skip
        yield f"h5-{name}.keras", put(keras_bytes(weights=keras_h5(write)))
        yield f"alone-{name}.h5", put(keras_h5(write))


def all_files() -> list[tuple[str, Maker]]:
    makers = (damaged, not_files, pickles, tensors, archives, headers, graphs, layers)
    return [(f"{maker.__name__}-{name}", make) for maker in makers for name, make in maker()]


# Parts.


def put(data: bytes) -> Maker:
    def make(path: Path) -> None:
        path.write_bytes(data)

    return make


def _quiet(make: Callable[[], Any]) -> Any:
    """Kinds of tensors that torch itself warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


class _Subclass(nn.Parameter):
    pass


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        here = Path.cwd()
        os.chdir(path.parent)  # the name of a socket is short
        try:
            made.bind(path.name)
        finally:
            os.chdir(here)


def _unreadable(path: Path) -> None:
    path.write_bytes(torch_bytes({}))
    path.chmod(0)


def _jit(path: Path) -> None:
    names = {"a/data.pkl": pickle.dumps({}), "a/constants.pkl": pickle.dumps(()), "a/code/net.py": b"import os"}
    path.write_bytes(_zip(names))


def _zip(members: dict[str, bytes], *, packed: bool = True) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def _bomb(name: str, *others: str) -> Maker:
    """300 MB in 300 KB."""

    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for other in others:
                archive.writestr(other, "{}")
            with archive.open(name, "w", force_zip64=True) as member:
                for _ in range(300):
                    member.write(bytes(10**6))

    return make


def _entries(ending: str) -> Maker:
    """More members than any file of weights has."""

    def make(path: Path) -> None:
        path.write_bytes(_zip({f"{index}{ending}": b"" for index in range(60_000)}, packed=False))

    return make


def _zip_of_pickle(program: bytes) -> bytes:
    return _zip({"a/data.pkl": program, "a/byteorder": b"little"})


def _saved(value: Any, zipped: bool) -> bytes:
    """As torch.save writes it, but by a pickle that takes anything."""
    return torch_bytes(value, _use_new_zipfile_serialization=zipped)


def _deep_dicts(depth: int) -> bytes:
    return b"\x80\x02" + b"}X\x01\x00\x00\x00a" * depth + b"}" + b"s" * depth + b"."


def _laughs() -> bytes:
    """Dicts of the same dict twice, fifty deep: small as a program, and endless to walk through."""
    program = b"\x80\x02}q\x00"
    for index in range(50):
        program += b"}q" + bytes([index + 1])
        for key in (b"a", b"b"):
            program += b"X\x01\x00\x00\x00" + key + b"h" + bytes([index]) + b"s"
    return program + b"."


def _npy(value: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array(value))
    return file.getvalue()


def _objects() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    return _zip({"0.0.npy": file.getvalue(), "about.npy": _npy("[]")})


def _field(number: int, data: bytes) -> bytes:
    """A field of protobuf that holds bytes."""
    key, length = number << 3 | 2, len(data)
    found = bytearray()
    for value in (key, length):
        while value > 127:
            found.append(value & 127 | 128)
            value >>= 7
        found.append(value)
    return bytes(found) + data


def _other_graph() -> Any:
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "ab"]
    return helper.make_model(helper.make_graph([helper.make_node("Relu", ["a"], ["b"])], "g", info[:1], info[1:]))


def _ring() -> Any:
    model = onnx_model()
    model.graph.node[0].input[0] = "T"
    model.graph.node.append(helper.make_node("Identity", ["S"], ["T"]))
    model.graph.node.append(helper.make_node("Identity", ["T"], ["S"]))
    return model


def _claiming(dims: list[int]) -> Any:
    model = onnx_model()
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend(dims)
    model.graph.initializer[0].raw_data = bytes(8)
    return model


def _filling() -> Any:
    """A first state that is made by the graph itself, of a terabyte."""
    model = onnx_model(inputs=("X", "W", "R", "B", "", "H"))
    size = numpy_helper.from_array(np.array([10**6, 10**6], np.int64), "size")
    model.graph.initializer.append(size)
    model.graph.node.insert(0, helper.make_node("ConstantOfShape", ["size"], ["H"]))
    return model


def _external(location: str, offset: int) -> Any:
    model = onnx_model()
    tensor = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, location, offset, 192)
    tensor.ClearField("raw_data")
    return model


def _packed(h5: Any) -> None:
    for index, shape in enumerate(((3, 160_000), (40_000, 160_000), (160_000,))):
        made = h5.create_dataset(
            f"layers/lstm/cell/vars/{index}",
            shape,
            "f4",
            compression="gzip",
            chunks=tuple(min(1000, one) for one in shape),
        )
        made[tuple(0 for _ in shape)] = 1


def _virtual(h5: Any) -> None:
    layout = h5py.VirtualLayout((4, 16), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "a", (4, 16))
    h5.create_virtual_dataset("layers/lstm/cell/vars/0", layout)


def _loop(h5: Any) -> None:
    group = h5.create_group("layers/lstm/cell")
    group["vars"] = h5["layers"]
    group["again"] = h5["layers"]
