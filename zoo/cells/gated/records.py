"""What the closed forms and the records of this family share. Imports no torch."""

from __future__ import annotations

from typing import Literal, Protocol

from zoo.components import Description, Shape, Traits, features

Nonlinearity = Literal["relu", "tanh"]


class _Bends(Protocol):
    """Options of a cell with a nonlinearity that squashes or not."""

    @property
    def nonlinearity(self) -> str: ...


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

    `products` counts weights of products besides these, and `vectors` parameters that are no part of a product, besides
    biases.
    """
    macs = hidden_size * (of_x * features(input_shape) + of_h * hidden_size) + products
    return Description(
        output_shape=(hidden_size,),
        parameters=macs + biased * hidden_size + vectors,
        macs_per_step=macs,
        state=dict.fromkeys(states, (hidden_size,)),
        sequential_depth=depth,
    )
