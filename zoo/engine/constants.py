"""What cells derive from their parameters, cached over many calls where the caller says that the parameters stay.

A matrix exponential takes hundreds of times as long as the step that uses it. But nothing tells for certain that a
parameter was not written to: `.data`, fused optimisers and other processes leave no trace. So nothing is
cached unasked.

What is cached belongs to a block, and a block to the thread (or task) that entered it: the cells know nothing of it, so
that nothing of it is copied, pickled or saved with them, and no other thread runs on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from zoo.engine.cell import Cell, Context
from zoo.engine.precision import in_full, widened, with_wide_weights
from zoo.engine.sharing import borrowed, owner_of
from zoo.engine.tracing import is_tracing

Stamp = tuple[tuple[Tensor, int, int], ...]


@dataclass(eq=False, slots=True)
class _Block:
    """A `caching` block.

    Attributes:
        cached: For each of its cells, by precision, the stamp of its parameters and its constants.
    """

    cached: WeakKeyDictionary[Cell, dict[torch.dtype, tuple[Stamp, Any]]] = field(default_factory=WeakKeyDictionary)
    open: bool = True

    def end(self) -> None:
        """Nothing is cached any more, whoever else has the block, as a context that was copied."""
        self.open = False
        self.cached.clear()
        _blocks.set(_open())


_blocks: ContextVar[tuple[_Block, ...]] = ContextVar("zoo_streaming_blocks", default=())
"""Those that this thread has entered and not left, the last one last."""


def constants(cell: Cell, ctx: Context) -> Any:
    """The cell's constants for this run; in a `caching` block, outside training and without gradients, cached ones.

    Parameters must stay as they are in a block. Where they are seen to have changed, as another thread may have loaded
    weights, the constants are made anew.
    """
    if torch.is_grad_enabled() or cell.training or is_tracing() or not _blocks.get():
        return _derived(cell, ctx)
    cached = next((b.cached[cell] for b in reversed(_blocks.get()) if b.open and cell in b.cached), None)
    if cached is None:
        return _derived(cell, ctx)
    stamp = _stamp(cell)
    precision = _precision(ctx)
    before = cached.get(precision)
    if stamp is not None and before is not None and _same(before[0], stamp):
        return before[1]
    made = _derived(cell, ctx)
    if stamp is not None:
        cached[precision] = stamp, made
    return made


def _derived(cell: Cell, ctx: Context) -> Any:
    """Asked of the cell, in at least float32: it meets the states."""
    if not ctx.half:
        return cell.constants(ctx)
    with in_full(ctx.device.type):
        return widened(with_wide_weights(cell, lambda wide: wide.constants(ctx)))


@contextmanager
def caching(cells: Iterable[Cell]) -> Iterator[None]:
    """Inside, the parameters of these cells stay as they are, and what was derived from them is cached until the end.

    Blocks may be nested, and may end in any order, in any thread: each has constants of its own, and a cell uses those
    of the block that this thread entered last.
    """
    block = _Block()
    for cell in cells:
        block.cached[cell] = {}
    _blocks.set((*_open(), block))
    try:
        yield
    finally:
        block.end()


def _open() -> tuple[_Block, ...]:
    return tuple(block for block in _blocks.get() if block.open)


def _precision(ctx: Context) -> torch.dtype:
    kind = ctx.device.type
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        return torch.get_autocast_dtype(kind)
    return ctx.dtype


def _stamp(cell: Cell) -> Stamp | None:
    """What tells of most changes of a cell's parameters and buffers; None where one of them cannot be asked."""
    held: Iterable[Tensor | None] = chain(cell._parameters.values(), cell._buffers.values())
    if cell._modules or cell.peers or owner_of(cell) is not None:
        others = chain.from_iterable(one.parameters() for one in cell.peers)
        held = chain(cell.parameters(), cell.buffers(), borrowed(cell).values(), others)  # takes ten times as long
    found = []
    for tensor in held:
        if tensor is None:
            continue
        if type(tensor) not in (Tensor, nn.Parameter):
            return None
        found.append((tensor, -1 if tensor.is_inference() else tensor._version, tensor.data_ptr()))
    return tuple(found)


def _same(one: Stamp, other: Stamp) -> bool:
    return len(one) == len(other) and all(
        a is b and version == now and place == here
        for (a, version, place), (b, now, here) in zip(one, other, strict=True)
    )
