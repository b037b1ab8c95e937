"""Options and closed forms of the built-in cells. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zoo.components import Description, Options, Shape, Traits, Width
from zoo.errors import ZooError

Biases = Literal["two", "one", "none"]
BiasOption = Annotated[
    Biases, Field(description="'two' biases per gate as torch has, 'one' as papers and Keras have, or 'none'.")
]


class RNNOptions(Options):
    """Options of the simple recurrent network."""

    nonlinearity: Literal["tanh", "relu"] = Field("tanh", description="What is applied to the sum of the products.")
    bias: BiasOption = "two"


class LSTMOptions(Options):
    """Options of the long short-term memory."""

    bias: BiasOption = "two"
    projection: Annotated[int, Width] | None = Field(
        None, ge=1, description="Map h to this many features before it is put out and fed back (arXiv:1402.1128)."
    )
    forget_bias: float | None = Field(
        None, description="Where the forget gate's bias starts: the sum of both biases, if there are two."
    )

    @model_validator(mode="after")
    def _forget_bias_needs_a_bias(self) -> Self:
        if self.forget_bias is not None and self.bias == "none":
            raise ValueError("forget_bias needs a bias: leave it out, or use bias: two or bias: one")
        return self


class GRUOptions(Options):
    """Options of the gated recurrent unit."""

    bias: BiasOption = "two"
    reset_gate: Literal["after", "before"] = Field(
        "after", description="Reset 'after' the recurrent product (torch, cuDNN) or 'before' it (Cho et al. 2014)."
    )


def rnn_traits(options: RNNOptions) -> Traits:
    return Traits(bounded=options.nonlinearity == "tanh")


def describe_rnn(options: RNNOptions, input_shape: Shape, hidden_size: int) -> Description:
    return _gated(1, options.bias, input_shape, hidden_size, hidden_size)


def describe_gru(options: GRUOptions, input_shape: Shape, hidden_size: int) -> Description:
    depth = 1 if options.reset_gate == "after" else 2
    return _gated(3, options.bias, input_shape, hidden_size, hidden_size, depth=depth)


def describe_lstm(options: LSTMOptions, input_shape: Shape, hidden_size: int) -> Description:
    projected = options.projection
    if projected is not None and projected >= hidden_size:
        raise ZooError(f"projection must be less than hidden_size ({hidden_size}), not {projected}")
    output = projected or hidden_size
    return _gated(
        4,
        options.bias,
        input_shape,
        hidden_size,
        output,
        more=(projected or 0) * hidden_size,
        depth=2 if projected else 1,
        memory={"c": (hidden_size,)},
    )


def _gated(
    gates: int,
    bias: Biases,
    input_shape: Shape,
    hidden_size: int,
    output: int,
    *,
    more: int = 0,
    depth: int = 1,
    memory: dict[str, Shape] | None = None,
) -> Description:
    """A cell of `gates` blocks, each with W x + U h + b. more: weights of a product besides these."""
    products = gates * hidden_size * (features(input_shape) + output) + more
    biases = {"two": 2, "one": 1, "none": 0}[bias] * gates * hidden_size
    return Description(
        output_shape=(output,),
        parameters=products + biases,
        macs_per_step=products,
        state={"h": (output,), **(memory or {})},
        sequential_depth=depth,
    )


def features(shape: Shape) -> int:
    """The width of flat features. Raises ZooError for maps, which a dense cell cannot read."""
    if len(shape) != 1:
        raise ZooError(f"needs flat features at each step, not maps of shape {shape}")
    return shape[0]
