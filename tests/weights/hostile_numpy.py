"""Files of NumPy that are whole but for one thing."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from hostile import put
from hostile_tensors import BIAS, FIRST, Maker, Rows, Runs, arrays, zipped


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
