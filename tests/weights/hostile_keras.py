"""Files of Keras that are whole but for one thing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
from hostile import put
from hostile_tensors import BIAS, FIRST, SECOND, Maker, Rows, arrays, zipped


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
