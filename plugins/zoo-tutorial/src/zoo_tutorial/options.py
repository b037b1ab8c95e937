"""What can be chosen for the moving average, and its figures. Imports no torch."""

from __future__ import annotations

from pydantic import Field

import zoo


class EMAOptions(zoo.Options):
    """Options of the moving average."""

    damped: bool = Field(True, description="Learn a damping factor too; without it the two weights sum to one.")


def describe_ema(options: EMAOptions, input_shape: tuple[int, ...], hidden_size: int) -> zoo.Description:
    """One product of the input, a rate per unit and, if damped, a damping."""
    if len(input_shape) != 1:
        raise zoo.ZooError(f"needs flat features at each step, not maps of shape {input_shape}")
    weights = hidden_size * input_shape[0]
    return zoo.Description(
        output_shape=(hidden_size,),
        parameters=weights + (2 if options.damped else 1) * hidden_size,
        macs_per_step=weights,
        state={"h": (hidden_size,)},
    )


def describe_range(options: zoo.NoOptions, input_shape: tuple[int, ...]) -> zoo.Description:
    """Nothing but a pass over the features."""
    return zoo.Description(output_shape=input_shape, parameters=0)
