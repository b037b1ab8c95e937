"""Which layers the heads of a stack read: those that they name, else the last one."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from zoo.components import Window
from zoo.engine.layers import Asked, LayerList


def asked(reads: Mapping[str, tuple[str, ...]], pooled: Mapping[str, bool]) -> Asked | None:
    """What heads ask of layers by name; None where all read the last layer.

    Args:
        reads: Names of layers by the heads' names, of heads that read any.
        pooled: Whether a pool stands in front of each head, by name.
    """
    if not reads:
        return None
    names = frozenset(chain.from_iterable(reads.values()))
    finals = frozenset(chain.from_iterable(of for name, of in reads.items() if pooled[name]))
    return Asked(names, finals)


def windows(layers: LayerList, reads: Mapping[str, tuple[str, ...]], pooled: Mapping[str, bool]) -> tuple[Window, ...]:
    """From the input's steps to those of the output: of the heads that give one at every step, if any does."""
    if not reads:
        return layers.windows
    name = next((name for name, pools in pooled.items() if not pools), [*pooled][-1])
    of = reads.get(name)
    return layers.windows_behind()[1][of[0]] if of else layers.windows
