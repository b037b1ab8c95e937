"""Options and closed forms of the built-in layer kinds and norms. Imports no torch."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from zoo.components import Description, Options, Part, Shape, Width, features
from zoo.spec.inside import describe_part
from zoo.spec.model import NormOption

Activation = Literal[
    "none",
    "relu",
    "tanh",
    "sigmoid",
    "gelu",
    "gelu_tanh",
    "silu",
    "elu",
    "selu",
    "leaky_relu",
    "softplus",
    "hard_sigmoid",
]
Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(ge=0, lt=1)]


class LinearLayerOptions(Options):
    """Options of a linear map of every step."""

    size: Annotated[int, Field(ge=1), Width] = Field(description="Number of output features.")
    bias: bool = Field(True, description="Add a bias.")
    norm: NormOption | None = Field(None, description="A norm of the result.")
    activation: Activation = Field("none", description="Activation function of the result, after its norm.")
    max_value: Annotated[float, Field(gt=0)] | None = Field(
        None,
        examples=[0.001],
        description="Upper bound of the activation, as of a relu clipped at 20 (arXiv:1412.5567).",
    )
    dropout: Rate = Field(0.0, description="Dropout rate on the result.")


class NormOptions(Options):
    """Options of a norm."""

    eps: float = Field(default=1e-5, gt=0, description="Added to the variance or mean square, for numerical stability.")


class LayerNormOptions(NormOptions):
    """Options of layer normalisation."""

    bias: bool = Field(default=True, description="Add a shift.")


class BatchNormOptions(NormOptions):
    """Options of batch normalisation."""

    momentum: float = Field(default=0.1, gt=0, le=1, description="Weight of a new batch in the running statistics.")


def describe_linear(options: LinearLayerOptions, input_shape: Shape) -> Description | None:
    return with_norm(linear(input_shape, options.size, bias=options.bias), options.norm, (options.size,))


def with_norm(found: Description, norm: Part | None, shape: Shape) -> Description | None:
    """The figures of a component and of a norm behind it; None where the norm does not describe itself."""
    own = None if norm is None else describe_part(norm, shape)
    if norm is None or own is None:
        return found if norm is None else None
    return replace(
        found,
        parameters=found.parameters + own.parameters,
        buffers=found.buffers + own.buffers,
        frozen=found.frozen + own.frozen,
        macs_per_step=found.macs_per_step + own.macs_per_step,
    )


def describe_affine_norm(options: LayerNormOptions, input_shape: Shape) -> Description:
    """A norm with a scale and, unless it is left out, a shift."""
    return Description(output_shape=input_shape, parameters=(1 + options.bias) * features(input_shape))


def describe_batch_norm(options: BatchNormOptions, input_shape: Shape) -> Description:
    """Beside scale and shift, a running mean and variance, and how many batches there were."""
    width = features(input_shape)
    return Description(output_shape=input_shape, parameters=2 * width, buffers=2 * width + 1)


def describe_rms_norm(options: NormOptions, input_shape: Shape) -> Description:
    return Description(output_shape=input_shape, parameters=features(input_shape))


def linear(input_shape: Shape, size: int, *, bias: bool) -> Description:
    """One linear map of all numbers of a step, features or maps."""
    product = math.prod(input_shape) * size
    return Description(output_shape=(size,), parameters=product + size * bias, macs_per_step=product)
