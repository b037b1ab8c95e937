"""Read a .npz that `zoo convert` wrote: the arrays of Keras's or ONNX's layers, and what they are."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from zoo.errors import ZooError
from zoo.translation.contents import Contents, Stored, bounded

ABOUT: Final = "about"
"""The name of the entry that says, as JSON, what the arrays are."""


def read(path: Path, *, prefix: str | None, whole: bool) -> Contents:
    """All layers of a file.

    Raises:
        ZooError: The file holds something else; says what.
    """
    if whole:
        raise ZooError("holds layers of Keras or ONNX, not a state dict of a model")
    size = path.stat().st_size
    arrays: dict[str, Stored] = {}
    about: Any = None
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        bounded(sum(info.file_size for info in members), size)
        if not any(info.filename == f"{ABOUT}.npy" for info in members):
            raise ZooError("is not a file that zoo convert wrote: it does not say what its arrays are")
        for info in members:
            name, array = info.filename.removesuffix(".npy"), _array(archive.read(info), info.filename)
            if name == ABOUT:
                about = json.loads(str(array))
            else:
                arrays[name] = Stored(array, str(array.dtype))
    if not isinstance(about, list) or not about or not all(isinstance(one, dict) for one in about):
        raise ZooError("is not a file that zoo convert wrote: it does not say what its arrays are")
    return Contents("npz", about, arrays)


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
