"""What may stand around a cell, as values: rates of dropout, how directions are merged, and the shapes that follow.

Imports no torch: the spec format says these too.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, Literal

from zoo.components import Shape

Merge = Literal["concat", "sum", "mean", "mul"]
ALL: Final = ("all",)
"""In place of the names of parameters that two directions share: every one."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Dropout:
    """Rates of every kind of dropout of one recurrent layer; 0 is none.

    Attributes:
        input: On the layer's input.
        between: On its output, where another recurrent layer follows.
        output: On its output.
        variational: One mask per sequence instead of one per step, for these three.
        recurrent: One mask per sequence on h where it enters recurrent products.
        weight: DropConnect on the cell's recurrent weights.
        zoneout: Keep a state's old value.
    """

    input: float = 0.0
    between: float = 0.0
    output: float = 0.0
    variational: bool = False
    recurrent: float = 0.0
    weight: float = 0.0
    zoneout: float = 0.0

    def __repr__(self) -> str:
        """The kinds that there are: `Dropout(between=0.1)`."""
        shown = (f"{each.name}={getattr(self, each.name)}" for each in fields(self) if getattr(self, each.name))
        return f"Dropout({', '.join(shown)})"


def merged_shape(cell: Shape, merge: Merge, *, both: bool) -> Shape:
    """The shape of a step behind a cell of one direction, or two that are merged; `cell` is a step of its output."""
    return (2 * cell[0], *cell[1:]) if both and merge == "concat" else cell


def projected_shape(shape: Shape, projection: int | None) -> Shape:
    """The shape of a step behind the output projection, if there is one."""
    return shape if projection is None else (*shape[:-1], projection)
