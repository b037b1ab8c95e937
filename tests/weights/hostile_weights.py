"""Checkpoints of one small model that are whole but for one thing, of every format: what is wrong, and what is said of it."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from hostile import put, safetensors_bytes, torch_bytes, with_header
from onnx import TensorProto, helper, numpy_helper

Maker = Callable[[Path], None]
Rows = dict[str, tuple[Maker, str]]
"""By the name of the file: how it is made, and a part of the line that it gets."""

SHAPES = {"weight_ih": (12, 3), "weight_hh": (12, 4), "bias_ih": (12,), "bias_hh": (12,)}
FIRST, SECOND, BIAS = (f"layers.0.cell.{name}" for name in ("weight_ih", "weight_hh", "bias_ih"))


def arrays(**changed: Any) -> dict[str, Any]:
    """The model's tensors by name: ascending numbers. A change is by the short name; None leaves one out."""
    made = {name: np.arange(np.prod(shape), dtype=np.float32).reshape(shape) / 8 for name, shape in SHAPES.items()}
    return {f"layers.0.cell.{name}": one for name, one in {**made, **changed}.items() if one is not None}


def tensors(**changed: Any) -> dict[str, Any]:
    """The same for torch."""
    plain = arrays(**changed)
    return {name: torch.from_numpy(one) if isinstance(one, np.ndarray) else one for name, one in plain.items()}


# safetensors


def header(change: Callable[[dict[str, Any]], Any]) -> Maker:
    """A whole file whose header was changed."""
    data = safetensors_bytes(tensors())
    length = int.from_bytes(data[:8], "little")
    said = json.loads(data[8 : 8 + length])
    change(said)
    return put(with_header(json.dumps(said).encode(), data[8 + length :]))


def entry(**changed: Any) -> Maker:
    return header(lambda said: said[FIRST].update(changed))


def twice() -> bytes:
    """A key that stands twice, of which readers take the first or the last."""
    data = safetensors_bytes(tensors())
    length = int.from_bytes(data[:8], "little")
    first = data[8 : 8 + length]
    return with_header(first[:-1] + b', "' + FIRST.encode() + b'"' + first[first.index(b":") :], data[8 + length :])


def floods() -> bytes:
    """A header of fifteen megabytes that takes thirty times that as objects."""
    return with_header(b'{"__metadata__": {"a": "b"}, "a": [' + b"{}," * 5_000_000 + b"{}]}", bytes(100))


CELL = ("layers.0.cell",)
SAFETENSORS: Rows = {
    "header-length.safetensors": (put((2**63 + 5).to_bytes(8, "little") + b"{}" + bytes(100)), "claims a header of"),
    "header-beyond.safetensors": (put((5000).to_bytes(8, "little") + b"{" + bytes(100)), "claims a header of 5,000"),
    "header-flood.safetensors": (put(floods()), "not valid safetensors"),
    "header-deep.safetensors": (put(with_header(b'{"a":' * 10**6)), "nested too deeply"),
    "header-number.safetensors": (put(with_header(b'{"a": ' + b"9" * 10**6 + b"}")), "damaged"),
    "offsets-overlap.safetensors": (entry(data_offsets=[4, 148]), "overlap"),
    "offsets-same.safetensors": (header(lambda said: said[BIAS].update(data_offsets=[0, 48])), "overlap"),
    "offsets-beyond.safetensors": (entry(data_offsets=[10**9, 10**9 + 144]), "does not hold"),
    "offsets-backwards.safetensors": (entry(data_offsets=[144, 0]), "does not hold"),
    "offsets-three.safetensors": (entry(data_offsets=[0, 144, 144]), "does not hold"),
    "key-twice.safetensors": (put(twice()), f"has {FIRST} twice"),
    "shape-huge.safetensors": (entry(shape=[2**40, 2**40]), "does not hold"),
    "shape-too-huge.safetensors": (entry(shape=[10**30, 0]), "cannot be"),
    "shape-negative.safetensors": (entry(shape=[-12, -3]), "cannot be"),
    "shape-truth.safetensors": (entry(shape=[True, 36]), "cannot be"),
    "dtype-unknown.safetensors": (entry(dtype="F6_E2M3"), f"{FIRST} is a F6_E2M3"),
    "dtype-list.safetensors": (entry(dtype=["F32"]), "damaged"),
    "dtype-integers.safetensors": (entry(dtype="I32"), f"{FIRST} is int32 in the file, and float32 in the model"),
    "name-lines.safetensors": (
        header(lambda said: said.update({"a\nb\x1b[31m\u202e": {**said[BIAS], "shape": [0], "data_offsets": [0, 0]}})),
        r"unused a\nb\x1b[31m\u202e (0,)",
    ),
    "name-long.safetensors": (
        header(lambda said: said.update({"a" * 10**6: {**said[BIAS], "shape": [0], "data_offsets": [0, 0]}})),
        "unused aaa",
    ),
    "names-many.safetensors": (
        header(lambda said: said.update({f"n{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(60_000)})),
        "59,996 more",
    ),
    "nan.safetensors": (put(safetensors_bytes(tensors(bias_ih=np.full(12, np.nan, np.float32)))), "12 NaN"),
    "infinite.safetensors": (put(safetensors_bytes(tensors(bias_ih=np.full(12, -np.inf, np.float32)))), "12 infinite"),
    "other-shape.safetensors": (put(safetensors_bytes(tensors(bias_ih=np.zeros(11, np.float32)))), "is (11,) and not (12,)"),
    "missing.safetensors": (put(safetensors_bytes(tensors(bias_ih=None))), f"missing {BIAS} (12,)"),
}  # fmt: skip


# Pieces, with the index that names them


def pieces(index: Any, **files: bytes) -> Maker:
    """An index, and pieces beside it that have their names without an ending here."""

    def make(path: Path) -> None:
        for name, data in files.items():
            (path.parent / f"{name}.safetensors").write_bytes(data)
        path.write_bytes(index if isinstance(index, bytes) else json.dumps({"weight_map": index}).encode())

    return make


def halves() -> tuple[bytes, bytes]:
    held = list(tensors().items())
    return safetensors_bytes(dict(held[:2])), safetensors_bytes(dict(held[2:]))


ONE, TWO = halves()
RIGHT = {name: f"{'one' if number < 2 else 'two'}.safetensors" for number, name in enumerate(arrays())}


def _linked(to: str) -> Maker:
    def make(path: Path) -> None:
        (path.parent / "one.safetensors").symlink_to(to)
        (path.parent / "two.safetensors").write_bytes(TWO)
        path.write_text(json.dumps({"weight_map": RIGHT}))

    return make


def _pipe(path: Path) -> None:
    os.mkfifo(path.parent / "one.safetensors")
    (path.parent / "two.safetensors").write_bytes(TWO)
    path.write_text(json.dumps({"weight_map": RIGHT}))


PIECES: Rows = {
    "above.index.json": (pieces({FIRST: "../one.safetensors"}), "is not a file in the same folder"),
    "root.index.json": (pieces({FIRST: "/etc/passwd"}), "is not a file in the same folder"),
    "dots.index.json": (pieces({FIRST: ".."}), "is not a file in the same folder"),
    "lines.index.json": (pieces({FIRST: "a\nb/c"}), r"names 'a\\nb/c'"),
    "null.index.json": (pieces({FIRST: "a\0b"}), "cannot be read"),
    "numbers.index.json": (pieces({FIRST: 3}), "is not a file in the same folder"),
    "mixed.index.json": (pieces({FIRST: 3, BIAS: "one.safetensors"}), "is not an index of pieces"),
    "empty.index.json": (pieces({}), "has 0 pieces"),
    "many.index.json": (pieces({f"n{i}": f"{i}.safetensors" for i in range(2000)}), "has 2,000 pieces"),
    "deep.index.json": (pieces(b'{"weight_map":' * 10**5), "is not an index of pieces"),
    "flood.index.json": (pieces(b'{"weight_map": [' + b"{}," * 20_000_000 + b"{}]}"), "is larger than any index"),
    "missing-piece.index.json": (pieces(RIGHT, one=ONE), "two.safetensors: cannot be read: No such file"),
    "in-no-piece.index.json": (
        pieces({**RIGHT, "layers.9.more": "one.safetensors"}, one=ONE, two=TWO),
        "says that one.safetensors holds layers.9.more, which it does not",
    ),
    "in-the-other-piece.index.json": (
        pieces({**RIGHT, FIRST: "two.safetensors"}, one=ONE, two=TWO),
        f"says that two.safetensors holds {FIRST}, which it does not",
    ),
    "piece-twice.index.json": (
        pieces({**RIGHT, "a": "three.safetensors"}, one=ONE, two=TWO, three=ONE),
        f"holds {FIRST}, which another piece holds too",
    ),
    "device.index.json": (_linked("/dev/zero"), "is a pipe, a device or a socket"),
    "round.index.json": (_linked("one.safetensors"), "cannot be read: Too many levels of symbolic links"),
    "pipe.index.json": (_pipe, "is a pipe, a device or a socket"),
    "cut-piece.index.json": (pieces(RIGHT, one=ONE[:-9], two=TWO), "cut off"),
}  # fmt: skip


# torch


class Runs:
    """What a pickle runs as it is loaded."""

    def __init__(self, function: Any, *words: Any) -> None:
        self.words = function, words

    def __reduce__(self) -> Any:
        return self.words


def rezipped(data: bytes, change: Callable[[dict[str, bytes]], Any]) -> Maker:
    """A file of torch with other members, packed so that zeros take no room."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    return zipped(members)


def zipped(members: Mapping[str, bytes] | list[tuple[str, bytes]]) -> Maker:
    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items() if isinstance(members, Mapping) else members:
                archive.writestr(name, data)

    return make


def storage(key: str, data: Callable[[bytes], bytes]) -> Maker:
    def change(members: dict[str, bytes]) -> None:
        members[f"archive/data/{key}"] = data(members[f"archive/data/{key}"])

    return rezipped(torch_bytes(OrderedDict(tensors())), change)


def pickle_of(old: bytes, new: bytes) -> Maker:
    """A file of torch whose pickle has other numbers of the same length."""

    def change(members: dict[str, bytes]) -> None:
        assert old in members["archive/data.pkl"], members["archive/data.pkl"]
        members["archive/data.pkl"] = members["archive/data.pkl"].replace(old, new, 1)

    return rezipped(torch_bytes(OrderedDict(tensors())), change)


def recorded() -> OrderedDict[str, Any]:
    """A state dict beside which stands a list of lists of lists, small in the file and endless in words."""
    state: Any = OrderedDict(tensors())
    laughs: Any = []
    for _ in range(24):
        laughs = [laughs, laughs]
    state._metadata = OrderedDict({"": {"version": 1, "zoo": {"distributions": laughs}}})
    return state  # type: ignore[no-any-return]


WHOLE = torch_bytes(OrderedDict(tensors()))
TORCH: Rows = {
    "runs.pt": (put(torch_bytes({**tensors(), "hook": Runs(os.system, "touch canary")})), "loading that runs code"),
    "runs-legacy.pt": (
        put(torch_bytes({**tensors(), "hook": Runs(exec, "open('canary', 'w')")}, _use_new_zipfile_serialization=False)),
        "loading that runs code",
    ),
    "bomb.pt": (storage("0", lambda data: data + bytes(300_000_000)), "exhaust memory"),
    "bombs.pt": (
        rezipped(torch_bytes({f"n{i}": torch.zeros(2_000_000) for i in range(60)}), lambda members: None),
        "exhaust memory",
    ),
    "cut.pt": (put(WHOLE[: len(WHOLE) // 2]), "damaged"),
    "cut-inside.pt": (storage("0", lambda data: data[:-4]), "claims more numbers than the file holds"),
    "odd-bytes.pt": (storage("0", lambda data: data[:-3]), "damaged"),
    "no-storage.pt": (rezipped(WHOLE, lambda members: members.pop("archive/data/0")), "damaged"),
    "program.pt": (
        rezipped(WHOLE, lambda members: members.update({"archive/constants.pkl": b"\x80\x02)."} | {"archive/data.pkl": b"\x80\x02cos\nsystem\nX\x0c\x00\x00\x00touch canary\x85R."})),
        "holds a pickled os.system",
    ),
    "strides.pt": (pickle_of(b"K\x0cK\x03\x86q\tK\x03K\x01\x86", b"K\x0cK\x03\x86q\tK\xffK\x01\x86"), "claims more numbers"),
    "offset.pt": (pickle_of(b"K$tq\x08QK\x00", b"K$tq\x08QK\xff"), "claims more numbers than the file holds"),
    "shape.pt": (pickle_of(b"K\x0cK\x03\x86q\t", b"K\xffK\xff\x86q\t"), "an expanded tensor"),
    "numel.pt": (pickle_of(b"K$tq\x08", b"K\x03tq\x08"), "an expanded tensor"),
    "expanded.pt": (put(torch_bytes(tensors(weight_hh=torch.zeros(12, 1).expand(12, 4)))), "an expanded tensor"),
    "legacy-cut.pt": (put(torch_bytes(tensors(), _use_new_zipfile_serialization=False)[:-9]), "it is cut off"),
    "tar.pt": (put(b"archive/data\0".ljust(257, b"\0") + b"ustar".ljust(255 + 512, b"\0")), "is not a file of weights"),
    "sparse.pt": (put(torch_bytes(tensors(bias_ih=torch.ones(12).to_sparse()))), f"{BIAS} is a sparse tensor"),
    "complex.pt": (put(torch_bytes(tensors(bias_ih=torch.ones(12) * 1j))), f"{BIAS} is complex in the file"),
    "truths.pt": (put(torch_bytes(tensors(bias_ih=torch.ones(12) > 0))), f"{BIAS} is bool in the file"),
    "bytes.pt": (put(torch_bytes(tensors(weight_hh=torch.ones(12, 4, dtype=torch.uint8)))), f"{SECOND} is uint8 in"),
    "float8.pt": (put(torch_bytes(tensors(bias_ih=torch.ones(12).to(torch.float8_e4m3fn)))), f"{BIAS} is a tensor of"),
    "names-lines.pt": (put(torch_bytes({**tensors(), "a\nb\x1b]0;c\x07": torch.zeros(2)})), r"unused a\nb\x1b]0;c\x07"),
    "members-twice.pt": (
        zipped([("a/data.pkl", b"\x80\x02}."), ("a/data.pkl", b"\x80\x02}q\x00.")]),
        "is a zip archive of",
    ),
}  # fmt: skip


# NumPy


def npy(array: Any, **changed: Any) -> bytes:
    """An array's file, with other claims in its header."""
    file = io.BytesIO()
    claims = {**np.lib.format.header_data_from_array_1_0(array), **changed}
    np.lib.format.write_array_header_1_0(file, claims)
    return file.getvalue() + array.tobytes("A")


def npz(change: Mapping[str, bytes] | None = None, **changed: Any) -> Maker:
    members = {f"{name}.npy": npy(one) for name, one in arrays(**changed).items()}
    return zipped({**members, **(change or {})})


def _objects() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([Runs(os.system, "touch canary")], dtype=object), allow_pickle=True)
    return file.getvalue()


NPZ: Rows = {
    "objects.npz": (npz({"more.npy": _objects()}), "more.npy: claims numbers that the file does not hold"),
    "bomb.npz": (npz({"more.npy": npy(np.zeros(40_000_000))}), "exhaust memory"),
    "lies.npz": (npz({f"{FIRST}.npy": npy(np.zeros(36, "f4"), shape=(12, 4))}), "does not hold"),
    "huge.npz": (npz({f"{FIRST}.npy": npy(np.zeros(36, "f4"), shape=(10**9, 10**9))}), "does not hold"),
    "overflow.npz": (npz({f"{FIRST}.npy": npy(np.zeros(36, "f4"), shape=(2**32, 2**32))}), "does not hold"),
    "negative.npz": (npz({f"{FIRST}.npy": npy(np.zeros(36, "f4"), shape=(-12, -3))}), "damaged"),
    "nothing.npz": (npz({f"{FIRST}.npy": b""}), "damaged"),
    "version.npz": (npz({f"{FIRST}.npy": b"\x93NUMPY\x09\x00" + bytes(200)}), "a version of NumPy's format"),
    "header.npz": (npz({f"{FIRST}.npy": b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + bytes(200)}), "damaged"),
    "header-code.npz": (npz({f"{FIRST}.npy": b"\x93NUMPY\x01\x00\x40\x00" + b"__import__('os').system('touch canary')".ljust(63) + b"\n"}), "damaged"),
    "texts.npz": (npz({"more.npy": npy(np.array(["a", "b"]))}), "unused more ()"),
    "records.npz": (npz(bias_ih=np.zeros(12, "f4,f4")), f"{BIAS} is a "),
    "quad.npz": (npz(bias_ih=np.zeros(12, np.longdouble)), f"{BIAS} is a float128"),
    "member-twice.npz": (zipped([(f"{name}.npy", npy(one)) for name, one in arrays().items()] + [(f"{FIRST}.npy", npy(np.ones((12, 3), "f4")))]), f"holds {FIRST} twice"),
    "integers.npz": (npz(bias_ih=np.zeros(12, "i8")), f"{BIAS} is int64 in the file"),
    "rest.npz": (npz({f"{FIRST}.npy": npy(np.zeros((12, 3), "f4")) + b"more"}), "does not hold"),
    "lone.npy": (put(npy(np.zeros(36, "f4"), shape=(10**6, 10**6))), "does not hold"),
    "cut.npz": (lambda path: [npz()(path), path.write_bytes(path.read_bytes()[:-30])][0], "damaged"),
}  # fmt: skip


# ONNX


def onnx(change: Callable[[Any], Any] | None = None, *more: Any, **changed: Any) -> Maker:
    held = [numpy_helper.from_array(one, name) for name, one in arrays(**changed).items()]
    graph = helper.make_graph([helper.make_node("Relu", ["X"], ["Y"])], "g", [], [], [*held, *more])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    if change is not None:
        change(model.graph.initializer[0])
    return put(model.SerializeToString())


def outside(**said: Any) -> Maker:
    """A tensor whose numbers lie in another file."""

    def change(tensor: Any) -> None:
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in said.items():
            one = tensor.external_data.add()
            one.key, one.value = key, str(value)

    return onnx(change)


def _outside_link(path: Path) -> None:
    (path.parent / "data").symlink_to("/etc/passwd")
    outside(location="data", offset=0, length=144)(path)


def _outside_huge(path: Path) -> None:
    with (path.parent / "data").open("wb") as file:
        file.truncate(2**40)
    outside(location="data")(path)


def _dims(*dims: int) -> Maker:
    def change(tensor: Any) -> None:
        del tensor.dims[:]
        tensor.dims.extend(dims)

    return onnx(change)


def _unlike(kind: int) -> Maker:
    def change(tensor: Any) -> None:
        tensor.data_type = kind

    return onnx(change)


ONNX: Rows = {
    "outside-above.onnx": (outside(location="../data"), "which is not a file in the same folder"),
    "outside-root.onnx": (outside(location="/etc/passwd"), "which is not a file in the same folder"),
    "outside-link.onnx": (_outside_link, "which is not a file in the same folder"),
    "outside-huge.onnx": (_outside_huge, "exhaust memory"),
    "outside-missing.onnx": (outside(location="none"), "which is not a file in the same folder"),
    "outside-nowhere.onnx": (outside(offset=3), "which is not a file in the same folder"),
    "outside-text.onnx": (lambda path: [(path.parent / "data").write_bytes(bytes(144)), outside(location="data", offset="a")(path)][1], "damaged"),
    "outside-offset.onnx": (lambda path: [(path.parent / "data").write_bytes(bytes(144)), outside(location="data", offset=8, length=144)(path)][1], "it is cut off"),
    "outside-short.onnx": (lambda path: [(path.parent / "data").write_bytes(bytes(100)), outside(location="data")(path)][1], "damaged"),
    "dims-huge.onnx": (_dims(2**40, 2**40), "exhaust memory"),
    "dims-large.onnx": (_dims(1000, 1000), "damaged"),
    "dims-negative.onnx": (_dims(-12, -3), "claims a shape that cannot be"),
    "dtype-none.onnx": (_unlike(99), f"{FIRST} is a type 99"),
    "dtype-undefined.onnx": (_unlike(0), f"{FIRST} is a UNDEFINED"),
    "dtype-text.onnx": (_unlike(TensorProto.STRING), f"{FIRST} is a STRING"),
    "dtype-float8.onnx": (_unlike(TensorProto.FLOAT8E4M3FN), f"{FIRST} is a FLOAT8E4M3FN"),
    "dtype-integers.onnx": (_unlike(TensorProto.INT32), f"{FIRST} is int32 in the file"),
    "name-twice.onnx": (onnx(None, numpy_helper.from_array(np.ones((12, 3), np.float32), FIRST)), f"holds {FIRST} twice"),
    "cut.onnx": (lambda path: [onnx()(path), path.write_bytes(path.read_bytes()[:200])][0], "damaged"),
    "nan.onnx": (onnx(bias_ih=np.full(12, np.nan, np.float32)), "12 NaN"),
}  # fmt: skip


# Keras


def h5(change: Callable[[Any], Any] | None = None, **changed: Any) -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as made:
        for name, one in arrays(**changed).items():
            made[name] = one
        if change is not None:
            change(made)
    return file.getvalue()


def instead(make: Callable[[Any], Any]) -> bytes:
    """A file in which something else stands where the first tensor was."""
    return h5(make, weight_ih=None)


def _huge_chunk(made: Any) -> None:
    one = made.create_dataset(FIRST, (12, 3), "f4", maxshape=(None, None), chunks=(2**14, 2**14), compression="gzip")
    one[0, 0] = 1


def _virtual(made: Any) -> None:
    layout = h5py.VirtualLayout((12, 3), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "a", (12, 3))
    made.create_virtual_dataset(FIRST, layout)


def _groups(made: Any) -> None:
    for number in range(10):
        made.create_group(f"g{number}")
    for number in range(10):
        for other in range(10):
            made[f"g{number}"][f"g{other}"] = made[f"g{other}"]


def keras(weights: bytes, config: bytes | None = None, **members: bytes) -> Maker:
    usual = json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": []}}).encode()
    return zipped({"config.json": config or usual, "metadata.json": b"{}", "model.weights.h5": weights, **members})


LAMBDA = b'{"class_name": "Lambda", "config": {"function": {"class_name": "__lambda__", "config": {"code": "4wEA"}}}}'
KERAS: Rows = {
    "soft-link.h5": (put(instead(lambda made: made.__setitem__(FIRST, h5py.SoftLink(f"/{SECOND}")))), f"{FIRST} is a link"),
    "round-link.h5": (put(instead(lambda made: made.__setitem__(FIRST, h5py.SoftLink(f"/{FIRST}")))), f"{FIRST} is a link"),
    "external-link.h5": (put(instead(lambda made: made.__setitem__(FIRST, h5py.ExternalLink("/etc/passwd", "/a")))), f"{FIRST} is a link"),
    "external-data.h5": (put(instead(lambda made: made.create_dataset(FIRST, (12, 3), "f4", external="/etc/passwd"))), "which is not followed"),
    "virtual.h5": (put(instead(_virtual)), "which is not followed"),
    "huge-chunk.h5": (put(instead(_huge_chunk)), "cannot be read"),
    "huge-shape.h5": (put(instead(lambda made: made.create_dataset(FIRST, (10**6, 10**6), "f4", chunks=(1000, 1000)))), "exhaust memory"),
    "unwritten.h5": (put(instead(lambda made: made.create_dataset(FIRST, (12, 3), "f4", chunks=(12, 3)))), "does not hold"),
    "no-space.h5": (put(instead(lambda made: made.create_dataset(FIRST, data=h5py.Empty("f4")))), f"{FIRST} "),
    "opaque.h5": (put(instead(lambda made: made.create_dataset(FIRST, data=np.zeros((12, 3), "V4")))), f"{FIRST} is a "),
    "compound.h5": (put(instead(lambda made: made.create_dataset(FIRST, data=np.zeros((12, 3), "f4,f4")))), f"{FIRST} is a "),
    "quad.h5": (put(instead(lambda made: made.create_dataset(FIRST, data=np.zeros((12, 3), np.longdouble)))), f"{FIRST} is a float128"),
    "text.h5": (put(instead(lambda made: made.create_dataset(FIRST, data="weights"))), f"{FIRST} is a "),
    "rings.h5": (put(h5(_groups)), "more than twenty deep"),
    "cut.h5": (put(h5()[:-100]), "truncated file"),
    "zip-slip.keras": (keras(h5(bias_ih=None), **{"../../canary": b"x", "/tmp/canary": b"x"}), f"missing {BIAS}"),
    "lambda.keras": (keras(h5(bias_ih=None), LAMBDA), f"missing {BIAS}"),
    "deep.keras": (keras(h5(), b'{"config":' * 10**6), "exhaust memory"),
    "bomb.keras": (keras(h5() + bytes(300_000_000)), "exhaust memory"),
    "no-h5.keras": (keras(b"weights"), "cannot be read"),
}  # fmt: skip


def _views() -> list[torch.Tensor]:
    """All tensors as views of one storage, one behind the other."""
    whole = torch.cat([one.reshape(-1) for one in tensors().values()])
    return [part.view(one.shape) for part, one in zip(whole.split([36, 48, 12, 12]), tensors().values(), strict=True)]


FILES: Rows = {**SAFETENSORS, **PIECES, **TORCH, **NPZ, **ONNX, **KERAS}
LEGAL: dict[str, Maker] = {
    "whole.safetensors": put(safetensors_bytes(tensors())),
    "whole.index.json": pieces(RIGHT, one=ONE, two=TWO),
    "whole.pt": put(WHOLE),
    "turned.pt": put(torch_bytes(tensors(weight_ih=tensors()[FIRST].T.contiguous().T))),
    "shared-storage.pt": put(torch_bytes(dict(zip(tensors(), _views(), strict=True)))),
    "record.pt": put(torch_bytes(recorded())),
    "whole.npz": npz(),
    "fortran.npz": npz(weight_ih=np.asfortranarray(arrays()[FIRST])),
    "big-endian.npz": npz(weight_ih=arrays()[FIRST].astype(">f4"), weight_hh=arrays()[SECOND].astype(">f8")),
    "whole.onnx": onnx(),
    "whole.h5": put(h5()),
    "big-endian.h5": put(h5(weight_ih=arrays()[FIRST].astype(">f4"))),
    "zip-slip.keras": keras(h5(), **{"../../canary": b"x", "/tmp/canary": b"x"}),
    "lambda.keras": keras(h5(), LAMBDA),
}
"""What is unusual and right."""
