"""What the command line of this run of pytest asks of the contract: a decorator has no other way to learn of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line of pytest asks for.

    Attributes:
        checks: Names of checks. None of them for what each test asks for itself.
        device: Where checks run.
    """

    checks: tuple[str, ...] = ()
    device: str | None = None


current = Asked()
"""Of the run that collects tests now; set by `zoo.testing.pytest_plugin` alone."""
