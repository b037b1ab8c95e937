"""Files of safetensors that are whole but for one thing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from hostile import put, safetensors_bytes, with_header
from hostile_tensors import BIAS, FIRST, Maker, Rows, tensors


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
