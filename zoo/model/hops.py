"""Steps of the input that become one of the output: what a call of a model with such layers may be given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import torch
from torch import Tensor

from zoo.components import hop_of, least_steps, moving
from zoo.engine.layers import LayerList
from zoo.engine.recurrence import Run
from zoo.errors import InputError
from zoo.model.tensors import readable

LEFT_OVER: Final = "left_over"
"""Name of the state that says how many steps of each sequence stood behind its last whole hop, (B,)."""


def check(
    layers: LayerList,
    steps: int,
    lengths: Tensor | Sequence[int] | None,
    reset: Tensor | None,
    valid: Tensor | None,
    *,
    ended: bool,
) -> None:
    """Every sequence is as long as the layers' windows need, and starts anew only between them.

    Raises:
        InputError: What does not fit; it names the layer.
    """
    if not any(layer.windows for layer in layers._modules.values()):
        return  # at every call: what follows takes as long as a kernel
    behind, _ = layers.windows_behind()
    if not any(behind):
        return
    shortest = steps
    if lengths is not None and not torch.compiler.is_compiling():
        found = torch.as_tensor(lengths)
        if readable(found):
            found = found[found > 0] if ended else found
            shortest = int(found.min()) if found.numel() else 0
    for index, (layer, windows) in enumerate(zip(layers.children(), behind, strict=True)):
        least = least_steps(windows)
        if shortest < least and not (ended and shortest == 0):
            raise InputError(f"{layers.at}.{index} needs sequences of at least {least} steps, not {shortest}")
        if reset is None or not moving(getattr(layer, "windows", ())):
            continue
        if not getattr(layer, "cuttable", False):
            raise InputError(f"reset cannot be given: {layers.at}.{index} changes the number of steps, across its cut")
        _between(reset if valid is None else reset & valid, hop_of(windows), f"{layers.at}.{index}")


def _between(reset: Tensor, hop: int, place: str) -> None:
    """Resets (B, T) stand before whole hops."""
    if not readable(reset):
        return
    inside = torch.arange(reset.shape[1], device=reset.device) % hop != 0
    at = (reset & inside).any(0).nonzero()
    if at.numel():
        raise InputError(
            f"reset is given before step {int(at[0])}, and {place} makes one step of {hop}: a sequence starts anew "
            f"before a multiple of {hop}"
        )


def check_whole(left_over: Tensor, run: Run, hop: int) -> None:
    """A sequence goes on only where the piece before ended with a whole hop, or where it starts anew."""
    if not readable(left_over):
        return
    broken = left_over != 0
    if run.lengths is not None:
        broken = broken & (run.lengths > 0)
    if run.reset is not None:
        broken = broken & ~run.reset[:, 0]
    if bool(broken.any()):
        row = int(broken.nonzero()[0])
        raise InputError(
            f"sequence {row} cannot go on from this state: the piece before it ended {int(left_over[row])} steps "
            f"behind a multiple of {hop} (model.hop); give pieces of a multiple of {hop} steps, all but the last"
        )


def left_over(x: Tensor, before: Mapping[str, Tensor] | None, lengths: Tensor | None, hop: int) -> Tensor:
    """How many steps of x (B, T, ...) stand behind the last whole hop, (B,); as before in a sequence that had ended."""
    if lengths is None:
        return torch.full((x.shape[0],), x.shape[1] % hop, device=x.device)
    return lengths % hop if before is None else torch.where(lengths > 0, lengths % hop, before[LEFT_OVER])
