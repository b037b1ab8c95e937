"""What somebody else's code says of its component, checked before anything is added up."""

from __future__ import annotations

from typing import Any

from zoo.components import Description, Part


def wrong_in(found: Any) -> str | None:
    """What cannot be added up in a description that somebody else's code gave."""
    if not isinstance(found, Description):
        return f"a zoo.Description is needed, not {type(found).__name__}"
    if not isinstance(found.fixed, frozenset) or not found.fixed <= set(found.state):
        return f"fixed must be a frozenset of names of states, not {found.fixed!r}"
    for name in ("parameters", "buffers", "macs_per_step", "macs_per_sequence", "sequential_depth"):
        if not isinstance(getattr(found, name), int):
            return f"{name} must be a whole number, not {getattr(found, name)!r}"
    shapes = {"output_shape": found.output_shape, **{f"state {name!r}": shape for name, shape in found.state.items()}}
    for name, shape in shapes.items():
        if not (isinstance(shape, tuple) and all(isinstance(size, int) for size in shape)):
            return f"{name} must be a tuple of whole numbers, not {shape!r}"
    return None


def blame(part: Part) -> str:
    return f"{part.record.kind} {part.provided.qualified!r} {part.provided.version}"
