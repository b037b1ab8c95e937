"""One unit over a few steps, as one can compute it by hand, and how numbers are spread where parameters start."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

import zoo
from zoo.engine.cell import Cell

DOUBLE = torch.float64


def build(cell: Any, *, inputs: int = 1, hidden: int = 1, **keys: Any) -> zoo.Model:
    spec = {"schema": 1, "name": "t", "input": inputs, "cell": cell, "hidden_size": hidden, **keys}
    return zoo.build(spec, seed=0, dtype=DOUBLE).eval()


def cell_of(model: zoo.Model) -> Any:
    return next(module for module in model.modules() if isinstance(module, Cell))


def fill(cell: Any, **values: Any) -> None:
    """Set every parameter: to 0, or to what is given."""
    with torch.no_grad():
        for name, parameter in cell.named_parameters():
            value = torch.as_tensor(values.pop(name, 0.0), dtype=DOUBLE)
            parameter.copy_(value.expand_as(parameter) if value.dim() == 0 else value.view_as(parameter))
    assert not values


def outputs(model: zoo.Model, *xs: float, **extras: Any) -> list[float]:
    """The output of one unit for one feature, step by step."""
    with torch.no_grad():
        found: list[float] = model(torch.tensor(xs, dtype=DOUBLE).view(1, -1, 1), **extras)[0].flatten().tolist()
    return found


def times(*gaps: float) -> Tensor:
    return torch.tensor([gaps], dtype=DOUBLE)


def uniform(values: Tensor, low: float, high: float) -> None:
    """Within the bounds, and spread over them: by extremes and mean, at four deviations of the mean."""
    assert values.min() >= low
    assert values.max() <= high
    width = high - low
    assert values.max() - values.min() > 0.95 * width
    assert abs(values.mean().item() - (low + high) / 2) < 4 * width / math.sqrt(12 * values.numel())


def normal(*shape: int) -> Tensor:
    """The same normal numbers every time."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))
