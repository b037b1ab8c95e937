"""Which tensors of a model are one and the same."""

from __future__ import annotations

from typing import Any

from torch import nn


def owners(model: nn.Module) -> dict[str, str]:
    """The first name of each tensor of a state dict, by each of its names, in order."""
    first: dict[tuple[Any, ...], str] = {}
    found: dict[str, str] = {}
    for name, one in model.state_dict().items():
        place = (one.device, one.data_ptr(), one.dtype, one.shape, one.stride()) if one.numel() else (name,)
        found[name] = first.setdefault(place, name)
    return found
