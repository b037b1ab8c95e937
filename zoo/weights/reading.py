"""All tensors of a checkpoint by name: of one file, of a folder, of pieces with an index, or in memory already."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from zoo.errors import ZooError, one_line
from zoo.translation import sandbox
from zoo.translation.contents import Stored, native
from zoo.translation.contents import odd as not_plain

INDEX: Final = ".index.json"
MOST_PIECES: Final = 1000
MOST_BYTES: Final = 16 * 2**20
"""Of an index: some 200,000 tensors. As objects it takes up to thirty times that."""
DEEPEST: Final = 8
_IN_NUMPY: Final = (
    *("float16", "bfloat16", "float32", "float64", "complex64", "complex128", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)
"""The types of torch that NumPy has, and bfloat16, which is read as float32."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a checkpoint holds.

    Attributes:
        file: Its name, for messages.
        arrays: Every tensor that can be read, by its name.
        odd: What the others are, by name: sparse, of a type that NumPy has not.
        records: What torch keeps beside a state dict, by its prefix.
        path: Of the file, where it is a single one.
    """

    file: str
    arrays: Mapping[str, Stored]
    odd: Mapping[str, str] = field(default_factory=dict)
    records: Mapping[str, Any] = field(default_factory=dict)
    path: Path | None = None

    def sha256(self) -> str | None:
        """The digest of a single file."""
        if self.path is None:
            return None
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def read(source: str | os.PathLike[str] | Mapping[str, Any]) -> Found:
    """Every tensor of a checkpoint.

    Args:
        source: A file that `zoo convert` reads, a .npy or .npz, an index of pieces (.safetensors.index.json), a folder
            of pieces or of .npy files, or a mapping of names to tensors or arrays, perhaps nested.

    Raises:
        ZooError: It cannot be read, or holds no tensors; one line.
    """
    if isinstance(source, Mapping):
        return _in_memory(source)
    if not isinstance(source, str | os.PathLike):
        raise ZooError(f"a checkpoint is a path or a mapping of names to tensors, not a {type(source).__name__}")
    path = Path(os.fsdecode(source))
    if path.is_dir():
        found = _folder(path)
    elif path.name.endswith(INDEX):
        found = _indexed(path)
    else:
        found = _one(path)
    if not found.arrays:
        raise ZooError(f"{path}: holds no tensors")
    return found


def _one(path: Path) -> Found:
    contents = sandbox.read(path, whole=True)
    return Found(str(path), contents.arrays, contents.about["odd"], contents.about["records"], path)


def _folder(path: Path) -> Found:
    indices = sorted(path.glob(f"*{INDEX}"))
    if len(indices) == 1:
        return _indexed(indices[0], str(path))
    for ending in (".safetensors", ".npy"):
        files = sorted(path.glob(f"*{ending}"))
        if files and not indices:
            return _pieces(path, files, str(path))[0]
    many = f"{len(indices)} of them" if indices else "none"
    raise ZooError(f"{path}: is a folder without an index {INDEX}, .safetensors or .npy files: there are {many}")


def _indexed(path: Path, named: str | None = None) -> Found:
    """The pieces that an index names, each with the tensors that it says are there."""
    pieces = _named_in(path)
    files = [path.parent / name for name in sorted(set(pieces.values()))]
    found, where = _pieces(path, files, named)
    for name, piece in pieces.items():
        if where.get(name) != path.parent / piece:
            raise ZooError(one_line(f"{path}: says that {piece} holds {name[:200]}, which it does not"))
    return found


def _named_in(path: Path) -> dict[str, str]:
    """The piece of each tensor in an index; all lie beside it."""
    if sandbox.ordinary(path) > MOST_BYTES:
        raise ZooError(f"{path}: is larger than any index of pieces")
    try:
        pieces = dict(json.loads(path.read_bytes())["weight_map"])
        names = sorted(set(pieces.values()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ZooError(f"{path}: is not an index of pieces, which has a weight_map") from None
    odd = [name for name in names if not isinstance(name, str) or Path(name).name != name or name in ("", "..")]
    if odd:
        raise ZooError(f"{path}: names {one_line(str(odd[0]))[:80]!r}, which is not a file in the same folder")
    return pieces


def _pieces(path: Path, files: list[Path], named: str | None = None) -> tuple[Found, dict[str, Path]]:
    """What is in all of some files, and which of them each tensor is in."""
    if not 0 < len(files) <= MOST_PIECES:
        raise ZooError(f"{path}: has {len(files):,} pieces, not 1 to {MOST_PIECES:,}")
    arrays: dict[str, Stored] = {}
    odd: dict[str, str] = {}
    where: dict[str, Path] = {}
    for file in files:
        piece = _one(file)
        names = (*piece.arrays, *piece.odd)
        twice = next((name for name in names if name in where), None)
        if twice is not None:
            raise ZooError(one_line(f"{file}: holds {twice[:200]}, which another piece holds too"))
        where |= dict.fromkeys(names, file)
        arrays |= piece.arrays
        odd |= piece.odd
    return Found(named or str(path), arrays, odd), where


def _in_memory(source: Mapping[str, Any]) -> Found:
    import torch

    arrays: dict[str, Stored] = {}
    odd: dict[str, str] = {}

    def put(value: Any, name: str, depth: int) -> None:
        if isinstance(value, Mapping) and depth < DEEPEST:
            for key, inner in value.items():
                put(inner, f"{name}.{key}" if name else str(key), depth + 1)
        elif isinstance(value, torch.Tensor):
            if value.layout != torch.strided or value.is_quantized or value.is_meta:
                odd[name] = "sparse, quantised or without numbers"
                return
            dtype = str(value.dtype).removeprefix("torch.")
            if dtype not in _IN_NUMPY:
                odd[name] = f"tensor of {dtype}"
                return
            plain = value.detach().cpu().resolve_conj().resolve_neg()
            arrays[name] = Stored((plain.float() if dtype == "bfloat16" else plain).numpy(), dtype)
        elif isinstance(value, np.ndarray):
            if value.dtype.kind != "c" and (what := not_plain(value.dtype)) is not None:
                odd[name] = what
            else:
                arrays[name] = native(value)

    put(source, "", 0)
    if not arrays:
        raise ZooError("the mapping holds no tensors")
    about = getattr(source, "_metadata", None)
    record = about.get("") if isinstance(about, Mapping) else None
    records = {"": record["zoo"]} if isinstance(record, Mapping) and "zoo" in record else {}
    return Found("the mapping", arrays, odd, records)
