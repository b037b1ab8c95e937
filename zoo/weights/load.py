"""`zoo.load_weights`: the weights of a checkpoint into a model, all of them or none."""

from __future__ import annotations

import os
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from zoo.errors import ZooError, one_line
from zoo.model.base import Model
from zoo.model.provenance import KEY
from zoo.weights import maps, reading
from zoo.weights.by_map import by_map
from zoo.weights.by_name import by_name
from zoo.weights.filled import Filled
from zoo.weights.maps import MapLike
from zoo.weights.reading import Found

_DTYPES: Final = {torch.float16: 11, torch.bfloat16: 8, torch.float32: 24, torch.float64: 53}


def load_weights(
    model: Model,
    file: str | os.PathLike[str] | Mapping[str, Any],
    map: MapLike | None = None,
    prefix: str | None = None,
) -> Model:
    """Give a model the weights of a checkpoint.

    Without a map, names and shapes must be the model's own, as in a file of `zoo.save`, a state dict, or a checkpoint
    that holds one. With a map, its lines say which of their tensors is which of the model's. Nothing in a file is run.
    Every tensor of the checkpoint is used or left out by name, every tensor of the model is filled, and no number is
    NaN, or there is one error that lists both sides, and the model is as it was.

    Args:
        model: A model that `zoo.build` made, on any device but "meta".
        file: A .safetensors, .pt, .npz, .npy, .onnx, .keras or .h5 file, an index of pieces, a folder of them, or a
            mapping of names to tensors.
        map: The name of a map of weights, its path, or a mapping with its keys, of which `weights`, `name` and `spec`
            may be left out.
        prefix: Below which name in the file the weights stand; of a map, in place of what its `within` says.

    Returns:
        The same model.

    Raises:
        ZooError: If the file cannot be read, or is not this model's.
        SpecError: If the map has mistakes: every one, with its place.

    Example:
        >>> theirs = torch.nn.LSTM(10, 20)
        >>> form = {"layers.{i}": {"form": "torch", "module": "", "layer": "{i}"}}
        >>> model = zoo.load_weights(zoo.build("lstm"), theirs.state_dict(), {"spec": "lstm", "recurrent": form})
        >>> torch.equal(model.layers[0].cell.weight_ih, theirs.weight_ih_l0)
        True
    """
    if not isinstance(model, Model):
        raise ZooError(f"a {type(model).__name__} is no model that zoo built: weights are loaded into one of these")
    if prefix is not None and not isinstance(prefix, str):
        raise ZooError(f"prefix must be text, not {prefix!r:.60}")
    chosen = None if map is None else maps.read(map)
    for name, one in model.state_dict().items():
        if one.is_meta:
            raise ZooError(f"{name} is on the device meta, without numbers: zoo.materialise gives it some")
    notes = pour(model, reading.read(file), chosen, prefix)
    for note in notes:
        warnings.warn(note, stacklevel=2)
    return model


def pour(model: Model, found: Found, chosen: maps.WeightMap | None, prefix: str | None) -> list[str]:
    """Fill a model with what was read.

    Returns:
        What a person should hear of: what was left out, what was rounded.

    Raises:
        ZooError: One line that begins with the file's name; the model is as it was.
    """
    try:
        filled = by_name(model, found, prefix) if chosen is None else by_map(model, found, chosen, prefix)
        notes = [*_another(found, chosen), *filled.notes]
        state = _converted(model, filled, notes)
    except ZooError as error:
        raise ZooError(one_line(f"{found.file}: {error}")) from None
    if isinstance(filled.record, Mapping):
        state._metadata = {"": {KEY: filled.record}}  # type: ignore[attr-defined]
    # Nothing is left that could fail: names and shapes are the model's.
    model.load_state_dict(state)
    return [one_line(f"{found.file}: {note}") for note in notes]


def _another(found: Found, chosen: maps.WeightMap | None) -> list[str]:
    """What to say of a file that is not the one that a map was written for: one that was trained further, perhaps."""
    wanted = chosen.says.source.sha256 if chosen is not None and chosen.says.source is not None else None
    digest = found.sha256() if wanted is not None else None
    if chosen is None or digest in (None, wanted):
        return []
    return [f"is not the file that the map {chosen.says.name} was written for: its SHA-256 is {digest}"]


def _converted(model: Model, filled: Filled, notes: list[str]) -> OrderedDict[str, Tensor]:
    """As tensors of the model's own types, each number looked at."""
    state: OrderedDict[str, Tensor] = OrderedDict()
    parameters = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    rounded: dict[tuple[str, str], int] = {}
    for name, own in model.state_dict().items():
        if name in filled.kept:
            state[name] = own.clone()
            continue
        made = filled.arrays[name]
        kind = str(own.dtype).removeprefix("torch.")
        # Whole numbers where the model has others are those of quantised weights: without scale, worth nothing.
        if name in parameters and made.array.dtype.kind in "iub":
            raise ZooError(f"{name} is {made.array.dtype} in the file, and {kind} in the model")
        state[name] = _as(made.array, own, name)
        _refuse_odd_numbers(name, made.array, buffer=name not in parameters)
        if not made.computed and not _exact(made.array, state[name]):
            if not (own.is_floating_point() or own.is_complex()):
                raise ZooError(f"{name} is {made.dtype} in the file, and {kind} in the model, which has other numbers")
            pair = (made.dtype, kind)
            rounded[pair] = rounded.get(pair, 0) + 1
        if bool(torch.isinf(state[name]).any()) and not bool(np.isinf(made.array).any()):
            raise ZooError(f"{name} holds numbers that are too large for {kind}")
    for (theirs, ours), count in rounded.items():
        notes.append(f"{theirs} became {ours}, which rounds the numbers of {count} tensor{'s' if count > 1 else ''}")
    return state


def _as(array: Any, own: Tensor, name: str) -> Tensor:
    if own.is_complex() and not np.iscomplexobj(array):
        array = np.ascontiguousarray(array, np.float64)
        made = torch.view_as_complex(torch.from_numpy(array))
    else:
        if np.iscomplexobj(array) and not own.is_complex():
            raise ZooError(f"{name} is complex in the file, and real in the model")
        made = torch.from_numpy(np.array(array))
    return made.to(own.dtype)


def _refuse_odd_numbers(name: str, array: Any, *, buffer: bool) -> None:
    if not np.issubdtype(array.dtype, np.inexact):
        return
    nan = int(np.isnan(array).sum())
    infinite = 0 if buffer else int(np.isinf(array).sum())
    if nan or infinite:
        what = f"{nan:,} NaN" if nan else f"{infinite:,} infinite numbers"
        raise ZooError(f"{name} would get {what}: such weights are damaged, or were trained to no end")


def _exact(array: Any, made: Tensor) -> bool:
    """Whether each number is what it was."""
    real = torch.view_as_real(made) if made.is_complex() and not np.iscomplexobj(array) else made
    wide = real.to(torch.complex128 if real.is_complex() else torch.float64)
    if real.dtype in (torch.int64, torch.bool) or array.dtype.kind in "iu":
        return bool(np.array_equal(real.cpu().numpy() if real.dtype != torch.bfloat16 else wide.numpy(), array))
    return bool(np.array_equal(wide.cpu().numpy(), array.astype(wide.numpy().dtype)))
