"""Lower bounds of forget gates that rise from layer to layer, learned for all layers of a stack together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zoo.engine.cell import Cell


def risen(cell: Cell, peers: Sequence[Cell], name: str = "bound") -> Tensor:
    """The lower bound of one layer: 0 of the first, and of each the sum over the layers behind that of softmax(P).

    P has a row of numbers for each layer, its cell's parameter `name`, and the softmax is over layers. A cell that no
    stack has told of others is the first.

    Args:
        cell: One of them.
        peers: The cells of a stack, in order.
        name: Of the parameter.

    Returns:
        One bound for each feature, from 0 to below 1.
    """
    cells = peers or (cell,)
    shares = torch.stack([getattr(one, name) for one in cells]).softmax(0).cumsum(0)
    place = next(index for index, one in enumerate(cells) if one is cell)
    return shares[place] - shares[0]
