"""Read recurrent layers of Keras out of .keras, .h5 and .weights.h5 files, without Keras: nothing in them is run."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from zoo.errors import ZooError
from zoo.translation.contents import Contents, Stored, bounded, native, odd, of_bits
from zoo.translation.keras_config import CLASSES
from zoo.translation.state_dicts import listed

try:
    import h5py
except ImportError as missing:
    raise ZooError("to read files of Keras: pip install h5py") from missing

_BY_GATES: Final = {1: "SimpleRNN", 3: "GRU", 4: "LSTM"}
_BETWEEN: Final = ("Dropout", "SpatialDropout1D", "GaussianDropout", "GaussianNoise", "AlphaDropout")
"""What does nothing outside training."""
_FILTERS: Final = (1, 2, 3)
"""Of HDF5: gzip, shuffle, fletcher32. Any other one would load a library."""
_MOST: Final = 50_000


@dataclass(frozen=True, slots=True)
class Layer:
    """One entry of a model's configuration.

    Attributes:
        group: Where its weights are in a .keras.
        sequential: Which Sequential it is in; "" where it is in none.
    """

    name: str
    class_name: str
    config: Mapping[str, Any]
    group: str
    sequential: str

    @property
    def recurrent(self) -> bool:
        inner = self.config.get("layer") if self.class_name == "Bidirectional" else None
        return self.class_name in CLASSES or (isinstance(inner, Mapping) and inner.get("class_name") in CLASSES)


class Weights:
    """The datasets of an HDF5 file; each is looked at before it is read."""

    def __init__(self, file: Any, size: int) -> None:
        self.file, self._size, self._total = file, size, 0

    def group(self, path: str) -> Any:
        """The group at a path, through no link, or None."""
        found = self.file
        for part in [part for part in path.split("/") if part]:
            link = found.get(part, getlink=True) if isinstance(found, h5py.Group) else None
            if link is not None and not isinstance(link, h5py.HardLink):
                raise ZooError(f"{path} is a link to somewhere else, which is not followed")
            if link is None:
                return None
            found = found[part]
        return found

    def array(self, path: str) -> Stored:
        """The numbers at a path."""
        found = self.group(path)
        if not isinstance(found, h5py.Dataset):
            raise ZooError(f"{path} is missing")
        if found.is_virtual or found.external:
            raise ZooError(f"{path} stores its numbers in another file, which is not followed")
        if found.dtype.hasobject or found.dtype.itemsize > 16 or found.shape is None:
            raise ZooError(f"{path} holds no numbers")
        plist = found.id.get_create_plist()
        if any(plist.get_filter(index)[0] not in _FILTERS for index in range(plist.get_nfilters())):
            raise ZooError(f"{path} is packed in a way that Keras does not use")
        length = int(np.prod(found.shape, dtype=object)) * found.dtype.itemsize
        self._total += length
        bounded(self._total, self._size)
        if length and not found.id.get_storage_size():
            raise ZooError(f"{path} claims numbers that the file does not hold")
        value = found[()]
        if _in_bfloat16(found):
            return Stored(of_bits(np.ascontiguousarray(value).view(np.uint16).reshape(found.shape)), "bfloat16")
        return native(value)

    def everything(self) -> Contents:
        """Every dataset of numbers by its path; what is none is said to be odd."""
        held: dict[str, Stored] = {}
        others: dict[str, str] = {}
        for path, group in [("", self.file), *self.visit()]:
            for name in group:
                place = f"{path}/{name}".strip("/")
                link = group.get(name, getlink=True)
                if not isinstance(link, h5py.HardLink):
                    others[place] = "link"
                elif isinstance(group[name], h5py.Dataset):
                    what = odd(group[name].dtype) if group[name].shape is not None else "dataset without numbers"
                    if what is not None and not _in_bfloat16(group[name]):
                        others[place] = what
                    else:
                        held[place] = self.array(place)
        return Contents("state", {"records": {}, "odd": others}, held)

    def visit(self, group: Any = None, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
        """Every group by its path; links are left alone."""
        for name in group if group is not None else self.file:
            path = f"{prefix}/{name}".strip("/")
            within = group if group is not None else self.file
            if isinstance(within.get(name, getlink=True), h5py.HardLink) and isinstance(within[name], h5py.Group):
                if depth > 20:
                    raise ZooError("has groups within groups, more than twenty deep")
                yield path, within[name]
                yield from self.visit(within[name], path, depth + 1)


def read(path: Path, *, prefix: str | None, whole: bool) -> Contents:
    """The recurrent layers of a model, or of a file of weights alone.

    Raises:
        ZooError: The file holds something else; says what.
    """
    size = path.stat().st_size
    if not zipfile.is_zipfile(path):
        weights = Weights(h5py.File(path, "r", locking=False), size)
        if whole:
            return weights.everything()
        said = weights.file.attrs.get("model_config")
        if said is None:
            return _weights_alone(weights, prefix)
        return _of_model(json.loads(said), weights, prefix, legacy=True)
    with zipfile.ZipFile(path) as archive:
        for name in ("config.json", "model.weights.h5"):
            if name not in archive.namelist():
                raise ZooError(f"has no {name}, which a file that Keras saved has")
            bounded(archive.getinfo(name).file_size, size)
        config = json.loads(archive.read("config.json"))
        weights = Weights(h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r"), size)
    if whole:
        return weights.everything()
    return _of_model(config, weights, prefix, legacy=False)


def _of_model(config: Any, weights: Weights, prefix: str | None, *, legacy: bool) -> Contents:
    layers = list(_layers(config, "", [0]))
    chosen = _chosen(layers, prefix)
    entries: list[dict[str, Any]] = []
    arrays: dict[str, Stored] = {}
    for index, layer in enumerate(chosen):
        entries.append({"class_name": layer.class_name, "config": layer.config, "name": layer.name})
        found = _by_names(weights, layer.name) if legacy else _by_place(weights, layer)
        arrays |= {f"{index}.{number}": one for number, one in enumerate(found)}
    left = [
        layer.class_name
        for layer in layers
        if layer not in chosen and layer.class_name not in ("InputLayer", *_BETWEEN)
    ]
    names = listed([layer.name for layer in chosen])
    return Contents("keras", entries, arrays, (f"converted: {names}; left out: {listed(left)}",) if left else ())


def _layers(entry: Any, group: str, count: list[int], depth: int = 0) -> Iterator[Layer]:
    """Every layer of a model, and of models in it, in order."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("config"), Mapping | list) or depth > 20:
        raise ZooError("has a configuration that is not one of Keras's")
    config = entry["config"]
    inner = config if isinstance(config, list) else config.get("layers")  # a list in files of early versions
    if not isinstance(inner, list):
        raise ZooError(
            f"holds a model of a class of its own, {entry.get('class_name')}, which does not list its layers"
        )
    used: Counter[str] = Counter()
    for one in inner:
        count[0] += 1
        if count[0] > _MOST or not isinstance(one, Mapping) or not isinstance(one.get("config"), Mapping | list):
            raise ZooError("has a configuration that is not one of Keras's")
        class_name = str(one.get("class_name"))
        snake = _snake(class_name)
        place = f"{group}layers/{snake}_{used[snake]}" if used[snake] else f"{group}layers/{snake}"
        used[snake] += 1
        if class_name in ("Sequential", "Functional", "Model"):
            yield from _layers(one, f"{place}/", count, depth + 1)
        else:
            own = one["config"] if isinstance(one["config"], Mapping) else {}
            sequential = group or "/" if entry.get("class_name") == "Sequential" else ""
            yield Layer(str(own.get("name", one.get("name", place))), class_name, own, place, sequential)


def _chosen(layers: Sequence[Layer], prefix: str | None) -> list[Layer]:
    found = [layer for layer in layers if layer.recurrent]
    if not found:
        kinds = listed(sorted({layer.class_name for layer in layers}))
        raise ZooError(f"has no layer {', '.join(CLASSES)}, or Bidirectional around one, but {kinds}")
    if prefix is not None:
        named = [layer for layer in found if layer.name == prefix]
        if len(named) != 1:
            raise ZooError(f"has no recurrent layer {prefix!r}: there are {listed([layer.name for layer in found])}")
        return named
    first, last = layers.index(found[0]), layers.index(found[-1])
    others = [layer for layer in layers[first : last + 1] if layer not in found and layer.class_name not in _BETWEEN]
    if len(found) > 1 and (others or len({layer.sequential for layer in found}) > 1 or not found[0].sequential):
        names = listed([layer.name for layer in found])
        raise ZooError(
            f"holds {len(found)} recurrent layers that do not form one sequential chain: {names}; choose one with "
            "--prefix"
        )
    return found


def _by_place(weights: Weights, layer: Layer) -> list[Stored]:
    """In a .keras: by the layer's name, where the file notes it, else by its place among its like."""
    parent = weights.group(layer.group.rpartition("/")[0])
    named = [name for name in parent or () if _noted(weights, f"{layer.group.rpartition('/')[0]}/{name}") == layer.name]
    group = f"{layer.group.rpartition('/')[0]}/{named[0]}" if len(named) == 1 else layer.group
    return _cells(weights, group)


def _noted(weights: Weights, path: str) -> str | None:
    found = weights.group(f"{path}/vars")
    return None if not isinstance(found, h5py.Group) else str(found.attrs.get("name"))


def _cells(weights: Weights, group: str) -> list[Stored]:
    ways = ("forward_layer", "backward_layer") if weights.group(f"{group}/forward_layer") is not None else ("",)
    found = []
    for way in ways:
        cell = f"{group}/{way}/cell/vars" if way else f"{group}/cell/vars"
        held = weights.group(cell)
        if not isinstance(held, h5py.Group):
            raise ZooError(f"{cell} is missing")
        found += [weights.array(f"{cell}/{number}") for number in range(len(held))]
    return found


def _by_names(weights: Weights, name: str) -> list[Stored]:
    """In an .h5 of a whole model."""
    base = "model_weights/" if weights.group("model_weights") is not None else ""
    held = weights.group(f"{base}{name}")
    if not isinstance(held, h5py.Group) or "weight_names" not in held.attrs:
        raise ZooError(f"{base}{name}, the weights of the layer {name}, is missing")
    return [weights.array(f"{base}{name}/{_text(one)}") for one in held.attrs["weight_names"]]


def _weights_alone(weights: Weights, prefix: str | None) -> Contents:
    """Weights without a configuration: kinds by their shapes; what only a configuration says is asked for later."""
    found: dict[str, list[Stored]] = {}
    places: list[str] = []
    for path, group in weights.visit():
        if path.endswith("/cell/vars"):
            places.append(re.sub(r"(/forward_layer|/backward_layer)?/cell/vars$", "", path))
        elif any("recurrent_kernel" in _text(name) for name in group.attrs.get("weight_names", ())):
            places.append(path)
    places = list(dict.fromkeys(places))
    if not places:
        raise ZooError("holds no weights of a SimpleRNN, LSTM or GRU of Keras")
    wanted = [place for place in places if prefix is None or place == prefix or place.endswith(f"/{prefix}")]
    if len(wanted) != 1:
        raise ZooError(f"holds {len(places)} recurrent layers: {listed(places)}; choose one with --prefix")
    (place,) = wanted
    found[place] = _by_names(weights, place) if "weight_names" in weights.group(place).attrs else _cells(weights, place)
    arrays = found[place]
    count = len(arrays)
    if count not in (2, 3, 4, 6) or any(one.array.ndim != 2 for one in arrays[:2]) or 0 in arrays[1].array.shape:
        raise ZooError(f"{place} does not hold the weights of a SimpleRNN, LSTM or GRU")
    units, columns = arrays[1].array.shape
    entry = {"class_name": _BY_GATES.get(columns // units), "config": None, "name": place, "both": count in (4, 6)}
    return Contents("keras", [entry], {f"0.{number}": one for number, one in enumerate(arrays)})


def _in_bfloat16(found: Any) -> bool:
    return bool(found.dtype.itemsize == 2 and found.attrs.get("dtype") == "bfloat16")


def _snake(name: str) -> str:
    """As Keras names the groups of its files."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
