"""The cells of ncps as a plugin of zoo. Light: torch and ncps are imported when a model is built."""

from __future__ import annotations

from pathlib import Path

import zoo
from zoo_ncps.options import CfCOptions, LTCOptions, WiredCfCOptions, cfc_traits

LTC_PAPER = (
    "Hasani et al. 2021, Liquid time-constant networks, AAAI, arXiv:2006.04439; Lechner et al. 2020, Neural circuit "
    "policies enabling auditable autonomy, Nature Machine Intelligence 2, doi:10.1038/s42256-020-00237-3"
)
CFC_PAPER = (
    "Hasani et al. 2022, Closed-form continuous-time neural networks, Nature Machine Intelligence 4, arXiv:2106.13898"
)

AUTHORITY = "ncps 1.0.1, where the papers leave something open"


@zoo.hookimpl
def zoo_cells() -> list[zoo.CellType]:
    return [
        zoo.CellType(
            name="ncps-ltc",
            options=LTCOptions,
            build="zoo_ncps.cells:LTC",
            describe="zoo_ncps.figures:describe_ltc",
            summary="Liquid time-constant neurons with conductance synapses, solved by a fused implicit Euler method",
            paper=LTC_PAPER,
            authority=AUTHORITY,
            zoneout=True,
            uses=frozenset({"dt"}),
            reference="zoo_ncps.references:ltc",
        ),
        zoo.CellType(
            name="ncps-cfc",
            options=CfCOptions,
            build="zoo_ncps.cells:CfC",
            describe="zoo_ncps.figures:describe_cfc",
            summary="Closed-form continuous-time cell: gates that are functions of the time elapsed, no solver",
            paper=CFC_PAPER,
            authority=AUTHORITY,
            traits=cfc_traits,
            zoneout=True,
            uses=frozenset({"dt"}),
            reference="zoo_ncps.references:cfc",
        ),
        zoo.CellType(
            name="ncps-wired-cfc",
            options=WiredCfCOptions,
            build="zoo_ncps.cells:WiredCfC",
            describe="zoo_ncps.figures:describe_wired_cfc",
            summary="Closed-form continuous-time neurons in the layers of a neural circuit policy",
            paper=CFC_PAPER,
            authority=AUTHORITY,
            zoneout=True,
            uses=frozenset({"dt"}),
            reference="zoo_ncps.references:wired_cfc",
        ),
    ]


@zoo.hookimpl
def zoo_specs() -> list[Path]:
    return [Path(__file__).parent / "specs"]
