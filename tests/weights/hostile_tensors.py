"""The tensors of one small model, and how files are made of them and of what belongs in no file."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

Maker = Callable[[Path], None]
Rows = dict[str, tuple[Maker, str]]
"""By the name of the file: how it is made, and a part of the line that it gets."""

SHAPES = {"weight_ih": (12, 3), "weight_hh": (12, 4), "bias_ih": (12,), "bias_hh": (12,)}
FIRST, SECOND, BIAS = (f"layers.0.cell.{name}" for name in ("weight_ih", "weight_hh", "bias_ih"))


def arrays(**changed: Any) -> dict[str, Any]:
    """The model's tensors by name: ascending numbers. A change is by the short name; None leaves one out."""
    made = {name: np.arange(np.prod(shape), dtype=np.float32).reshape(shape) / 8 for name, shape in SHAPES.items()}
    return {f"layers.0.cell.{name}": one for name, one in {**made, **changed}.items() if one is not None}


def tensors(**changed: Any) -> dict[str, Any]:
    """The same for torch."""
    plain = arrays(**changed)
    return {name: torch.from_numpy(one) if isinstance(one, np.ndarray) else one for name, one in plain.items()}


class Runs:
    """What a pickle runs as it is loaded."""

    def __init__(self, function: Any, *words: Any) -> None:
        self.words = function, words

    def __reduce__(self) -> Any:
        return self.words


def zipped(members: Mapping[str, bytes] | list[tuple[str, bytes]]) -> Maker:
    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items() if isinstance(members, Mapping) else members:
                archive.writestr(name, data)

    return make
