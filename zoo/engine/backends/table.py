"""Every way to run the steps of a cell, in one table: each is a file of this folder with the functions of `Backend`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import torch

from zoo.engine.backends import compiled, linear, loop, scan
from zoo.engine.cell import Cell
from zoo.engine.names import Engine
from zoo.engine.steps import Found, Steps


class Backend(Protocol):
    """One way to run the steps."""

    def reason(self, cell: Cell) -> str | None:
        """Why a cell can never run so, or None."""

    def possible(self, steps: Steps) -> bool:
        """Whether this run can be done so."""

    def run(self, steps: Steps) -> Found:
        """The run."""


TRIED: Final[Mapping[Engine, tuple[Backend, ...]]] = {
    "auto": (linear, loop),
    "fused": (loop,),  # behind the cell's own kernel, which is tried before anything is projected
    "linear": (linear, loop),
    "loop": (loop,),
    "compile": (compiled, loop),
    "scan": (scan, loop),
}
"""What each engine tries, in order. The first that can do a run does it; the loop can do every run."""


def run(engine: Engine, steps: Steps) -> Found:
    """The steps, by the first backend of an engine that can do them."""
    return next(backend for backend in TRIED[engine] if backend.possible(steps)).run(steps)


def reason(engine: Engine, cell: Cell) -> str | None:
    """Why an engine that is asked for by name cannot run a cell, or None."""
    if engine == "fused":
        return None if cell.fusable else "has no fused kernel with these options"
    return None if engine == "auto" else TRIED[engine][0].reason(cell)


def unavailable(engine: Engine, device: torch.device) -> str | None:
    """Why an engine that is asked for by name cannot be used on a device, or None."""
    return compiled.unavailable(device) if engine == "compile" else None
