"""The leaky recurrent network as a plugin of zoo. Light: torch is imported when a model is built."""

from __future__ import annotations

from pathlib import Path

import zoo
from zoo_leaky.options import LeakyOptions, traits


@zoo.hookimpl
def zoo_cells() -> list[zoo.CellType]:
    return [
        zoo.CellType(
            name="leaky",
            options=LeakyOptions,
            build="zoo_leaky.cell:Leaky",
            describe="zoo_leaky.options:describe",
            summary="Leaky rate units in continuous time, with optional noise",
            paper="Song et al. 2016, PLoS Comput Biol 12(2): e1004792; rate form: Yang et al. 2019, Nat Neurosci 22",
            traits=traits,
            dropouts=frozenset({"recurrent", "weight"}),
            zoneout=True,
        )
    ]


@zoo.hookimpl
def zoo_specs() -> list[Path]:
    return [Path(__file__).parent / "specs"]
