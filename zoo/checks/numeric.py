"""What checks of numbers share, whatever the architecture: finite differences, and states that are not rounded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from zoo.errors import CheckFailure


def hold_to_differences(
    function: Callable[..., Any],
    inputs: Sequence[Tensor],
    label: str,
    *,
    check: Callable[..., bool] = torch.autograd.gradcheck,
) -> None:
    """Derivatives equal finite differences. Fast mode compares along random directions, and so covers every number.

    Args:
        function: Of tensors, in float64.
        inputs: What it is called with, and differentiated by.
        label: What the derivatives are, for the failure.
        check: `gradcheck`, or `gradgradcheck` for second derivatives.

    Raises:
        CheckFailure: If they differ.
    """
    try:
        check(function, inputs, atol=1e-6, rtol=1e-4, fast_mode=True)
    except RuntimeError as error:  # GradcheckError among them
        text = " ".join(str(error).split())
        raise CheckFailure(f"{label} differ from finite differences, bound 1e-6: {text[:160]}") from None


def leaves(*tensors: Tensor) -> list[Tensor]:
    """Copies to differentiate by."""
    return [one.detach().clone().requires_grad_() for one in tensors]


def hold_states_wide(state: Mapping[str, Tensor], label: str) -> None:
    """No state is in half precision.

    Raises:
        CheckFailure: If one is.
    """
    for name, tensor in state.items():
        if tensor.dtype in (torch.bfloat16, torch.float16):
            raise CheckFailure(f"{label}: state {name} has dtype {tensor.dtype}, expected torch.float32")
