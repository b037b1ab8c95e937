"""Activations by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from zoo.layers.options import Activation

CLIP: Final = 20.0
"""Of the clipped relu, min(max(x, 0), 20): arXiv:1412.5567, section 2."""


def activate(name: Activation, x: Tensor) -> Tensor:
    """The named activation of x, element by element."""
    return _ACTIVATIONS[name](x)


_ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "none": lambda x: x,
    "relu": torch.relu,
    "clipped_relu": lambda x: torch.clamp(x, 0.0, CLIP),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "gelu": F.gelu,
    "silu": F.silu,
}
