"""Random inputs, as a model's input reads them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zoo.engine import forwards
from zoo.inputs.base import Input
from zoo.inputs.named import NamedInputs


def example(source: Input, batch: int, steps: int, seed: int, *, device: torch.device, dtype: torch.dtype) -> Any:
    """What `StackModel.example_input` returns. The global random state is untouched."""
    generator = torch.Generator().manual_seed(seed)
    if isinstance(source, NamedInputs):
        return _by_name(source, batch, steps, generator, device=device, dtype=dtype)
    if device.type == "meta":
        real = dtype if source.vocabulary is None else torch.int64
        return torch.zeros((batch, steps, *source.input_shape), device=device, dtype=real)
    x = source.example(batch, steps, generator, dtype)
    forwards.example(source, x, (batch, steps, *source.input_shape))
    return x.to(device)


def _by_name(
    source: NamedInputs,
    batch: int,
    steps: int,
    generator: torch.Generator,
    *,
    device: torch.device,
    dtype: torch.dtype,
) -> dict[str, Tensor]:
    """A random input for each name."""
    reads = source.reads
    if device.type == "meta":
        return {
            name: torch.zeros(
                (*read.leading(batch, steps), *read.shape),
                device=device,
                dtype=dtype if read.vocabulary is None else torch.int64,
            )
            for name, read in reads.items()
        }
    found = source.example(batch, steps, generator, dtype)
    for name, read in reads.items():
        forwards.example(source, found.get(name), (*read.leading(batch, steps), *read.shape))
    return {name: found[name].to(device) for name in reads}
