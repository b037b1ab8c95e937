"""Files of torch that are whole but for one thing."""

from __future__ import annotations

import io
import os
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from hostile import put, torch_bytes
from hostile_tensors import BIAS, SECOND, Maker, Rows, Runs, tensors, zipped

WHOLE = torch_bytes(OrderedDict(tensors()))


def rezipped(data: bytes, change: Callable[[dict[str, bytes]], Any]) -> Maker:
    """A file of torch with other members, packed so that zeros take no room."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    return zipped(members)


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
