"""A model against itself: how far figures lie from 1 by chance, here and now."""

from __future__ import annotations

from zoo.bench.contests import Heat
from zoo.bench.suites.pairs import paired
from zoo.bench.works import SIZES, Contestant, Size, built, of_zoo


def heats() -> tuple[Heat, ...]:
    return tuple(paired(f"floor/lstm/{name}", SIZES[name], "itself", _twice) for name in ("toy", "small"))


def _twice(size: Size) -> tuple[Contestant, Contestant]:
    model = of_zoo(built("lstm", size))
    return model, model
