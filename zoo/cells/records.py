"""What the records of a family of cells have in common. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zoo.cells.options import ALL_DROPOUTS
from zoo.components import CellType, Options, Traits


def record(
    name: str,
    options: type[Options],
    build: str,
    *,
    family: str,
    described_in: str,
    reference_in: str,
    summary: str,
    paper: str,
    authority: str,
    traits: Traits | Callable[[Any], Traits] | None = None,
    dropouts: frozenset[str] = ALL_DROPOUTS,
    zoneout: bool = True,
    uses: frozenset[str] = frozenset(),
) -> CellType:
    """The record of a cell whose parts are named after it, `describe_gru_d` and `gru_d` for `gru-d`.

    `family` is the folder of cells and `build` the "module:class" in it, `described_in` the module in it that has the
    closed form, and `reference_in` the module of `zoo.references`. Without `traits` the cell is bounded, as most are.
    """
    identifier = name.replace("-", "_")
    return CellType(
        name=name,
        options=options,
        build=f"zoo.cells.{family}.{build}",
        describe=f"zoo.cells.{family}.{described_in}:describe_{identifier}",
        reference=f"zoo.references.{reference_in}:{identifier}",
        summary=summary,
        paper=paper,
        authority=authority,
        traits=traits or Traits(bounded=True),
        dropouts=dropouts,
        zoneout=zoneout,
        uses=uses,
    )
