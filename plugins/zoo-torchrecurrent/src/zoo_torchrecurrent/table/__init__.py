"""Every cell of torchrecurrent 0.2.5, one entry each. Imports no torch.

Gates are named by letters in the order of their rows: "f" keeps the memory.
"""

from __future__ import annotations

from typing import Final

from zoo_torchrecurrent.table.gated import GATED_CELLS
from zoo_torchrecurrent.table.memory import MEMORY_CELLS
from zoo_torchrecurrent.table.residual import RESIDUAL_CELLS

ENTRIES: Final = tuple(sorted((*GATED_CELLS, *MEMORY_CELLS, *RESIDUAL_CELLS), key=lambda entry: entry.name))
