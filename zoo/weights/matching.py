"""Whether tensors by name are those that are wanted, and if not, what both sides have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Shapes = Mapping[str, tuple[int, ...]]
SHOWN: Final = 4


def unlike(wanted: Shapes, given: Shapes) -> str | None:
    """What sets two sides apart, in one line.

    Args:
        wanted: Shapes of the model's tensors, by name.
        given: Shapes of those that were found.

    Returns:
        The names that only one side has, and those whose shapes differ; None if all agree.
    """
    missing = [name for name in wanted if name not in given]
    more = [name for name in given if name not in wanted]
    other = [name for name in wanted if name in given and wanted[name] != given[name]]
    said = []
    if missing:
        said.append(f"missing {listed({name: wanted[name] for name in missing})}")
    if more:
        said.append(f"unused {listed({name: given[name] for name in more})}")
    said += [f"{name} is {given[name]} and not {wanted[name]}" for name in other[:SHOWN]]
    if len(other) > SHOWN:
        said.append(f"{len(other) - SHOWN:,} more of another shape")
    return "; ".join(said) or None


def listed(shapes: Shapes) -> str:
    """The first few names, each with its shape."""
    shown = [f"{name if len(name) <= 80 else name[:77] + '...'} {shapes[name]}" for name in list(shapes)[:SHOWN]]
    rest = len(shapes) - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest else "")
