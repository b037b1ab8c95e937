"""The suites by name. Each is a function that gives its heats; none imports torch before a heat is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from zoo.bench.contests import Heat
from zoo.bench.suites import floor, growth, kernels, linear, loop, models, peers, ragged
from zoo.errors import one_of

SUITES: Final[dict[str, Callable[[], tuple[Heat, ...]]]] = {
    "floor": floor.heats,
    "kernels": kernels.heats,
    "ragged": ragged.heats,
    "loop": loop.heats,
    "peers": peers.heats,
    "linear": linear.heats,
    "growth": growth.heats,
    "models": models.heats,
}


def heats(names: Sequence[str] = ()) -> tuple[Heat, ...]:
    """The heats of these suites, in the order of `SUITES`; of all if none is named.

    Raises:
        ZooError: there is no such suite.
    """
    for name in names:
        one_of("--suite", name, tuple(SUITES))
    return tuple(heat for name, suite in SUITES.items() if not names or name in names for heat in suite())
