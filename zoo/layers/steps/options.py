"""Options and closed forms of layers without products over time: of each step by itself, or of whole frames."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from zoo.components import Count, Description, Options, Shape, Traits, Window, features
from zoo.errors import ZooError
from zoo.layers.options import Activation, Positive, Rate
from zoo.spec.inside import describe_part
from zoo.spec.model import NormOption


class NormLayerOptions(Options):
    """Options of a norm that is a layer of its own."""

    norm: NormOption = Field(description="The norm.")
    whole: bool = Field(
        False, description="Of maps: all numbers of a step are its features, each with a scale of its own."
    )


class ActivationLayerOptions(Options):
    """Options of an activation that is a layer of its own."""

    function: Activation = Field(description="Activation function.")
    max_value: Annotated[float, Field(gt=0)] | None = Field(
        None, examples=[0.001], description="Upper bound of what comes out, as the 20 of Deep Speech's relu."
    )

    factor: Annotated[float, Field(gt=0)] = Field(
        1.0, description="What comes out, bounded or not, is multiplied by it, as the 5 of Bonito's tanh."
    )

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.function == "none":
            raise ValueError("function: none does nothing: leave the layer out")
        return self


class DropoutLayerOptions(Options):
    """Options of dropout that is a layer of its own."""

    dropout: Rate = Field(description="Dropout rate.")
    variational: bool = Field(False, description="One mask per sequence instead of one per step.")
    channels: bool = Field(False, description="Of maps: whole channels, instead of every number by itself.")


class HighwayOptions(Options):
    """Options of highway layers."""

    layers: Annotated[int, Field(ge=1, le=100)] = Field(1, description="Number of highway layers, one on the other.")
    activation: Activation = Field("relu", description="Activation function of the transform.")
    bias: float = Field(-2.0, description="Initial bias of the gate that lets the transform in.")


class AffineOptions(Options):
    """Options of a scale and a shift."""

    groups: Annotated[int, Field(ge=1), Count] = Field(
        1, description="Number of groups of features that share the scale and the shift."
    )
    bias: bool = Field(True, description="Add the shift.")


class ChunkOptions(Options):
    """Options of one of several equal parts."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"parts": 2, "index": 1}]})

    parts: Annotated[int, Field(ge=2, le=1000), Count] = Field(description="Number of equal parts of the features.")
    index: Annotated[int, Field(ge=0)] = Field(description="Which of them, from 0.")

    @model_validator(mode="after")
    def _is_a_part(self) -> Self:
        if self.index >= self.parts:
            raise ValueError(f"index must be one of the {self.parts} parts, 0 to {self.parts - 1}, not {self.index}")
        return self


class StackFramesOptions(Options):
    """Options of frame stacking."""

    count: Annotated[int, Field(ge=2, le=1000), Count] = Field(description="Number of steps that become one.")
    tail: Literal["drop", "pad"] = Field(
        "drop", description="What becomes of too few steps at the end: dropped, or filled up with zeros."
    )

    @property
    def window(self) -> Window:
        """The steps that become one."""
        return Window(kernel=self.count, stride=self.count, right=self.count - 1 if self.tail == "pad" else 0)


class LookaheadOptions(Options):
    """Options of the lookahead convolution."""

    context: Positive = Field(description="Number of steps of a window: the step itself and those behind it.")

    @property
    def window(self) -> Window:
        """The step itself and those behind it."""
        return Window(kernel=self.context, right=self.context - 1)

    @property
    def not_streamable_reason(self) -> str | None:
        """Why it does not run step by step."""
        return self.window.not_streamable_reason

    def tiny(self) -> dict[str, object]:
        """A short window."""
        return {"context": min(self.context, 3)}


def describe_norm(options: NormLayerOptions, input_shape: Shape) -> Description | None:
    if not options.whole:
        return describe_part(options.norm, input_shape)
    if len(input_shape) < 2:
        raise ZooError("whole is of maps, and these are flat features: leave it out")
    found = describe_part(options.norm, (math.prod(input_shape),))
    return None if found is None else replace(found, output_shape=input_shape)


def describe_dropout(options: DropoutLayerOptions, input_shape: Shape) -> Description:
    if options.channels and len(input_shape) < 2:
        raise ZooError("channels are of maps, and these are flat features: leave it out")
    return Description(output_shape=input_shape, parameters=0)


def describe_same(options: object, input_shape: Shape) -> Description:
    return Description(output_shape=input_shape, parameters=0)


def describe_highway(options: HighwayOptions, input_shape: Shape) -> Description:
    width = features(input_shape)
    product = 2 * width * width
    return Description(
        output_shape=input_shape,
        parameters=options.layers * (product + 2 * width),
        macs_per_step=options.layers * product,
    )


def describe_stack_frames(options: StackFramesOptions, input_shape: Shape) -> Description:
    width = features(input_shape)
    return Description(output_shape=(options.count * width,), parameters=0, windows=(options.window,))


def describe_lookahead(options: LookaheadOptions, input_shape: Shape) -> Description:
    width = features(input_shape)
    product = width * options.context
    windows = (options.window,)
    return Description(output_shape=input_shape, parameters=product, macs_per_step=product, windows=windows)


def describe_flatten(options: object, input_shape: Shape) -> Description:
    if len(input_shape) < 2:
        raise ZooError("these are flat features already: leave it out")
    size = 1
    for each in input_shape:
        size *= each
    return Description(output_shape=(size,), parameters=0)


def describe_affine(options: AffineOptions, input_shape: Shape) -> Description:
    width = features(input_shape)
    if width % options.groups:
        raise ZooError(f"groups must divide the width, and {options.groups} does not divide {width}")
    return Description(output_shape=input_shape, parameters=(1 + options.bias) * (width // options.groups))


def describe_chunk(options: ChunkOptions, input_shape: Shape) -> Description:
    first, *others = input_shape
    if first % options.parts:
        raise ZooError(f"parts must divide the width, and {options.parts} does not divide {first}")
    return Description(output_shape=(first // options.parts, *others), parameters=0)


def describe_magnitude(options: object, input_shape: Shape) -> Description:
    first, *others = input_shape
    if first % 2:
        raise ZooError(f"real and imaginary parts must be equally many, and {first} is an odd number")
    return Description(output_shape=(first // 2, *others), parameters=0)


def norm_traits(options: NormLayerOptions) -> Traits:
    """Those of its norm."""
    return Traits(bounded=options.norm.traits.bounded)


def lookahead_traits(options: LookaheadOptions) -> Traits:
    """Of a window of one step, which looks at nothing else, and of longer ones."""
    alone = options.context == 1
    return Traits(causal=alone, streamable=alone, bounded=True)
