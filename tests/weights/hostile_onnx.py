"""Files of ONNX that are whole but for one thing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hostile import put
from hostile_tensors import FIRST, Maker, Rows, arrays
from onnx import TensorProto, helper, numpy_helper


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
