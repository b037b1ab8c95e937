"""Every gradient of a run: of what came in, of the state and of the parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zoo.checks.batch import Batch, map_state, named, run
from zoo.engine.state import State
from zoo.model.base import Model


def weights_like(tensor: Tensor, *, first_sequence: int = 0, batch_axis: int = 0) -> Tensor:
    """Fixed numbers for a weighted sum: each depends on its own place only, whatever the tensor's size."""
    total = torch.ones((), dtype=torch.float64)
    for axis, size in enumerate(tensor.shape):
        place = torch.arange(size, dtype=torch.float64) + (first_sequence if axis == batch_axis else 0)
        total = total + (1.3 + 0.71 * axis) * place.view(-1, *(1,) * (tensor.dim() - axis - 1))
    return torch.cos(total).to(tensor.device)


@dataclass(frozen=True)
class Measured:
    """A run with every gradient of one weighted sum of what came out: of what came in, the state, the parameters.

    `state` is named; a gradient that is None was never reached, and stands here as zeros.
    """

    output: Tensor
    state: State
    x: Mapping[str, Tensor]
    before: Mapping[str, Tensor]
    parameters: Mapping[str, Tensor]


def measure(
    model: Model,
    batch: Batch,
    state: Any = None,
    *,
    lengths: Tensor | None = None,
    reset: Tensor | None = None,
    first_sequence: int = 0,
) -> Measured:
    """Run, and take the gradients of all that the run can be differentiated by. State gradients are by place."""
    x = {name: t.detach().clone() for name, t in batch.inputs.items()}
    x = {name: t.requires_grad_() if t.is_floating_point() else t for name, t in x.items()}
    batch = Batch({**batch.arguments, **x}, batch.once, batch.hop)
    leaves: list[Tensor] = []

    def leaf(tensor: Tensor) -> Tensor:
        if not (tensor.is_floating_point() or tensor.is_complex()):
            return tensor
        leaves.append(tensor.detach().clone().requires_grad_())
        return leaves[-1]

    before = None if state is None else map_state(state, leaf)
    model.zero_grad(set_to_none=True)
    output, after = run(model, batch, before, lengths=lengths, reset=reset)
    after = named(model, after)
    loss = weighted(output, first_sequence=first_sequence)
    for tensor in after.values():
        if tensor.is_floating_point() or tensor.is_complex():
            loss = loss + weighted(tensor, first_sequence=first_sequence)
    loss.backward()  # type: ignore[no-untyped-call]
    return Measured(
        output=output.detach(),
        state=after.detach(),
        x={name: _gradient(t) for name, t in x.items() if t.requires_grad},
        before={str(index): _gradient(tensor) for index, tensor in enumerate(leaves)},
        parameters={name: _gradient(p) for name, p in model.named_parameters()},
    )


def weighted(tensor: Tensor, *, first_sequence: int = 0) -> Tensor:
    """A weighted sum of every number in it, real and imaginary parts alike."""
    parts = torch.view_as_real(tensor) if tensor.is_complex() else tensor
    return (parts.double() * weights_like(parts, first_sequence=first_sequence)).sum()


def _gradient(tensor: Tensor) -> Tensor:
    return torch.zeros_like(tensor) if tensor.grad is None else tensor.grad.detach().clone()


@contextmanager
def features_of(model: Model) -> Iterator[list[Tensor]]:
    """Inside, a run reads its features from a leaf of its own, given here: so symbols have gradients by step too."""
    found: list[Tensor] = []

    def cut(module: torch.nn.Module, given: Any, features: Tensor) -> Tensor:
        found.append(features.detach().clone().requires_grad_())
        return found[-1]

    handle = model.input.register_forward_hook(cut)
    try:
        yield found
    finally:
        handle.remove()
