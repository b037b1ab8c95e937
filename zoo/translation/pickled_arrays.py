"""Arrays of NumPy in a pickle, made by hand: of what the pickle says, only a type, a shape and bytes are looked at."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from zoo.errors import ZooError
from zoo.translation.contents import odd

MOST_AXES: Final = 8


class DType:
    """What `numpy.dtype` stands for. Attributes: found: The type, or None of one that holds no plain numbers."""

    def __init__(self, text: Any = "", *_flags: Any) -> None:
        try:
            found = np.dtype(text) if isinstance(text, str) else None
        except (TypeError, ValueError):
            found = None
        self.found = found if found is not None and odd(found) is None else None

    def __setstate__(self, state: Any) -> None:
        order = state[1] if isinstance(state, tuple) and len(state) > 1 else None
        if self.found is not None and order in ("<", ">", "="):
            self.found = self.found.newbyteorder(order)


class Array:
    """What an array stands for, as the pickle claims it: nothing is checked before it is asked for."""

    def __init__(self, *_args: Any) -> None:
        self.shape: Any = ()
        self.dtype: Any = None
        self.fortran: Any = False
        self.data: Any = b""

    def __setstate__(self, state: Any) -> None:
        _, self.shape, self.dtype, self.fortran, self.data = state

    def __setitem__(self, key: Any, value: Any) -> None: ...

    def numbers(self, name: str) -> Any:
        """The array.

        Raises:
            ZooError: It is not what it claims to be.
        """
        kind = self.dtype.found if isinstance(self.dtype, DType) else None
        data = self.data.encode("latin1") if isinstance(self.data, str) else self.data
        if kind is None or not isinstance(data, bytes | bytearray):
            raise ZooError(f"{name} is an array of objects or texts: only numbers can be read")
        fits = isinstance(self.shape, tuple) and len(self.shape) <= MOST_AXES
        if not fits or any(type(size) is not int or not 0 <= size < 2**48 for size in self.shape):
            raise ZooError(f"{name} claims a shape that cannot be: the file is damaged")
        count = 1
        for size in self.shape:
            count *= size
        if count * kind.itemsize != len(data):
            raise ZooError(f"{name} claims numbers that the file does not hold: it is damaged or cut off")
        found = np.frombuffer(bytes(data), kind).reshape(self.shape, order="F" if self.fortran else "C")
        return np.ascontiguousarray(found.astype(kind.newbyteorder("="))).reshape(self.shape)


def of_buffer(data: Any, dtype: Any, shape: Any, order: Any = "C", *_rest: Any) -> Array:
    """`numpy._core.numeric._frombuffer`, which protocol 5 calls."""
    found = Array()
    found.__setstate__((1, shape, dtype, order == "F", data))
    return found


def of_codec(text: Any, encoding: Any = "latin1", *_rest: Any) -> Any:
    """`_codecs.encode`, by which protocols 0 to 2 say bytes."""
    if isinstance(text, str) and encoding == "latin1":
        try:
            return text.encode("latin1")
        except UnicodeEncodeError:
            return b""
    return b""
