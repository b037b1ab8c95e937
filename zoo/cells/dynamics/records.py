"""What the closed forms and the records of this family share. Imports no torch."""

from __future__ import annotations

from zoo.components import Description


def described(hidden_size: int, products: int, vectors: int, states: tuple[str, ...], depth: int = 1) -> Description:
    """The closed form of a cell without gates.

    Args:
        hidden_size: Width of every state.
        products: Number of weights in products.
        vectors: Number of other parameters.
        states: Names of the states.
        depth: Dependent products per step.
    """
    return Description(
        output_shape=(hidden_size,),
        parameters=products + vectors,
        macs_per_step=products,
        state=dict.fromkeys(states, (hidden_size,)),
        sequential_depth=depth,
    )
