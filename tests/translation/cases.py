"""Models of every option that another library has too."""

from __future__ import annotations

import itertools
from typing import Any

import torch

import zoo

BIASES = ("two", "one", "none")
CELLS: tuple[dict[str, Any], ...] = (
    *({"kind": "rnn", "nonlinearity": f, "bias": b} for f, b in itertools.product(("tanh", "relu"), BIASES)),
    *({"kind": "gru", "reset_gate": r, "bias": b} for r, b in itertools.product(("after", "before"), BIASES)),
    *({"kind": "lstm", "bias": b} for b in BIASES),
    *({"kind": "lstm", "bias": b, "peephole": True} for b in BIASES),
    *({"kind": "lstm", "bias": b, "projection": 3} for b in BIASES),
)


def spec(cell: dict[str, Any], *, layers: int = 1, **keys: Any) -> dict[str, Any]:
    stack = [{"cell": cell, "hidden_size": 5, **keys}] * layers
    return {"schema": 1, "name": "source", "input": 4, "layers": stack}


def model(cell: dict[str, Any], *, layers: int = 1, dtype: torch.dtype = torch.float64, **keys: Any) -> zoo.Model:
    """With every number drawn, biases too."""
    made = zoo.build(spec(cell, layers=layers, **keys), seed=3, dtype=dtype)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(0.6 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return made.eval()


def name(cell: dict[str, Any]) -> str:
    return "-".join(str(value) for value in cell.values())


def inputs(rows: int = 2, steps: int = 6) -> torch.Tensor:
    return torch.randn(rows, steps, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(7))
