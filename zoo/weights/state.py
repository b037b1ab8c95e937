"""Weights for a model that is built: a file of its `state_dict`, without the spec."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo.errors import ZooError
from zoo.model.base import Model
from zoo.spec.saved import is_saved
from zoo.weights.matching import unlike


def load_state(model: Model, path: str | os.PathLike[str]) -> None:
    """Fill a model with tensors of the same names and shapes. Nothing is half loaded.

    Args:
        model: A model that `zoo.build` made.
        path: A .safetensors file of tensors by name, or what `torch.save(model.state_dict(), path)` wrote, of which
            tensors alone are read.

    Raises:
        ZooError: If it is neither, or its tensors are not the model's.
    """
    found = _safetensors(path) if is_saved(path) else _torch(path)
    wanted = model.state_dict()
    for name in set(wanted) - set(found):  # of tied tensors a file of the format has one
        same = [other for other in found if other in wanted and wanted[other].data_ptr() == wanted[name].data_ptr()]
        if same and wanted[name].numel():
            found[name] = found[same[0]]
    text = unlike({n: tuple(t.shape) for n, t in wanted.items()}, {n: tuple(t.shape) for n, t in found.items()})
    if text is not None:
        raise ZooError(f"{path}: its weights are not those of the model: {text}")
    model.load_state_dict(found)


def _safetensors(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    Path(path).stat()  # a file that is not there is said as of any other
    try:
        return load_file(path)
    except (SafetensorError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        raise ZooError(f"{path}: is damaged, or no .safetensors file: {reason}") from None


def _torch(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    Path(path).stat()
    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:120]
        raise ZooError(f"{path}: holds no tensors that torch reads without running code: {reason}") from None
    if not isinstance(found, Mapping) or not all(isinstance(one, Tensor) for one in found.values()):
        raise ZooError(f"{path}: is no mapping of names to tensors: save model.state_dict()")
    return dict(found)
