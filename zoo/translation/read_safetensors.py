"""Read a .safetensors file: eight bytes with the length of a JSON header, the header, the numbers. No torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from zoo.errors import ZooError
from zoo.translation.contents import FLOATS, Contents, Stored, bounded, of_bits
from zoo.translation.state_dicts import choose

_DTYPES: Final[Mapping[str, str]] = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}
_LONGEST: Final = 16 * 2**20
"""Bytes of a header: some 100,000 tensors."""


def read(path: Path, *, prefix: str | None, whole: bool) -> Contents:
    """One recurrent module of a file, or all of its tensors; arguments and errors as in `read_torch`."""
    header, start = _header(path)
    entries = {str(name): entry for name, entry in header.items() if name != "__metadata__"}
    if not entries:
        raise ZooError("holds no tensors")
    if whole:
        odd = {name: str(entry.get("dtype")) for name, entry in entries.items() if entry.get("dtype") not in _DTYPES}
        names = {name: name for name in entries if name not in odd}
        return Contents("state", {"records": {}, "odd": odd}, _load(path, start, entries, names))
    chosen = choose(list(entries), prefix)
    for name in chosen.names:
        dtype = _DTYPES.get(str(entries[name].get("dtype")), str(entries[name].get("dtype")))
        if dtype not in FLOATS:
            raise ZooError(f"{name} is {dtype}: weights are {', '.join(FLOATS)}")
    return Contents("torch", {}, _load(path, start, entries, chosen.names), chosen.notes)


def _header(path: Path) -> tuple[dict[str, Any], int]:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(_LONGEST, size - 8):
            raise ZooError(
                f"claims a header of {length:,} bytes in a file of {size:,}: it is not a safetensors file, or cut off"
            )
        found = json.loads(file.read(length), object_pairs_hook=_once)
    if not isinstance(found, dict) or not all(
        isinstance(value, dict) for name, value in found.items() if name != "__metadata__"
    ):
        raise ZooError("has a header that is not valid safetensors")
    return found, 8 + length


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; of a key that stands twice, readers take the first or the last as they please."""
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        again = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ZooError(f"has {again} twice in its header")
    return found


def _load(path: Path, start: int, entries: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Stored]:
    size = path.stat().st_size
    places = {name: _place(name, entries[name], size - start) for name in names}
    bounded(sum(end - begin for begin, end, _ in places.values()), size)
    last = 0
    for begin, end, name in sorted((begin, end, name) for name, (begin, end, _) in places.items() if begin < end):
        if begin < last:
            raise ZooError(f"{name} overlaps with another tensor's numbers: the file is damaged")
        last = end
    found = {}
    with path.open("rb") as file:
        for name, (begin, end, shape) in places.items():
            file.seek(start + begin)
            dtype = _DTYPES[entries[name]["dtype"]]
            kind = np.dtype("uint16" if dtype == "bfloat16" else dtype).newbyteorder("<")
            numbers = np.frombuffer(file.read(end - begin), kind)
            numbers = numbers.astype(numbers.dtype.newbyteorder("="))
            wide = of_bits(numbers) if dtype == "bfloat16" else numbers
            found[names[name]] = Stored(wide.reshape(shape), dtype)
    return found


def _place(name: str, entry: Mapping[str, Any], room: int) -> tuple[int, int, tuple[int, ...]]:
    """Where an array begins and ends, and its shape: all three must agree, and lie within the file."""
    shape, offsets = entry.get("shape"), entry.get("data_offsets")
    for numbers in (shape, offsets):
        if not isinstance(numbers, list) or not all(type(one) is int and 0 <= one < 2**48 for one in numbers):
            raise ZooError(f"{name} claims a shape or a place that cannot be")
    assert isinstance(shape, list)
    assert isinstance(offsets, list)
    count = 1
    for one in shape:
        count *= one
    dtype = _DTYPES[entry["dtype"]]
    length = count * (2 if dtype == "bfloat16" else np.dtype(dtype).itemsize)
    if len(shape) > 8 or len(offsets) != 2 or offsets[1] - offsets[0] != length or offsets[1] > room:
        raise ZooError(f"{name} claims numbers that the file does not hold: it is damaged or cut off")
    return offsets[0], offsets[1], tuple(shape)
