"""What `zoo.build` is given, checked, and what a model needs, refused where it is too much, before any is taken."""

from __future__ import annotations

from numbers import Integral

import torch

from zoo.errors import BuildError, did_you_mean
from zoo.spec.canonical import Spec
from zoo.spec.describe import describe

GIBIBYTE = 2**30
MOST_NUMBERS = 2**50
"""Of parameters and buffers: a thousand times the largest models. Torch can hardly count the bytes of more."""
DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def device_of(device: str | torch.device | None) -> torch.device:
    if device is None:
        return torch.get_default_device()
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, TypeError) as error:
        hint = did_you_mean(str(device), ("cpu", "cuda", "mps", "meta"))
        raise BuildError(f"device {str(device)!r} cannot be used here: {str(error).splitlines()[0]}{hint}") from None
    return found


def within(spec: Spec, device: torch.device, dtype: torch.dtype, limit: int | None) -> None:
    """Refuse before any memory is taken: what the model keeps, and what one sequence carries from step to step."""
    figures = describe(spec)
    parameters = (figures.parameters or 0) + (figures.frozen or 0)
    buffers, state = figures.buffers or 0, figures.state_elements or 0
    if parameters + buffers > MOST_NUMBERS:
        many = f"{parameters + buffers:,} parameters and buffers"
        raise BuildError(f"{spec.id} has {many}, more than any machine holds: make its sizes smaller")
    if limit is None or device.type == "meta":
        return
    held = f"{parameters:,} parameters" + (f" and {buffers:,} numbers in buffers" if buffers else "")
    for what, needed in (
        (f"has {held}", (parameters + buffers) * dtype.itemsize),
        (f"carries {state:,} numbers of state for each sequence", state * max(4, dtype.itemsize)),
    ):
        if needed > limit:
            raise BuildError(
                f"{spec.id} {what}, {_size(needed)}, over the limit of {_size(limit)}: "
                "raise it with memory_limit=..., or build on device='meta'"
            )


def _size(memory: int) -> str:
    return f"{memory / GIBIBYTE:,.1f} GiB" if memory >= GIBIBYTE // 10 else f"{memory:,} bytes"


def check_whole(name: str, value: object, low: int, high: int | None) -> None:
    """None, or a whole number within bounds."""
    if value is None:
        return
    whole = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None
    if whole is None or whole < low or (high is not None and whole > high):
        bounds = f"from {low}" if high is None else f"from {low} to {high}"
        raise BuildError(f"{name} must be a whole number {bounds}, or None, not {value!r:.60}")
