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
            paper="Song, Yang and Wang 2016, Training excitatory-inhibitory recurrent neural networks for cognitive "
            "tasks: a simple and flexible framework, PLOS Computational Biology 12(2), "
            "doi:10.1371/journal.pcbi.1004792; Yang et al. 2019, Task representations in neural networks trained to "
            "perform many cognitive tasks, Nature Neuroscience 22(2), doi:10.1038/s41593-018-0310-2",
            traits=traits,
            dropouts=frozenset({"recurrent", "weight"}),
            zoneout=True,
        )
    ]


@zoo.hookimpl
def zoo_specs() -> list[Path]:
    return [Path(__file__).parent / "specs"]
