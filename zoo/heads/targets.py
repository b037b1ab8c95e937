"""Targets and lengths as they are given to a head's loss: looked at once, each mistake in one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from zoo.engine.tracing import is_tracing
from zoo.errors import InputError

DROPPED: Final = -100
"""A target that counts for nothing, as torch has it."""


def rows_of(output: Tensor) -> tuple[int, ...]:
    """(B, T), or (B,) behind a pool."""
    if not isinstance(output, Tensor) or output.dim() not in (2, 3):
        what = f"of shape {tuple(output.shape)}" if isinstance(output, Tensor) else f"a {type(output).__name__}"
        raise InputError(f"output must be what the model gives, (B, T, size), or (B, size) behind a pool, not {what}")
    return tuple(output.shape[:-1])


def valid_steps(output: Tensor, lengths: Tensor | Sequence[int] | None) -> Tensor | None:
    """Which steps count, (B, T); None for all."""
    rows = rows_of(output)
    if lengths is None:
        return None
    if len(rows) == 1:
        raise InputError("an output of one step for each sequence has no lengths: leave lengths out")
    ends = whole("lengths", lengths, rows[0], rows[1], output.device)
    return torch.arange(rows[1], device=output.device) < ends.unsqueeze(1)


def whole(
    name: str, lengths: Tensor | Sequence[int], batch: int, most: int, device: torch.device, *, least: int = 0
) -> Tensor:
    """Lengths (B,) as whole numbers within bounds."""
    found = torch.as_tensor(lengths)
    if found.is_floating_point() or found.is_complex() or found.dtype == torch.bool or found.shape != (batch,):
        raise InputError(f"{name} must be {batch} whole numbers, one for each sequence, not {_shown(found)}")
    if _looked_at(found) and found.numel() and not (least <= int(found.min()) and int(found.max()) <= most):
        raise InputError(f"{name} must be from {least} to {most}, not from {int(found.min())} to {int(found.max())}")
    return found.to(device, torch.int64)


def checked_symbols(target: Tensor, rows: tuple[int, ...], classes: int, valid: Tensor | None) -> Tensor:
    """Targets (B, T) or (B,) as whole numbers below `classes`, where they count; 0 where they do not."""
    if not isinstance(target, Tensor) or tuple(target.shape) != rows:
        raise InputError(f"target must be whole numbers of shape {rows}, one for each output, not {_shown(target)}")
    if target.is_floating_point() or target.is_complex():
        raise InputError(
            f"target must be whole numbers, which of the {classes} it is, not {target.dtype}: for real numbers "
            "compute a loss from the output, such as torch.nn.functional.mse_loss"
        )
    symbols = target.long()
    if valid is not None:
        symbols = symbols.masked_fill(~valid, 0)
    within(symbols, classes)
    return symbols


def within(symbols: Tensor, classes: int) -> None:
    """Raise InputError for a symbol that there is not. On the CPU only: elsewhere it would wait for the device."""
    if not _looked_at(symbols) or not symbols.numel():
        return
    low, high = (int(bound) for bound in torch.aminmax(symbols))
    if low < 0 or high >= classes:
        raise InputError(f"target must be from 0 to {classes - 1}, not from {low} to {high}")


def _looked_at(numbers: Tensor) -> bool:
    return numbers.device.type == "cpu" and not is_tracing()


def _shown(value: object) -> str:
    return f"{value.dtype} of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"{value!r:.60}"
