"""The cells that are registered once they have their specs."""

from __future__ import annotations

from zoo.cells.dynamics.options import CELLS as DYNAMICS
from zoo.cells.gated.others import OTHERS
from zoo.cells.gated.relatives import RELATIVES
from zoo.cells.gated.typed import TYPED
from zoo.cells.linear.spaces import SPACES
from zoo.cells.matrix.fast_weights import FAST_WEIGHTS
from zoo.cells.memory.options import CELLS as MEMORY
from zoo.cells.spatial.options import CELLS as SPATIAL
from zoo.cells.structured.options import CELLS as STRUCTURED
from zoo.components import CellType

WAITING: tuple[CellType, ...] = (
    *DYNAMICS, *OTHERS, *RELATIVES, *TYPED, *SPACES, *FAST_WEIGHTS, *MEMORY, *SPATIAL, *STRUCTURED,
)  # fmt: skip
