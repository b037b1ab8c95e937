"""What does not fit together in a spec, each with its place."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.errors import ZooError
from zoo.spec.tree import Path


@dataclass(frozen=True, slots=True)
class ShapeMismatch:
    """Two neighbours that do not fit, or options that a component cannot be described with.

    Attributes:
        path: Where in the canonical form.
        message: What does not fit.
    """

    path: Path
    message: str


class ShapeMismatchError(ZooError):
    """What does not fit inside a component that holds layers, each with its path there."""

    def __init__(self, mismatches: tuple[ShapeMismatch, ...]) -> None:
        super().__init__(mismatches[0].message)
        self.mismatches = mismatches
