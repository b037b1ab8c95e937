"""Lower bounds of forget gates that rise from layer to layer, learned for all layers of a stack together."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.engine.cell import Cell
from zoo.engine.precision import widened


def risen(cell: Cell, name: str = "bound") -> Tensor:
    """The lower bound of one layer: 0 of the first, and of each the sum over the layers behind that of softmax(P).

    P has a row of numbers for each layer, its cell's parameter `name`, and the softmax is over layers. A cell that no
    stack has told of others is the first.

    Args:
        cell: Of the layer.
        name: Of the parameter.

    Returns:
        One bound for each feature, from 0 to below 1.
    """
    rows = [getattr(one, name) for one in cell.peers or (cell,)]
    rows[cell.peer] = getattr(cell, name)  # of a copy, its own
    # at least float32: differences of sums over many layers
    shares = torch.stack([widened(row) for row in rows]).softmax(0).cumsum(0)
    return shares[cell.peer] - shares[0]
