"""A cell by itself: over a sequence from a state, and one step by hand."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zoo.engine.cell import Cell
from zoo.engine.layer import Run
from zoo.engine.recurrent_layer import RecurrentLayer


def run(cell: Cell, x: Tensor, **state: Tensor) -> Tensor:
    """The output (B, T, ...) over x (B, T, ...), outside training, from the cell's start or from the states given."""
    layer = RecurrentLayer(cell).eval()
    start = layer.init_state(x.shape[0], device=x.device, dtype=x.dtype) | state
    return layer(x, start, Run()).output


def fill(cell: Cell, **values: Any) -> None:
    """Set parameters and buffers by name to numbers or nested lists of them; a number fills."""
    with torch.no_grad():
        for name, value in values.items():
            target = cell.get_parameter(name) if name in dict(cell.named_parameters()) else cell.get_buffer(name)
            if isinstance(value, (int, float)):
                target.fill_(value)
            else:
                target.copy_(torch.as_tensor(value, dtype=target.dtype).reshape(target.shape))
