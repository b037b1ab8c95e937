"""One tensor that a model is called with, checked: each mistake is one InputError that says what fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from zoo.components import Shape
from zoo.errors import InputError


def check_input(
    x: Any, shape: Shape, vocabulary: int | None, *, device: torch.device, dtype: torch.dtype, label: str = "x"
) -> None:
    """x (B, T, *shape), on the model's device; integers for symbols, else the model's own dtype."""
    if not isinstance(x, Tensor):
        packed = " or a PackedSequence" if label == "x" else ""
        mend = ": this model has one input, which is given as it is" if isinstance(x, Mapping) else ""
        raise InputError(f"{label} must be a tensor{packed}, not {type(x).__name__}{mend}")
    if x.layout != torch.strided or x.is_nested:
        raise InputError(
            f"{label} must be an ordinary dense tensor: use {label}.to_dense(), or pad the sequences and give lengths"
        )
    axes = ", ".join(("B", "T", *map(str, shape)))
    if x.dim() != 2 + len(shape):
        message = f"{label} must have shape ({axes}), not {tuple(x.shape)}"
        if x.dim() == 1 + len(shape) and tuple(x.shape[1:]) == shape and shape:
            message += f": the batch or the time axis is missing; use {label}.unsqueeze(0) for one sequence, "
            message += f"{label}.unsqueeze(1) for one step of a batch, or model.step"
        elif x.dim() == 1 and not shape:
            message += f": the batch or the time axis is missing; use {label}.unsqueeze(0) for one sequence"
        raise InputError(message)
    if tuple(x.shape[2:]) != shape:
        raise InputError(f"{label} must have shape ({axes}), not {tuple(x.shape)}")
    if 0 in x.shape[:2]:
        raise InputError(f"{label} has no {'sequences' if x.shape[0] == 0 else 'steps'}: shape {tuple(x.shape)}")
    if x.device != device and x.device.type != device.type:
        raise InputError(f"{label} is on {x.device}, the model on {device}: use {label}.to({str(device)!r})")
    if vocabulary is not None:
        if x.dtype not in (torch.int64, torch.int32):
            raise InputError(f"{label} must be symbols of dtype torch.int64, not {x.dtype}: use {label}.long()")
    elif not x.is_floating_point():
        raise InputError(f"{label} must be real numbers of dtype {dtype}, not {x.dtype}: use {label}.to({dtype})")
    elif x.dtype != dtype and (torch.float64 in (x.dtype, dtype) or not torch.is_autocast_enabled(x.device.type)):
        raise InputError(
            f"{label} has dtype {x.dtype}, the model {dtype}: use {label}.to({dtype}) or model.to({x.dtype})"
        )


def check_symbols(x: Tensor, vocabulary: int, *, label: str = "x") -> None:
    """x (B, T), zero in padding, within the vocabulary. On the CPU only: elsewhere it would wait for the device."""
    if x.device.type != "cpu" or not x.numel() or not readable(x):
        return
    low, high = (int(bound) for bound in torch.aminmax(x))
    if low < 0 or high >= vocabulary:
        raise InputError(
            f"{label} must be symbols from 0 to {vocabulary - 1}, the input's vocabulary, not from {low} to {high}"
        )


def readable(x: Tensor) -> bool:
    """Whether a tensor's numbers can be read: not while compiling or exporting, not on meta, not under vmap."""
    return not (torch.compiler.is_compiling() or x.device.type == "meta" or torch._C._functorch.is_batchedtensor(x))


@contextmanager
def speaking_of(name: str) -> Iterator[None]:
    """Inside, what does not fit says of which argument it speaks."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
