"""How what came is looked at: whether it was written to, its tensors, and what it is called in an error."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def written(*tensors: Tensor) -> int:
    """How often these tensors were written to; always 0 where torch does not count, as in inference mode."""
    count = 0
    try:
        for tensor in tensors:
            count += tensor._version
    except RuntimeError:
        return 0
    return count


def leaves(value: Any) -> tuple[Tensor, ...]:
    """The tensors of what `project` or `constants` gave."""
    return tuple(leaf for leaf in (value if isinstance(value, tuple) else (value,)) if isinstance(leaf, Tensor))


def kind(value: Any) -> str:
    """What came, shortly: a tensor by its shape, and what it is made of for anything else."""
    if isinstance(value, Tensor):
        return str(tuple(value.shape))
    if isinstance(value, tuple | list) and 0 < len(value) <= 6:
        return f"a {type(value).__name__} of {', '.join(kind(item) for item in value)}"
    return "None" if value is None else f"a {type(value).__name__}"
