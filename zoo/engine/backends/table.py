"""Every way to run the steps of a cell, in one table: why a cell can never run on it, when it can, and how it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import torch

from zoo.engine.backends import compiled, linear, loop, scan
from zoo.engine.cell import Cell
from zoo.engine.names import Engine
from zoo.engine.steps import Found, Steps


@dataclass(frozen=True, slots=True)
class Backend:
    """One way to run the steps.

    reason: why a cell can never run on it, or None. possible: whether it can do this run. run: the run.
    """

    reason: Callable[[Cell], str | None]
    possible: Callable[[Steps], bool]
    run: Callable[[Steps], Found]


def _no_reason(cell: Cell) -> None:
    return None


LOOP: Final = Backend(_no_reason, lambda steps: True, loop.run)
LINEAR: Final = Backend(linear.reason, linear.possible, linear.run)
COMPILED: Final = Backend(_no_reason, compiled.possible, compiled.run)
SCAN: Final = Backend(scan.reason, scan.possible, scan.run)

TRIED: Final[Mapping[Engine, tuple[Backend, ...]]] = {
    "auto": (LINEAR, LOOP),
    "fused": (LOOP,),  # behind the cell's own kernel, which is tried before anything is projected
    "linear": (LINEAR, LOOP),
    "loop": (LOOP,),
    "compile": (COMPILED, LOOP),
    "scan": (SCAN, LOOP),
}
"""What each engine tries, in order. The first that can do a run does it."""


def run(engine: Engine, steps: Steps) -> Found:
    """The steps, by the first backend of an engine that can do them."""
    for backend in TRIED[engine]:
        if backend.possible(steps):
            return backend.run(steps)
    raise AssertionError(f"engine {engine} has no backend for every run")


def reason(engine: Engine, cell: Cell) -> str | None:
    """Why an engine that is asked for by name cannot run a cell, or None."""
    if engine == "fused":
        return None if cell.fusable else "has no fused kernel with these options"
    return None if engine == "auto" else TRIED[engine][0].reason(cell)


def unavailable(engine: Engine, device: torch.device) -> str | None:
    """Why an engine that is asked for by name cannot be used on a device, or None."""
    return compiled.unavailable(device) if engine == "compile" else None
