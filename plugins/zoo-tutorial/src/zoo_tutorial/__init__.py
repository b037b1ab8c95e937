"""A moving average and a pool, as a plugin of zoo: what the tutorial builds. Imports no torch."""

from __future__ import annotations

from pathlib import Path

import zoo
from zoo_tutorial.options import EMAOptions


@zoo.hookimpl
def zoo_cells() -> list[zoo.CellType]:
    return [
        zoo.CellType(
            name="ema",
            options=EMAOptions,
            build="zoo_tutorial.modules:EMA",
            describe="zoo_tutorial.options:describe_ema",
            reference="zoo_tutorial.reference:ema",
            summary="Moving average of a map of the input, with learned rates and damping",
            paper="Ma et al. 2023, Mega: moving average equipped gated attention, ICLR, arXiv:2209.10655",
            zoneout=True,
        )
    ]


@zoo.hookimpl
def zoo_pools() -> list[zoo.PoolType]:
    return [
        zoo.PoolType(
            name="range",
            build="zoo_tutorial.modules:Range",
            describe="zoo_tutorial.options:describe_range",
            summary="The largest value of each feature minus the smallest",
        )
    ]


@zoo.hookimpl
def zoo_specs() -> list[Path]:
    return [Path(__file__).parent / "specs"]
