"""An ONNX file as a graph: what makes what, and the numbers of its constants. Nothing in it is run, and no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np

from zoo.errors import ZooError
from zoo.translation.contents import Stored, bounded

try:
    import onnx
    from onnx import TensorProto, numpy_helper
except ImportError as missing:
    raise ZooError("to read ONNX, and to run what was read: pip install onnx onnxruntime") from missing

KINDS: Final = ("RNN", "LSTM", "GRU")
LAYOUT: Final = ("Transpose", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Dropout", "Cast")
"""What may stand between two recurrent nodes, or before the first: the run shows that it changes no number."""


_NAMES: Final = {number: name for name, number in TensorProto.DataType.items()}
_PLAIN: Final = frozenset(
    TensorProto.DataType.Value(name)
    for name in (
        *("FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16", "BOOL"),
        *("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"),
    )
)


class Graph:
    """A graph by the names of its values."""

    def __init__(self, model: Any, folder: Path) -> None:
        self.model, self.folder = model, folder
        self.nodes = list(model.graph.node)
        self.makers = {name: node for node in self.nodes for name in node.output if name}
        self.constants = {tensor.name: tensor for tensor in model.graph.initializer}
        if len(self.constants) != len(model.graph.initializer):
            names = Counter(tensor.name for tensor in model.graph.initializer)
            raise ZooError(f"holds {names.most_common(1)[0][0]} twice")
        self.inputs = {one.name: one for one in model.graph.input if one.name not in self.constants}
        self.recurrent = [node for node in self.nodes if node.op_type in KINDS and node.domain in ("", "ai.onnx")]

    def above(self, names: Sequence[str], stop: str = "") -> tuple[list[Any], set[str]]:
        """The nodes that make some values, in order, and every value that goes in; not beyond `stop`."""
        seen: set[str] = set()
        wanted, kept = list(names), set()
        while wanted:
            name = wanted.pop()
            if name in seen or not name:
                continue
            seen.add(name)
            maker = self.makers.get(name)
            if maker is not None and name != stop:
                kept.add(id(maker))
                wanted += maker.input
        return [node for node in self.nodes if id(node) in kept], seen

    def root(self, name: str) -> str:
        """From which value the values of one come, before nothing but their places was changed."""
        seen: set[str] = set()
        while (maker := self.makers.get(name)) is not None and maker.op_type in LAYOUT and maker.input:
            if name in seen:
                raise ZooError(f"is not a valid graph: {name} depends on itself")
            seen.add(name)
            name = maker.input[0]
        return name

    def constant(self, name: str) -> Any:
        """The numbers of an initialiser; of any file beside this one only a part that lies in the same folder."""
        tensor = self.constants[name]
        if tensor.data_location == TensorProto.EXTERNAL:
            tensor.raw_data = self._beside(tensor)
            tensor.ClearField("external_data")
            tensor.ClearField("data_location")
        count = int(np.prod(tensor.dims, dtype=object)) if all(one >= 0 for one in tensor.dims) else -1
        bounded(max(count, 0) * 4, tensor.ByteSize())
        if count < 0:
            raise ZooError(f"{name} claims a shape that cannot be")
        return numpy_helper.to_array(tensor)

    def _beside(self, tensor: Any) -> bytes:
        said = {entry.key: entry.value for entry in tensor.external_data}
        place = PurePosixPath(said.get("location", ""))
        file = self.folder / place
        inside = not place.is_absolute() and ".." not in place.parts and "\\" not in str(place)
        if not inside or not file.is_file() or not file.resolve().is_relative_to(self.folder.resolve()):
            raise ZooError(f"{tensor.name} is stored in {str(place)!r}, which is not a file in the same folder")
        start = int(said.get("offset", 0))
        length = int(said.get("length", file.stat().st_size - start))
        if start < 0 or length < 0 or start + length > file.stat().st_size:
            raise ZooError(f"{tensor.name} claims numbers that {place} does not hold: it is cut off")
        with file.open("rb") as opened:
            opened.seek(start)
            return opened.read(length)

    def tensors(self) -> dict[str, Stored]:
        """Every initialiser, by its name."""
        odd = self.odd()
        return {name: stored(self.constant(name)) for name in self.constants if name not in odd}

    def odd(self) -> dict[str, str]:
        """The initialisers that hold no plain numbers, by name: what they are."""
        kinds = {name: tensor.data_type for name, tensor in self.constants.items()}
        return {name: _NAMES.get(kind, f"type {kind}") for name, kind in kinds.items() if kind not in _PLAIN}


def load(path: Path) -> Graph:
    """The graph of a file."""
    return Graph(onnx.load_model(str(path), load_external_data=False), path.parent)


def stored(array: Any) -> Stored:
    """An array of ONNX's helper as it is handed on."""
    dtype = str(array.dtype)
    return Stored(array.astype(np.float32) if dtype == "bfloat16" else array, dtype)
