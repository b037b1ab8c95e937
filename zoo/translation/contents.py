"""What a file of weights holds, as plain data: how a reader in a process of its own hands it on. NumPy only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

import numpy as np

from zoo.errors import ZooError

FLOATS: Final = ("float16", "bfloat16", "float32", "float64")
"""What weights may be in."""
SMALL: Final = 8 * 2**20
"""Bytes of arrays that a file of any size may give; beyond that, at most twice its own size."""
MOST_WORDS: Final = 48 * 2**20
"""Bytes of names, shapes and options: half a million tensors."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One array.

    Attributes:
        array: Its numbers; of bfloat16, which NumPy does not have, as float32.
        dtype: As it was stored.
    """

    array: Any
    dtype: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What was read.

    Attributes:
        form: "torch" (one module), "state" (tensors by name), "keras", "onnx" or "npz" (layers, first to last).
        about: What the arrays are, as JSON can say it.
        arrays: By name.
        notes: What a person should hear of: what was left out, what was cast.
    """

    form: str
    about: Any
    arrays: Mapping[str, Stored]
    notes: tuple[str, ...] = field(default=())


def odd(dtype: Any) -> str | None:
    """What a type of NumPy's is that torch has not; None of one that holds plain real numbers."""
    return None if dtype.kind in "fiub" and dtype.itemsize <= 8 else str(dtype)


def native(array: Any) -> Stored:
    """An array in this machine's order of bytes."""
    found = array.astype(array.dtype.newbyteorder("="), copy=False)
    return Stored(found, str(found.dtype))


def send(contents: Contents, file: BinaryIO) -> None:
    """Write it down."""
    shapes = {name: (one.dtype, one.array.dtype.str, one.array.shape) for name, one in contents.arrays.items()}
    head = {"form": contents.form, "about": contents.about, "notes": contents.notes, "arrays": shapes}
    _send_head(head, file)
    for one in contents.arrays.values():
        file.write(np.ascontiguousarray(one.array).tobytes())


def send_error(text: str, file: BinaryIO) -> None:
    """Write down why there is nothing."""
    _send_head({"error": text}, file)


def receive(data: bytes) -> Contents | None:
    """The inverse; None where the sender did not get to its end.

    Raises:
        ZooError: What `send_error` was given.
    """
    view = memoryview(data)
    start = 8 + int.from_bytes(view[:8], "little")
    if len(data) < 8 or len(data) < start:
        return None
    head = json.loads(bytes(view[8:start]))
    if "error" in head:
        raise ZooError(head["error"])
    arrays = {}
    for name, (dtype, stored, shape) in head["arrays"].items():
        count = int(np.prod(shape, dtype=np.int64))
        if len(data) < start + count * np.dtype(stored).itemsize:
            return None
        arrays[name] = Stored(np.frombuffer(data, np.dtype(stored), count, start).reshape(shape), dtype)
        start += count * np.dtype(stored).itemsize
    return Contents(head["form"], head["about"], arrays, tuple(head["notes"]))


def _send_head(head: Mapping[str, Any], file: BinaryIO) -> None:
    text = json.dumps(head, default=str).encode()
    if len(text) > MOST_WORDS:  # whoever receives it has no limits of its own
        return _send_head({"error": f"says {len(text):,} bytes of words beside its numbers: it is damaged"}, file)
    file.write(len(text).to_bytes(8, "little") + text)
    return None


def of_bits(bits: Any) -> Any:
    """bfloat16, given as its bits in uint16, as float32: exact."""
    wide: Any = (np.asarray(bits, np.uint32) << 16).view(np.float32)
    return wide


def bounded(total: int, size: int) -> None:
    """Refuse arrays that are out of all proportion to the file that they come from.

    Args:
        total: Bytes of all arrays.
        size: Bytes of the file.

    Raises:
        ZooError: They take more than any file of this size needs.
    """
    if total > SMALL + 2 * size:
        raise ZooError(
            f"claims {total:,} bytes of weights in a file of {size:,}: it is damaged, or crafted to exhaust memory"
        )
