"""Options, closed forms and records of cells with matrix states. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from zoo.components import CellType, Count, Description, Options, Shape, Width, features
from zoo.errors import ZooError


class HeadedOptions(Options):
    """Options of a cell with several memories."""

    heads: Annotated[int, Count] = Field(
        1, ge=1, description="Number of heads, each with a memory of hidden_size / heads features."
    )


Divisor = Annotated[
    float, Field(ge=0, description="Added to the divisor of what is read, 1e-6 in the official code.", examples=[0.5])
]


class MLSTMOptions(HeadedOptions):
    """Options of the LSTM with a matrix memory."""

    key_size: Annotated[int, Width, Field(ge=1)] | None = Field(
        None, description="Key size of each head; that of its values, hidden_size / heads, if not given."
    )
    bias: Literal["one", "none"] = Field("one", description="'one' bias of q, k, v and o as in the paper, or 'none'.")
    soft_cap: Annotated[float, Field(gt=0)] | None = Field(
        None, examples=[0.5], description="Bound c of the gates' pre-activations g, which become c tanh(g / c)."
    )
    norm_eps: Annotated[float, Field(gt=0)] | None = Field(
        None,
        examples=[0.5],
        description="ε, added to the variance in a norm of what each head reads, in front of the output gate; no norm "
        "if not given.",
    )
    divisor_eps: Divisor = 0.0


class MLSTMBlockOptions(HeadedOptions):
    """Options of the LSTM with a matrix memory and what its block has around it."""

    block_size: Annotated[int, Field(ge=1), Count] | None = Field(
        None,
        description="Features of one block of the block-diagonal products that give q, k and v, 4 in the official "
        "code; all of them if not given.",
    )
    kernel: int = Field(
        4, ge=1, le=1000, description="Kernel size of the causal convolution, the present step included."
    )
    norm_eps: float = Field(1e-5, gt=0, description="ε, added to the variance in the norm of each head.")
    divisor_eps: Divisor = 0.0


def describe_mlstm(options: MLSTMOptions, input_shape: Shape, hidden_size: int) -> Description:
    heads, size, key_size = options.heads, head_size(options, hidden_size), mlstm_key_size(options, hidden_size)
    rows = 2 * hidden_size + 2 * heads * key_size
    products = (rows + 2 * heads) * features(input_shape)
    vectors = rows * (options.bias == "one") + 2 * heads + hidden_size * (options.norm_eps is not None)
    return Description(
        output_shape=(hidden_size,),
        parameters=products + vectors,
        macs_per_step=products + hidden_size * key_size,
        state={"C": (heads, size, key_size), "n": (heads, key_size), "m": (heads,)},
    )


def describe_mlstm_block(options: MLSTMBlockOptions, input_shape: Shape, hidden_size: int) -> Description:
    block = mlstm_block_size(options, hidden_size)
    heads, size, width = options.heads, head_size(options, hidden_size), features(input_shape)
    products = hidden_size * (2 * width + 3 * block + 6 * heads)
    return Description(
        output_shape=(hidden_size,),
        parameters=products + hidden_size * (options.kernel + 3) + 2 * heads,
        macs_per_step=products + hidden_size * size,
        macs_per_sequence=(options.kernel - 1) * hidden_size * width,  # what the convolution sees of the steps before
        state={"C": (heads, size, size), "n": (heads, size), "m": (heads,)},
        fixed=frozenset({"n"}),
    )


def mlstm_key_size(options: MLSTMOptions, hidden_size: int) -> int:
    """Features of one head's keys, those of its values if not given. Raises ZooError where heads do not fit."""
    return options.key_size or head_size(options, hidden_size)


def mlstm_block_size(options: MLSTMBlockOptions, hidden_size: int) -> int:
    """Features of one block of the products. Raises ZooError where blocks do not fit."""
    size = options.block_size or hidden_size
    if hidden_size % size:
        raise ZooError(f"block_size ({size}) must divide hidden_size ({hidden_size})")
    return size


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
        authority="official code: NX-AI/xlstm xlstm/blocks/mlstm/backends.py; its options: xlstm/xlstm_large/model.py",
    ),
    CellType(
        name="mlstm-block",
        options=MLSTMBlockOptions,
        build="zoo.cells.matrix.mlstm_block:MLSTMBlock",
        describe="zoo.cells.matrix.options:describe_mlstm_block",
        reference="zoo.references.matrix:mlstm_block",
        summary="mLSTM with the convolution, the norm, the skip and the gate of its block",
        paper="Beck et al. 2024, xLSTM: extended long short-term memory, NeurIPS, arXiv:2405.04517",
        authority="official code: NX-AI/xlstm xlstm/blocks/mlstm/layer.py, cell.py and backends.py",
    ),
)
