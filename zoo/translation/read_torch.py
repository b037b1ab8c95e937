"""Read what `torch.save` wrote, in both of its formats, without torch and without running the pickle in it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from zoo.errors import ZooError
from zoo.translation import pickled_arrays, pickles
from zoo.translation.contents import FLOATS, Contents, Stored, bounded, of_bits
from zoo.translation.state_dicts import choose, listed

_MAGIC: Final = 0x1950A86A20F9469CFC6C
_DEEPEST, _MOST = 8, 200_000
"""How deep, and how many values, are looked through for tensors."""
_MOST_PACKAGES: Final = 1000


class Bundle:
    """The tensors of one file by dotted names, each read when it is asked for.

    Attributes:
        leaves: What each tensor claims to be.
        records: What `torch` keeps beside a state dict, for each one that is in the file, by its prefix.
    """

    def __init__(self, found: Any, read: Callable[[str], bytes], order: str, size: int) -> None:
        if isinstance(found, pickles.Tensor | pickles.Odd):
            raise ZooError("holds one tensor and not a state dict, which torch.save(model.state_dict(), ...) writes")
        self.records: dict[str, Any] = {}
        self.leaves = dict(self._flat(found, "", 0, [0]))
        if not self.leaves:
            raise ZooError("holds no state dict, which torch.save(model.state_dict(), ...) writes")
        self._read, self._order, self._size = read, order, size

    def _flat(self, value: Any, prefix: str, depth: int, seen: list[int]) -> Iterator[tuple[str, Any]]:
        record = getattr(value, "_metadata", None)
        if isinstance(record, Mapping) and isinstance(record.get(""), Mapping) and "zoo" in record[""]:
            self.records[prefix] = _record(record[""]["zoo"])
        for key, inner in _entries(value):
            seen[0] += 1
            if depth > _DEEPEST or seen[0] > _MOST:
                raise ZooError(f"is nested deeper than {_DEEPEST} levels, or has more than {_MOST:,} entries")
            if isinstance(inner, pickles.Tensor | pickles.Odd):
                yield f"{prefix}{key if isinstance(key, str | int) else '?'}", inner
            elif isinstance(inner, Mapping | list | tuple) and (isinstance(key, str) or not isinstance(value, Mapping)):
                yield from self._flat(inner, f"{prefix}{key}.", depth + 1, seen)

    def load(self, names: Mapping[str, str], *, floats: bool) -> dict[str, Stored]:
        """Some of the tensors.

        Args:
            names: Under which name each is given, by its name in the file.
            floats: Whether they must be real floating-point numbers.

        Raises:
            ZooError: One is no ordinary tensor, or claims what the file does not hold.
        """
        kept: dict[str, Any] = {}
        total = 0
        for name in names:
            leaf = self.leaves[name]
            if isinstance(leaf, pickles.Odd):
                raise ZooError(f"{name} is a {leaf.what}: only ordinary tensors can be read")
            if floats and leaf.dtype not in FLOATS:
                raise ZooError(f"{name} is {leaf.dtype}: weights are {', '.join(FLOATS)}")
            total += _bytes(leaf, name)
        bounded(total, self._size)
        found = {}
        for name, short in names.items():
            storage = self.leaves[name].storage
            if storage.key not in kept:
                kept[storage.key] = self._numbers(storage)
            found[short] = Stored(_view(self.leaves[name], kept[storage.key], name), storage.dtype)
        return found

    def _numbers(self, storage: pickles.Storage) -> Any:
        kind = "uint16" if storage.dtype == "bfloat16" else storage.dtype
        found = np.frombuffer(self._read(storage.key), np.dtype(f"{self._order}{np.dtype(kind).str[1:]}"))
        found = found.astype(found.dtype.newbyteorder("="))
        return of_bits(found) if storage.dtype == "bfloat16" else found


def _entries(value: Any) -> Iterator[tuple[Any, Any]]:
    """What a mapping or a list holds, by key or number; of a list only what a tensor may be in, or is.

    A list in a module of TorchScript is no part of its state dict: that of an RNN's weights names them again.
    """
    if isinstance(value, Mapping):
        lists = (list, tuple) if isinstance(value, pickles.Scripted) else ()
        yield from ((key, inner) for key, inner in value.items() if not isinstance(inner, lists))
    elif isinstance(value, list | tuple):
        inside = (pickles.Tensor, pickles.Odd, Mapping, list, tuple)
        yield from ((number, inner) for number, inner in enumerate(value) if isinstance(inner, inside))


def read(path: Path, *, prefix: str | None, whole: bool) -> Contents:
    """One recurrent module of a file, or all of its tensors.

    Args:
        path: The file.
        prefix: Of the module, where there are several.
        whole: Whether all tensors are wanted.

    Raises:
        ZooError: The file holds something else; says what.
    """
    bundle = _zipped(path, whole=whole) if zipfile.is_zipfile(path) else _legacy(path)
    if isinstance(bundle, Contents):
        if not whole:
            raise ZooError("is a pickle that torch.save did not write: torch.save(model.state_dict(), ...) does")
        return bundle
    if whole:
        names = {name: name for name, leaf in bundle.leaves.items() if isinstance(leaf, pickles.Tensor)}
        odd = {name: leaf.what for name, leaf in bundle.leaves.items() if isinstance(leaf, pickles.Odd)}
        return Contents("state", {"records": bundle.records, "odd": odd}, bundle.load(names, floats=False))
    chosen = choose(list(bundle.leaves), prefix)
    return Contents("torch", {}, bundle.load(chosen.names, floats=True), chosen.notes)


def _zipped(path: Path, *, whole: bool) -> Bundle:
    archive = zipfile.ZipFile(path)  # open as long as the process
    names = archive.namelist()
    roots = [name for name in names if name.rpartition("/")[2] == "data.pkl" and name.count("/") <= 1]
    if len(roots) != 1:
        raise ZooError(f"is a zip archive of {listed(names)}: neither torch.save, nor Keras or zoo convert writes such")
    root = roots[0].removesuffix("data.pkl")
    if f"{root}constants.pkl" in names and not whole:  # of a program the weights alone are read, and nothing is run
        raise ZooError(
            "holds a TorchScript program, not weights alone: save torch.jit.load(FILE).state_dict() with torch.save"
        )
    size = path.stat().st_size

    def member(name: str) -> bytes:
        info = archive.getinfo(f"{root}{name}")
        bounded(info.file_size, size)
        return archive.read(info)

    order = member("byteorder").decode() if f"{root}byteorder" in names else "little"
    found = pickles.load(io.BytesIO(member("data.pkl")))
    return Bundle(found, lambda key: member(f"data/{key}"), {"little": "<", "big": ">"}[order], size)


def _legacy(path: Path) -> Bundle | Contents:
    """The format before torch 1.6, pickles one after the other, then the numbers of each storage; or NumPy's arrays."""
    file = path.open("rb")
    size = path.stat().st_size
    if file.read(2)[:1] != b"\x80":
        raise ZooError("is not a file of weights: neither torch, safetensors, ONNX, Keras nor zoo convert writes such")
    file.seek(0)
    first = pickles.load(file)
    if first != _MAGIC:
        return _plain(first, size)
    if pickles.load(file) != 1001:
        raise ZooError("is in a format of torch.save that is not known")
    system = pickles.load(file)
    storages: dict[str, str] = {}
    found = _noting(file, storages)
    places = {}
    for key in pickles.load(file):
        count = int.from_bytes(file.read(8), "little")
        length = count * (2 if storages[key] == "bfloat16" else np.dtype(storages[key]).itemsize)
        places[key] = (file.tell(), length)
        if file.seek(length, 1) > size:
            raise ZooError("ends in the middle of its weights: it is cut off")

    def member(key: str) -> bytes:
        start, length = places[key]
        file.seek(start)
        return file.read(length)

    little = not isinstance(system, Mapping) or system.get("little_endian", True)
    return Bundle(found, member, "<" if little else ">", size)


def _plain(found: Any, size: int) -> Contents:
    """A pickle without torch: the arrays in it, by the keys and numbers that lead to them."""
    arrays: dict[str, Stored] = {}
    odd: dict[str, str] = {}
    total, seen = 0, 0
    waiting: list[tuple[str, Any, int]] = [("", found, 0)]
    while waiting:
        name, value, depth = waiting.pop()
        seen += 1
        if seen > _MOST or depth > _DEEPEST:
            raise ZooError(f"is nested deeper than {_DEEPEST} levels, or has more than {_MOST:,} entries")
        if isinstance(value, pickled_arrays.Array):
            try:
                array = value.numbers(name or "it")
            except ZooError as error:
                if "objects" not in str(error):
                    raise
                odd[name] = "array of objects or texts"
                continue
            total += array.nbytes
            bounded(total, size)
            arrays[name or "array"] = Stored(array, str(array.dtype))
        elif isinstance(value, Mapping | list | tuple):
            entries = value.items() if isinstance(value, Mapping) else enumerate(value)
            inner = [(f"{name}.{key}" if name else str(key), one, depth + 1) for key, one in entries]
            waiting += reversed(inner)
    if not arrays:
        raise ZooError("is a pickle that torch.save did not write: torch.save(model.state_dict(), ...) does")
    return Contents("state", {"records": {}, "odd": odd}, arrays)


def _noting(file: BinaryIO, storages: dict[str, str]) -> Any:
    """The next object, with the type of each storage in it written down."""

    class Noting(pickles.Unpickler):
        def persistent_load(self, pid: Any) -> pickles.Storage:
            storage = super().persistent_load(pid)
            storages[storage.key] = storage.dtype
            return storage

    return Noting(file, encoding="latin1").load()


def _record(found: Any) -> dict[str, Any]:
    """What built a model, of what stands in its place; a file may have anything there, of any size."""
    said = found.get("distributions") if isinstance(found, Mapping) else None
    pairs = islice(said.items() if isinstance(said, Mapping) else (), _MOST_PACKAGES)
    texts = {name: version for name, version in pairs if isinstance(name, str) and isinstance(version, str)}
    return {"distributions": {name: one for name, one in texts.items() if len(name) + len(one) < _MOST_PACKAGES}}


def _sizes(leaf: pickles.Tensor, name: str) -> tuple[int, ...]:
    sizes = (leaf.offset, leaf.storage.numel, *leaf.shape, *leaf.strides)
    fits = all(type(value) is int and 0 <= value < 2**48 for value in sizes)
    if not fits or len(leaf.shape) != len(leaf.strides) or len(leaf.shape) > 8:
        raise ZooError(f"{name} claims a shape that cannot be: the file is damaged")
    return sizes


def _bytes(leaf: pickles.Tensor, name: str) -> int:
    _sizes(leaf, name)
    count = 1
    for size in leaf.shape:
        count *= size
    if count > leaf.storage.numel:
        raise ZooError(
            f"{name} claims {count:,} numbers and has {leaf.storage.numel:,}: an expanded tensor; save it after "
            ".contiguous()"
        )
    return count * (2 if leaf.dtype == "bfloat16" else np.dtype(leaf.dtype).itemsize)


def _view(leaf: pickles.Tensor, numbers: Any, name: str) -> Any:
    last = leaf.offset + sum((size - 1) * stride for size, stride in zip(leaf.shape, leaf.strides, strict=True))
    if 0 not in leaf.shape and last >= len(numbers):
        raise ZooError(f"{name} claims more numbers than the file holds: it is damaged or cut off")
    if 0 in leaf.shape:
        return np.zeros(leaf.shape, numbers.dtype)
    strides = tuple(stride * numbers.itemsize for stride in leaf.strides)
    return np.lib.stride_tricks.as_strided(numbers[leaf.offset :], leaf.shape, strides).copy()
