"""Options and closed forms of the built-in heads and pools. Imports no torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zoo.components import Description, NoOptions, Options, Shape, Width, features
from zoo.errors import ZooError
from zoo.layers.options import Activation, Rate, linear


class LinearOptions(Options):
    """Options of the linear head."""

    size: Annotated[int, Field(ge=1), Width] = Field(
        description="Number of outputs: classes, symbols, or 1 for a single logit."
    )
    bias: bool = Field(True, description="Add a bias.")
    dropout: Rate = Field(0.0, description="Dropout rate on the input of the head.")


class MLPOptions(Options):
    """Options of the head of several linear maps."""

    size: Annotated[int, Field(ge=1), Width] = Field(description="Number of outputs of the last linear map.")
    hidden: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(strict=False, min_length=1), Width] = Field(
        description="Widths of the hidden layers, first to last."
    )
    activation: Activation = Field("relu", description="Activation function after each linear map but the last.")
    dropout: Rate = Field(0.0, description="Dropout rate after each activation.")


class TiedOptions(Options):
    """Options of the head that shares the embedding's weights."""

    bias: bool = Field(True, description="Add a bias per symbol.")


class AttentionOptions(Options):
    """Options of the attention pool."""

    size: Annotated[int, Field(ge=1), Width] | None = Field(
        None,
        description="Width of the hidden layer of the attention scores; the number of features if not given.",
    )


def describe_linear(options: LinearOptions, input_shape: Shape, source: Description) -> Description:
    return linear(input_shape, options.size, bias=options.bias)


def describe_mlp(options: MLPOptions, input_shape: Shape, source: Description) -> Description:
    shape, parameters, macs = input_shape, 0, 0
    for size in (*options.hidden, options.size):
        one = linear(shape, size, bias=True)
        shape, parameters, macs = one.output_shape, parameters + one.parameters, macs + one.macs_per_step
    return Description(output_shape=shape, parameters=parameters, macs_per_step=macs)


def describe_tied(options: TiedOptions, input_shape: Shape, source: Description) -> Description:
    if source.vocabulary is None or not source.parameters:  # one-hot symbols have no table to share
        raise ZooError("a tied head shares the embedding's weights: it needs input: {kind: tokens, ...}")
    if input_shape != source.output_shape:
        raise ZooError(
            f"a tied head needs features as wide as the embedding ({source.output_shape[-1]}), not "
            f"{input_shape[-1]}: change the last layer's hidden_size or give it an output_projection"
        )
    product = input_shape[-1] * source.vocabulary
    return Description(
        output_shape=(source.vocabulary,),
        parameters=source.vocabulary * options.bias,
        macs_per_step=product,
    )


def describe_pool(options: NoOptions, input_shape: Shape) -> Description:
    return Description(output_shape=input_shape, parameters=0)


def describe_attention(options: AttentionOptions, input_shape: Shape) -> Description:
    width = features(input_shape)
    size = options.size or width
    hidden = linear(input_shape, size, bias=True)
    return Description(
        output_shape=input_shape,
        parameters=hidden.parameters + size,
        macs_per_step=hidden.macs_per_step + size,
    )
