"""What can be chosen for torchrecurrent's tauGRU layer, and its figures. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Any, Final, cast

from pydantic import Field, create_model

import zoo
from zoo_torchrecurrent.options import CellOptions, describe, options_of
from zoo_torchrecurrent.table import ENTRIES

TAU_GRU: Final = next(entry for entry in ENTRIES if entry.delay)

LOST: Final = (
    "the delayed states live inside one call of torchrecurrent's layer, and are zero again in the next: they are no "
    "part of the state that it gives, though each step of arXiv:2212.00228 needs the state of `delay` steps ago"
)
DEVIATIONS: Final = {
    "chunked": LOST,
    "stepwise": LOST,
    "reset": "torchrecurrent's loop cannot reset the state inside a sequence",
    "export": "torchrecurrent's loop is a Python loop, which an export can only unroll for a fixed number of steps",
}

TauGRUOptions: Final = cast(
    type[CellOptions],
    create_model(
        "TauGRUOptions",
        __base__=options_of(TAU_GRU),
        __module__=__name__,
        __doc__="Options of torchrecurrent's tauGRU layer.",
        # torchrecurrent's loop makes a tensor for each of them before it begins.
        delay=(int, Field(1, ge=1, le=100_000, description="How many steps ago the delayed state was.")),
        hidden_size=(Annotated[int, Field(ge=1), zoo.Width], Field(description="The size of its state.")),
    ),
)


def describe_layer(options: Any, input_shape: tuple[int, ...]) -> zoo.Description:
    """The closed form: its cell's, without the states that the layer keeps to itself."""
    cell = describe(options, input_shape, options.hidden_size)
    return zoo.Description(
        output_shape=cell.output_shape,
        parameters=cell.parameters,
        macs_per_step=cell.macs_per_step,
        state={"h": cell.state["h"]},
        sequential_depth=cell.sequential_depth,
    )
