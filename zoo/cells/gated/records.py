"""What the closed forms and the records of this family share. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

from zoo.cells.options import ALL_DROPOUTS, features
from zoo.components import CellType, Description, Options, Shape, Traits

Nonlinearity = Literal["relu", "tanh"]


class _Bends(Protocol):
    """Options of a cell whose candidate is rectified or not."""

    @property
    def nonlinearity(self) -> Nonlinearity: ...


def bounded_by_tanh(options: _Bends) -> Traits:
    return Traits(bounded=options.nonlinearity == "tanh")


def blocks(
    of_x: int,
    of_h: int,
    biased: int,
    input_shape: Shape,
    hidden_size: int,
    *,
    products: int = 0,
    vectors: int = 0,
    depth: int = 1,
    states: tuple[str, ...] = ("h",),
) -> Description:
    """A cell with so many blocks of products of x and of h, and so many of them with a bias; all hidden_size wide.

    products: weights of products besides these. vectors: parameters that are no part of a product, besides biases.
    """
    macs = hidden_size * (of_x * features(input_shape) + of_h * hidden_size) + products
    return Description(
        output_shape=(hidden_size,),
        parameters=macs + biased * hidden_size + vectors,
        macs_per_step=macs,
        state=dict.fromkeys(states, (hidden_size,)),
        sequential_depth=depth,
    )


def record(
    name: str,
    options: type[Options],
    build: str,
    *,
    described_in: str,
    summary: str,
    paper: str,
    authority: str,
    traits: Traits | Callable[[Any], Traits] | None = None,
    dropouts: frozenset[str] = ALL_DROPOUTS,
) -> CellType:
    """A record with what all cells of this family have in common.

    build: "module:class" within the family. described_in: the module there that has the cell's `describe_*`.
    """
    return CellType(
        name=name,
        options=options,
        build=f"zoo.cells.gated.{build}",
        describe=f"zoo.cells.gated.{described_in}:describe_{name}",
        reference=f"zoo.references.gated:{name}",
        summary=summary,
        paper=paper,
        authority=authority,
        traits=traits or Traits(),
        dropouts=dropouts,
        zoneout=True,
    )
