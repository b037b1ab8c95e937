"""Options of the built-in initialisation schemes. Imports no torch."""

from __future__ import annotations

from pydantic import Field

from zoo.components import Options


class ChronoOptions(Options):
    """Options of the chrono scheme."""

    longest: int = Field(ge=3, description="T, the longest dependency expected, in steps.")


class IndRNNOptions(Options):
    """Options of the scheme of independently recurrent networks."""

    longest: int = Field(ge=1, description="T, the longest dependency expected, in steps.")
    last: bool = Field(
        False,
        description="Whether this is the last recurrent layer, whose units are all initialised with a long memory.",
    )


class UniformOptions(Options):
    """Options of the uniform scheme."""

    range: float = Field(gt=0, le=1e38, description="Every parameter is drawn uniformly from [-range, range].")
