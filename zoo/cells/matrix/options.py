"""Options, closed forms and records of cells with matrix states. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from zoo.components import CellType, Count, Description, Options, Shape, features
from zoo.errors import ZooError


class HeadedOptions(Options):
    """Options of a cell with several memories."""

    heads: Annotated[int, Count] = Field(
        1, ge=1, description="Number of heads, each with a memory of hidden_size / heads features."
    )


class MLSTMOptions(HeadedOptions):
    """Options of the LSTM with a matrix memory."""


def describe_mlstm(options: MLSTMOptions, input_shape: Shape, hidden_size: int) -> Description:
    heads, size = options.heads, head_size(options, hidden_size)
    rows = 4 * hidden_size + 2 * heads
    products = rows * features(input_shape)
    return Description(
        output_shape=(hidden_size,),
        parameters=products + rows,
        macs_per_step=products + hidden_size * size,
        state={"C": (heads, size, size), "n": (heads, size), "m": (heads,)},
    )


def head_size(options: HeadedOptions, hidden_size: int) -> int:
    """Features of one head. Raises ZooError where the heads do not divide the hidden size."""
    if hidden_size % options.heads:
        raise ZooError(f"heads ({options.heads}) must divide hidden_size ({hidden_size})")
    return hidden_size // options.heads


CELLS: Final = (
    CellType(
        name="mlstm",
        options=MLSTMOptions,
        build="zoo.cells.matrix.mlstm:MLSTM",
        describe="zoo.cells.matrix.options:describe_mlstm",
        reference="zoo.references.matrix:mlstm",
        summary="LSTM with a matrix memory, exponential gates and a stabiliser, from xLSTM",
        paper="Beck et al. 2024, xLSTM: extended long short-term memory, NeurIPS, arXiv:2405.04517",
        authority="official code: NX-AI/xlstm xlstm/blocks/mlstm/backends.py",
    ),
)
