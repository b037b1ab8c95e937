"""What the closed forms and the records of this family share. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zoo.cells.options import ALL_DROPOUTS
from zoo.components import CellType, Description, Options, Traits


def described(hidden_size: int, products: int, vectors: int, states: tuple[str, ...], depth: int = 1) -> Description:
    """A cell without gates. products: weights of products. vectors: other parameters. states: all hidden_size wide."""
    return Description(
        output_shape=(hidden_size,),
        parameters=products + vectors,
        macs_per_step=products,
        state=dict.fromkeys(states, (hidden_size,)),
        sequential_depth=depth,
    )


def record(
    name: str,
    options: type[Options],
    build: str,
    *,
    summary: str,
    paper: str,
    authority: str,
    traits: Traits | Callable[[Any], Traits] | None = None,
    dropouts: frozenset[str] = ALL_DROPOUTS,
    uses: frozenset[str] = frozenset(),
    options_of: str = "options",
) -> CellType:
    """A record with what all cells of this family have in common.

    build: "module:class" within the family. options_of: the module that describes the cell.
    """
    identifier = name.replace("-", "_")
    return CellType(
        name=name,
        options=options,
        build=f"zoo.cells.dynamics.{build}",
        describe=f"zoo.cells.dynamics.{options_of}:describe_{identifier}",
        reference=f"zoo.references.dynamics:{identifier}",
        summary=summary,
        paper=paper,
        authority=authority,
        traits=traits or Traits(),
        dropouts=dropouts,
        zoneout=True,
        uses=uses,
    )
