"""What the tests of the model share."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

import zoo
from zoo.model.base import Model


def spec(**keys: Any) -> dict[str, Any]:
    """A spec with 3 features and 5 units, unless the keys say otherwise."""
    base: dict[str, Any] = {"schema": 1, "name": "a", "input": 3}
    if not isinstance(keys.get("layers"), list):
        base |= {"cell": "rnn", "hidden_size": 5}
    return {**base, **keys}


def build(*, seed: int = 0, dtype: torch.dtype = torch.float64, engine: str = "auto", **keys: Any) -> Model:
    return zoo.build(spec(**keys), seed=seed, dtype=dtype, engine=engine)


def features(batch: int = 4, steps: int = 7, size: int = 3, *, seed: int = 1) -> Tensor:
    return torch.randn(batch, steps, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def symbols(batch: int, steps: int, vocabulary: int, *, seed: int = 1) -> Tensor:
    return torch.randint(0, vocabulary, (batch, steps), generator=torch.Generator().manual_seed(seed))


def noise(like: Tensor, *, seed: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(like.shape, generator=generator, dtype=torch.float64).to(like.dtype)


def close(actual: Tensor | None, expected: Tensor | None, tolerance: float = 1e-12) -> None:
    """Equal to a tolerance, absolute and relative; a gradient that is not there is equal to nothing."""
    assert actual is not None
    assert expected is not None
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)


def within(mask: Tensor, rate: float) -> None:
    """The share of zeros within four standard deviations of a rate."""
    dropped = (mask == 0).double().mean().item()
    assert abs(dropped - rate) < 4 * math.sqrt(rate * (1 - rate) / mask.numel())


def per_row(x: Tensor, lengths: list[int]) -> list[Tensor]:
    """Each row alone, without its padding: (1, length, F)."""
    return [x[row : row + 1, :length] for row, length in enumerate(lengths)]


def flat(state: Any) -> list[Tensor]:
    """A state's tensors, whatever its layout."""
    if isinstance(state, Tensor):
        return [state]
    return list(state.values()) if isinstance(state, zoo.State) else list(state)


def same(state: Any, other: Any) -> None:
    assert type(state) is type(other)
    for one, two in zip(flat(state), flat(other), strict=True):
        close(one, two)
