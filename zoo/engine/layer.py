"""What a layer is, and what every layer is run with: the precision of what a norm and the next layer see."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from zoo.components import Shape, Window
from zoo.engine import forwards
from zoo.engine.cell import States
from zoo.engine.precision import HALF, dtype_inside, in_float32, is_half
from zoo.engine.recurrence import Run
from zoo.errors import InputError

__all__ = ["Layer", "LayerOutput", "Run"]


class LayerOutput(NamedTuple):
    """What a layer returns.

    Attributes:
        output: Output of shape (B, T, ...), zero in padding.
        state: The state after the last valid step, tensors of shape (B, ...) by name. {} where a layer has none.
        final: The final output of each direction, shape (B, ...), where the run asks for it and the layer knows better
            than "the last valid step".
        states: The states of all steps, tensors of shape (B, T, ...) by name, where the run asks for them.
    """

    output: Tensor
    state: States
    final: Tensor | None = None
    states: States | None = None


class Layer(nn.Module):
    """Base of every layer kind: from a sequence and a state to a sequence and a state.

    Attributes:
        output_shape: Of one step.
        windows: Those through which it looks at the steps, if it gives another number of them than it is given. Steps
            of the output that a sequence's length leaves no room for are set to zero behind it.
        cuttable: Whether a sequence can be cut between its windows, at a multiple of their stride: they see nothing of
            the steps before, or its state carries that; and no window reaches over a reset.
        reads: Names of the layers whose outputs it reads, set by the list that it stands in; () for the one before it.
        called: Its name for later layers, set likewise.
        joins: Whether its input is a tuple of tensors, of all that it reads; set likewise.
        together: Number of steps that it computes at a time: more than these are filled up to a multiple of it, which
            costs as much as steps do.
    """

    output_shape: Shape
    windows: tuple[Window, ...] = ()
    cuttable: bool = False
    reads: tuple[str, ...] = ()
    called: str | None = None
    joins: bool = False
    together: int = 1

    def init_state(self, batch: int, *, device: torch.device, dtype: torch.dtype) -> States:
        """The state before the first step.

        Args:
            batch: Number of sequences.
            device: Where the state lives.
            dtype: Of the model. A state is at least float32.

        Returns:
            Tensors of shape (B, ...) by name; {} for a layer without a state.
        """
        return {}

    def forward(self, x: Tensor, state: Any, run: Run) -> LayerOutput:
        """Run over a batch of sequences.

        Args:
            x: Input of shape (B, T, ...), zero in padding.
            state: As `init_state` gives it.
            run: What belongs to all layers.

        Returns:
            Output and state.
        """
        raise TypeError(f"{type(self).__name__} does not define forward")


def refuse_reset(layer: Layer, run: Run) -> None:
    """Raise InputError where a sequence would start anew under a layer's window, which then sees what lies before."""
    if run.reset is not None and any(window.kernel > 1 for window in layer.windows):
        raise InputError(f"reset cannot be given: {type(layer).__name__} looks at several steps at a time")


def normed(norm: nn.Module, x: Tensor, valid: Tensor | None) -> Tensor:
    """A norm of (B, T, F), in at least float32: its weights too, for torch's own refuse others beside it."""
    called = partial(forwards.called, expected=x.shape)
    return in_float32(norm, called, x, valid).to(dtype_inside(x)) if is_half(x) else called(norm, x, valid)


def rounded(y: LayerOutput, like: Tensor) -> LayerOutput:
    """The last layer's output in the precision of what the first is given."""
    if like.dtype not in HALF:
        return y
    return y._replace(output=y.output.to(like.dtype), final=None if y.final is None else y.final.to(like.dtype))
