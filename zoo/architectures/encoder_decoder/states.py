"""The decoder's state: its layers', what was fed to the next step, and what attention remembers."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from zoo.architectures.encoder_decoder.attention import Attention
from zoo.engine.state import State
from zoo.model.layout import NamedLayout
from zoo.model.stack import StackModel

PREFIX = "decoder."


def shapes(stack: StackModel) -> dict[str, tuple[int, ...]]:
    """Of each state of one sequence, by its name in its stack."""
    device, dtype = stack._place()
    state = stack.layers.init_state(1, device=device, dtype=dtype)
    return {name: tuple(tensor.shape[1:]) for name, tensor in state.items()}


def remembered(attention: Attention | None) -> Mapping[str, int | None]:
    """Width of what attention remembers from step to step, by name; None for a number for each step of the source."""
    return {} if attention is None else attention.remembers


def initial(
    decoder: StackModel, attention: Attention | None, batch: int, source_steps: int, *, feeds_next: bool
) -> dict[str, Tensor]:
    """The decoder's state of its own: its layers', and zeros for what was fed and what attention remembers.

    Args:
        decoder: Whose layers have states.
        attention: What it asks, or None.
        batch: Number of sequences.
        source_steps: Number of steps of the source's memory.
        feeds_next: Whether what was asked is fed to the next step.

    Returns:
        Tensors (B, ...) by names without a prefix.
    """
    device, dtype = decoder._place()
    found = decoder.layers.init_state(batch, device=device, dtype=dtype)
    like = torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype
    if attention is not None and feeds_next:
        found["feed"] = torch.zeros((batch, attention.output_size), device=device, dtype=like)
    for name, size in remembered(attention).items():
        found[name] = torch.zeros((batch, source_steps if size is None else size), device=device, dtype=like)
    return found


def outward(state: Mapping[str, Tensor]) -> State:
    """A state as the model gives it, behind its prefix."""
    return State({f"{PREFIX}{name}": tensor for name, tensor in state.items()})


def inward(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state that was given, checked, without its prefix."""
    found = NamedLayout().inward(state, {f"{PREFIX}{name}": value for name, value in expected.items()})
    return {name.removeprefix(PREFIX): value for name, value in found.items()}
