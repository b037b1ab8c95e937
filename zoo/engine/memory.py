"""Memory of its own for every tensor that leaves a model.

A cell may hand on a state as it came, give one tensor as output and as state, or cut the last step out of all steps;
inside a run that saves copies. Outside, an output that is changed in place would change the state beside it, and a
saved state would hold all steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from torch import Tensor, nn

from zoo.engine.tracing import is_tracing

PLAIN: Final = (Tensor, nn.Parameter)
"""Tensors whose memory can be asked for; others, as those that stand for a tensor while it is traced, are copied."""
SMALL: Final = 2**12
"""Numbers up to which a view is copied without asking of what it is one: that costs about as much."""


def apart(found: Sequence[Tensor], given: Iterable[Tensor], module: nn.Module) -> list[Tensor]:
    """The tensors found, copied where they share memory with one another, with what was given or with a parameter.

    And where they are a part of something larger, which they would hold on to.

    Args:
        found: What leaves the model.
        given: What came in, which stays the caller's.
        module: Whose parameters and buffers are shared with nobody.
    """
    if is_tracing() or not all(type(tensor) is Tensor for tensor in found):
        return [tensor.clone() for tensor in found]
    # As few calls for each tensor as will do, for this is a part of every step.
    taken = {tensor.data_ptr() for tensor in given}
    own = []
    for tensor in found:
        place = tensor.data_ptr()
        view = tensor._base is not None or tensor.is_inference()
        if place in taken or tensor.storage_offset() or (view and _held(tensor, module)):
            tensor = tensor.clone()
        else:
            taken.add(place)
        own.append(tensor)
    return own


def _held(view: Tensor, module: nn.Module) -> bool:
    """Whether a view must be copied: its memory is larger than itself, or a parameter's or buffer's."""
    memory = view.untyped_storage()
    if view.numel() <= SMALL or memory.nbytes() != view.nbytes:
        return True
    held = chain(module.parameters(), module.buffers())
    return any(type(t) in PLAIN and t.untyped_storage().data_ptr() == memory.data_ptr() for t in held)
