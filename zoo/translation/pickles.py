"""Read the pickle inside a file of torch without running anything: names in it are looked up in a list, never imported.

A pickle is a program. Here it can only make plain values, and descriptions of tensors; objects of a few harmless kinds,
which checkpoints hold beside their weights, become `Inert`. Any other name ends the reading.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from zoo.errors import ZooError
from zoo.translation import pickled_arrays

_DTYPES: Final[Mapping[str, str]] = {
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "ByteStorage": "uint8",
    "CharStorage": "int8",
    "ShortStorage": "int16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}
_ODD_STORAGES: Final = ("QInt8Storage", "QUInt8Storage", "QInt32Storage", "QUInt4x2Storage", "QUInt2x4Storage")
_ODD_TENSORS: Final = {
    "_rebuild_sparse_tensor": "sparse tensor",
    "_rebuild_sparse_csr_tensor": "sparse tensor",
    "_rebuild_nested_tensor": "nested tensor",
    "_rebuild_qtensor": "quantised tensor",
    "_rebuild_meta_tensor_no_storage": "tensor on the device meta, without numbers",
    "_rebuild_from_type_v2": "tensor of a class of its own",
    "_rebuild_wrapper_subclass": "tensor of a class of its own",
    "_rebuild_device_tensor_from_numpy": "tensor of another device",
    "_rebuild_device_tensor_from_cpu_tensor": "tensor of another device",
    "_rebuild_tensor_v3": "tensor of a type that is not read here",
}
_NUMPY_TYPES: Final = ("dtype", "ndarray", "bool_", "int32", "int64", "float16", "float32", "float64", "str_")
_PATHS: Final = ("Path", "PosixPath", "PurePath", "PurePosixPath", "PureWindowsPath", "WindowsPath")
_HARMLESS: Final[Mapping[str, tuple[str, ...]]] = {
    "argparse": ("Namespace",),
    "builtins": (
        *("bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "set", "slice", "str"),
        *("tuple", "type"),
    ),
    "_codecs": ("encode",),
    "collections": ("Counter", "defaultdict", "deque"),
    "datetime": ("date", "datetime", "time", "timedelta", "timezone"),
    "pathlib": _PATHS,
    "pathlib._local": _PATHS,  # where Python 3.13 has them
    "types": ("SimpleNamespace",),
    "uuid": ("UUID",),
    "numpy": _NUMPY_TYPES,
    "numpy.core.multiarray": ("scalar", "_reconstruct"),
    "numpy._core.multiarray": ("scalar", "_reconstruct"),
    "numpy.core.numeric": ("_frombuffer",),
    "numpy._core.numeric": ("_frombuffer",),
    "numpy.random._pickle": ("__randomstate_ctor", "__generator_ctor", "__bit_generator_ctor"),
    "torch": (
        *("device", "Generator", "bfloat16", "bool", "complex64", "complex128", "float16", "float32", "float64"),
        *(
            "int8",
            "int16",
            "int32",
            "int64",
            "uint8",
            "strided",
            "sparse_coo",
            "sparse_csr",
            "qint8",
            "quint8",
            "qint32",
        ),
        *("float8_e4m3fn", "float8_e5m2", "uint16", "uint32", "uint64", "preserve_format", "per_tensor_affine"),
        *("per_channel_affine", "contiguous_format", "Tensor"),
    ),
    "torch.nn.parameter": ("Parameter", "Buffer"),
    "torch.serialization": ("_get_layout",),
}
"""What checkpoints hold beside their weights: settings, counters, random states."""
_HARMLESS_BELOW: Final = ("omegaconf.", "lightning.", "lightning_fabric.", "pytorch_lightning.", "torch.optim.")
"""Packages whose objects are settings and states too, wherever in them they are defined."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Numbers of one type, which stands elsewhere in the file. Attributes: numel: How many it is said to have."""

    dtype: str
    key: str
    numel: int


@dataclass(frozen=True, slots=True)
class Tensor:
    """A strided view of a storage, as the pickle claims it: nothing is checked yet."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def dtype(self) -> str:
        return self.storage.dtype


@dataclass(slots=True)
class Odd:
    """A tensor of another kind: sparse, quantised, on meta, of a subclass. Attributes: what: Which, for a message."""

    what: str


class Inert:
    """An object that only stands where it stood: whatever is done to it does nothing."""

    def __init__(self, *_args: Any, **_keys: Any) -> None: ...

    def __setstate__(self, state: Any) -> None: ...

    def __setitem__(self, key: Any, value: Any) -> None: ...

    def append(self, value: Any) -> None: ...

    def extend(self, values: Any) -> None: ...

    def add(self, value: Any) -> None: ...

    def __hash__(self) -> int:
        return id(self)


class Scripted(dict[str, Any]):
    """A module of a TorchScript program: its attributes by name, and none of its code."""

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, Mapping):
            self.update({key: value for key, value in state.items() if isinstance(key, str)})

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)


class Unpickler(pickle._Unpickler):  # the one in Python: the one in C takes gigabytes for a number in the file
    """Gives the object of one pickle, with `Tensor`, `Odd` and `Inert` in it.

    Raises:
        ZooError: A name in it is not on the list.
    """

    def find_class(self, module: Any, name: Any, /) -> Any:
        module, name = {"__builtin__": "builtins"}.get(str(module), str(module)), str(name)  # as Python 2 named it
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module in ("torch", "torch.storage", "torch.cuda") and name in (*_DTYPES, *_ODD_STORAGES):
            return _DTYPES.get(name, name)
        if module == "torch.storage" and name in ("UntypedStorage", "TypedStorage"):
            return "bytes"
        if module in ("torch._utils", "torch._tensor"):
            if name in _REBUILDS:
                return _REBUILDS[name]
            if name in _ODD_TENSORS:
                return lambda *_: Odd(_ODD_TENSORS[name])
        if module == "torch" and name == "Size":
            return tuple
        if module.startswith("__torch__"):
            return Scripted
        if module == "torch.jit._pickle":
            return _first
        if (module, name) in _NUMPY:
            return _NUMPY[module, name]
        if _harmless(module, name):
            return Inert
        raise ZooError(
            f"holds a pickled {module}.{name}, not weights alone; loading that runs code, and none was run: where "
            'the file was made, torch.save(model.state_dict(), "weights.pt")'
        )

    def persistent_load(self, pid: Any) -> Storage:
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage" or not isinstance(pid[1], str):
            raise ValueError("no storage")
        return Storage(pid[1], str(pid[2]), pid[4])


def load(file: BinaryIO) -> Any:
    """The next object of a file; errors as `Unpickler`, and whatever a damaged pickle makes of the reader."""
    return Unpickler(file, encoding="latin1").load()


def _harmless(module: str, name: str) -> bool:
    return name in _HARMLESS.get(module, ()) or (f"{module}.".startswith(_HARMLESS_BELOW) and "." not in name)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> Tensor | Odd:
    flags = rest[2] if len(rest) > 2 else None
    if not isinstance(storage, Storage) or flags:
        return Odd("conjugated tensor" if flags else "tensor without numbers")
    return Tensor(storage, offset, tuple(shape), tuple(strides))


def _first(data: Any, *_rest: Any) -> Any:
    return data


_REBUILDS: Final[Mapping[str, Callable[..., Any]]] = {
    "_rebuild_tensor": _tensor,
    "_rebuild_tensor_v2": _tensor,
    "_rebuild_parameter": _first,
    "_rebuild_parameter_with_state": _first,
}
_NUMPY: Final[Mapping[tuple[str, str], Callable[..., Any]]] = {
    ("numpy", "dtype"): pickled_arrays.DType,
    ("_codecs", "encode"): pickled_arrays.of_codec,
    **{
        (f"numpy.{core}.{module}", name): make
        for core in ("core", "_core")
        for module, name, make in (
            ("multiarray", "_reconstruct", pickled_arrays.Array),
            ("numeric", "_frombuffer", pickled_arrays.of_buffer),
        )
    },
}
