"""Options of the built-in initialisation schemes. Imports no torch."""

from __future__ import annotations

from pydantic import Field

from zoo.components import Options


class UniformOptions(Options):
    """Options of the uniform scheme."""

    range: float = Field(gt=0, description="Every parameter starts uniform between minus this and this.")
