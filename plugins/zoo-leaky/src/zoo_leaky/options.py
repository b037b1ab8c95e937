"""What can be chosen for the leaky cell, and its figures. Imports no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

import zoo


class LeakyOptions(zoo.Options):
    """Options of the leaky cell."""

    alpha: float = Field(0.2, gt=0, le=1, description="alpha = dt / tau, the step size divided by the time constant.")
    nonlinearity: Literal["relu", "tanh", "softplus"] = Field(
        "relu", description="Activation function f, from input current to rate."
    )
    noise: float = Field(
        0.0,
        ge=0,
        description="sigma, the noise level in training: noise with standard deviation sqrt(2 / alpha) sigma is "
        "added to the current.",
    )
    bias: bool = Field(True, description="Add a bias to the current.")


def traits(options: LeakyOptions) -> zoo.Traits:
    """Noise makes it stochastic; only tanh keeps it bounded."""
    return zoo.Traits(stochastic=options.noise > 0, bounded=options.nonlinearity == "tanh")


def describe(options: LeakyOptions, input_shape: tuple[int, ...], hidden_size: int) -> zoo.Description:
    """The closed form: one product of the input, one of the state, and a bias."""
    if len(input_shape) != 1:
        raise zoo.ZooError(f"needs flat features at each step, not maps of shape {input_shape}")
    products = hidden_size * (input_shape[0] + hidden_size)
    return zoo.Description(
        output_shape=(hidden_size,),
        parameters=products + (hidden_size if options.bias else 0),
        macs_per_step=products,
        state={"h": (hidden_size,)},
        sequential_depth=1,
    )
