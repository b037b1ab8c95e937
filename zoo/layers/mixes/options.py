"""Options and closed forms of channel mixes: what a block of a modern model has beside its cell. Imports no torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zoo.components import Description, Options, Shape, Width, features
from zoo.layers.options import Activation, Rate


class MLPLayerOptions(Options):
    """Options of two linear maps with an activation between them."""

    hidden: Annotated[int, Field(ge=1), Width] = Field(description="Width between the two maps.")
    activation: Activation = Field("gelu", description="Activation function between the two maps.")
    bias: bool = Field(True, description="Add a bias in both maps.")
    dropout: Rate = Field(0.0, description="Dropout rate after the activation.")


class GatedMLPOptions(Options):
    """Options of a gated linear unit between two linear maps."""

    hidden: Annotated[int, Field(ge=1), Width] = Field(description="Width between the maps.")
    activation: Activation = Field("silu", description="Activation function of the gate; silu makes it a SwiGLU.")
    bias: bool = Field(False, description="Add a bias in all three maps.")
    dropout: Rate = Field(0.0, description="Dropout rate on the gated product.")


class ChannelMixOptions(Options):
    """Options of RWKV's channel mixing."""

    hidden: Annotated[int, Field(ge=1), Width] = Field(description="Width of the squared units.")
    receptance: bool = Field(True, description="Multiply by a gate, as RWKV-4 does and RWKV-7 does not.")


def describe_mlp(options: MLPLayerOptions, input_shape: Shape) -> Description:
    width = features(input_shape)
    product = 2 * width * options.hidden
    return Description(
        output_shape=input_shape,
        parameters=product + (width + options.hidden) * options.bias,
        macs_per_step=product,
    )


def describe_gated_mlp(options: GatedMLPOptions, input_shape: Shape) -> Description:
    width = features(input_shape)
    product = 3 * width * options.hidden
    return Description(
        output_shape=input_shape,
        parameters=product + (width + 2 * options.hidden) * options.bias,
        macs_per_step=product,
    )


def describe_channel_mix(options: ChannelMixOptions, input_shape: Shape) -> Description:
    width = features(input_shape)
    product = 2 * width * options.hidden + width * width * options.receptance
    return Description(
        output_shape=input_shape,
        parameters=product + (1 + options.receptance) * width,
        macs_per_step=product,
        state={"previous": (width,)},
        fixed=frozenset({"previous"}),
    )
