"""Read a .npz or .npy: layers of Keras or ONNX with what they are, as `zoo convert` writes them, or arrays by name."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from zoo.errors import ZooError
from zoo.translation.contents import Contents, Stored, bounded, native, odd

ABOUT: Final = "about"
"""The name of the entry that says, as JSON, what the arrays are."""


def read(path: Path, *, prefix: str | None, whole: bool) -> Contents:
    """All layers of a file that `zoo convert` wrote, or all arrays of any such file.

    Raises:
        ZooError: The file holds something else; says what.
    """
    arrays = _arrays(path)
    about: Any = None
    if ABOUT in arrays and arrays[ABOUT].array.dtype.kind == "U":
        about = json.loads(str(arrays.pop(ABOUT).array))
    if whole:
        others = {name: what for name, one in arrays.items() if (what := odd(one.array.dtype)) is not None}
        held = {name: native(one.array) for name, one in arrays.items() if name not in others}
        return Contents("state", {"records": {}, "odd": others}, held)
    if not isinstance(about, list) or not about or not all(isinstance(one, dict) for one in about):
        raise ZooError("is not a file that zoo convert wrote: it does not say what its arrays are")
    return Contents("npz", about, arrays)


def _arrays(path: Path) -> dict[str, Stored]:
    if not zipfile.is_zipfile(path):
        array = _array(path.read_bytes(), path.name)
        return {path.stem: Stored(array, str(array.dtype))}
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        bounded(sum(info.file_size for info in members), path.stat().st_size)
        for info in members:
            array, name = _array(archive.read(info), info.filename), info.filename.removesuffix(".npy")
            if name in arrays:
                raise ZooError(f"holds {name} twice")
            arrays[name] = Stored(array, str(array.dtype))
    return arrays


def _array(data: bytes, name: str) -> Any:
    """One array, once it is known to be as large as its header claims."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ZooError(f"{name}: a version of NumPy's format that is not known")
    shape, _, dtype = readers[version](file)
    if dtype.hasobject or int(np.prod(shape, dtype=object)) * dtype.itemsize != len(data) - file.tell():
        raise ZooError(f"{name}: claims numbers that the file does not hold: it is damaged or cut off")
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)
