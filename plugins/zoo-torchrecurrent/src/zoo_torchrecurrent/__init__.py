"""Every cell of torchrecurrent as a plugin of zoo. Light: torch is imported when a model is built."""

from __future__ import annotations

import zoo
from zoo_torchrecurrent.layer_options import DEVIATIONS, TAU_GRU, TauGRUOptions
from zoo_torchrecurrent.options import options_of, traits
from zoo_torchrecurrent.table import ENTRIES


@zoo.hookimpl
def zoo_cells() -> list[zoo.CellType]:
    return [
        zoo.CellType(
            name=entry.name,
            options=options_of(entry),
            build="zoo_torchrecurrent.cell:TorchRecurrent",
            describe="zoo_torchrecurrent.options:describe",
            summary=entry.summary,
            paper=entry.paper,
            traits=traits,
            dropouts=frozenset({"weight"}) if entry.drops else frozenset(),
            zoneout=bool(entry.held),
            reference=f"zoo_torchrecurrent.references:{entry.key}" if entry.reference else None,
            deviations=entry.deviations_of,
        )
        for entry in ENTRIES
    ]


@zoo.hookimpl
def zoo_layers() -> list[zoo.LayerType]:
    return [
        zoo.LayerType(
            name=TAU_GRU.name,
            options=TauGRUOptions,
            build="zoo_torchrecurrent.layer:TauGRU",
            describe="zoo_torchrecurrent.layer_options:describe_layer",
            summary="torchrecurrent's own tauGRU layer with its loop; the cell of that name carries the delayed "
            "states in its state",
            paper=TAU_GRU.paper,
            traits=traits,
            deviations=DEVIATIONS,
        )
    ]
