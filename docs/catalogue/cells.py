"""What is known of each built-in cell, gathered from record, docstring, spec, golden records and oracles."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import zoo
from catalogue.equations import Equation, aliases, equations, output_of
from zoo.components import CellType, Description, Traits
from zoo.engine.backends.linear import is_linear
from zoo.engine.cell import Cell
from zoo.plugin.manager import isolated
from zoo.spec import comparable
from zoo.spec.canonical import Spec
from zoo.spec.tree import Recurrent

ROOT: Final = Path(__file__).parents[2]
GOLDEN: Final = ROOT / "tests" / "cells" / "golden"
INPUTS: Final = {"dt": "Δt", "observed": "m"}
"""How the equations write what a cell may be given besides x."""
ORACLES: Final = ROOT / "tests" / "cells" / "oracles.json"


@dataclass(frozen=True, slots=True)
class Known:
    """One cell.

    Attributes:
        spec: Its comparable one.
        symbols: Of its states, in its equations.
        inputs: Symbols of what comes in besides x.
        start: What `reset_parameters` says.
        docstrings: Of its class, and of the class of its further options, if that is another.
        source: Where the class is, from the root.
        output_shape: Of one step.
        oracles: As the registry has them.
        golden: Its golden record.
    """

    record: CellType
    spec: Spec
    description: Description
    traits: Traits
    states: tuple[str, ...]
    symbols: tuple[str, ...]
    inputs: tuple[str, ...]
    start: str
    equations: tuple[Equation, ...]
    output: str
    docstrings: tuple[str, ...]
    source: str
    output_shape: tuple[int, ...]
    linear: bool
    fused: bool
    oracles: tuple[Mapping[str, Any], ...]
    golden: Path

    @property
    def proofs(self) -> tuple[str, ...]:
        """The kinds of proof that the cell has."""
        found = [
            ("reference", bool(self.record.reference)),
            ("golden", self.golden.exists()),
            ("oracle", bool(self.oracles)),
        ]
        return tuple(name for name, there in found if there)


@cache
def cells() -> tuple[Known, ...]:
    """Every built-in cell, by name."""
    catalogue = isolated()
    specs = comparable.specs(catalogue)
    rows = comparable.rows(catalogue.all("cell"), catalogue)
    oracles = json.loads(ORACLES.read_text(encoding="utf-8"))
    found = []
    for provided in catalogue.all("cell"):
        record, spec = provided.record, specs[provided.qualified]
        description = rows[provided.qualified].description
        assert isinstance(record, CellType)
        assert description is not None
        (layer,) = (one for one in spec.layers if isinstance(one, Recurrent))
        cell = zoo.build(spec, seed=0).layers[0].cell
        assert isinstance(cell, Cell)
        names = (*cell.states, *cell.state_dict(), *record.options.model_fields)
        text = _without(f"{record.summary}.", inspect.getdoc(type(cell)) or "")
        entry = oracles.get(record.name)
        found.append(
            Known(
                record=record,
                spec=spec,
                description=description,
                traits=record.traits_of(layer.cell.options),
                states=tuple(cell.states),
                symbols=tuple(aliases(text).get(name, name) for name in cell.states),
                inputs=tuple(symbol for name, symbol in INPUTS.items() if name in record.uses),
                start=_without("Initialise the parameters.", inspect.getdoc(type(cell).reset_parameters) or ""),
                equations=equations(text, names),
                output=output_of(text, names),
                docstrings=(text, *_further(type(cell))),
                source=str(Path(inspect.getfile(type(cell))).relative_to(ROOT)),
                output_shape=cell.output_shape,
                linear=is_linear(cell),
                fused=cell.fusable,
                oracles=() if entry is None else (entry, *entry.get("also", [])),
                golden=GOLDEN / f"{record.name}.json",
            )
        )
    return tuple(found)


def _without(summary: str, text: str) -> str:
    """A docstring without its first line, where that is no more than what stands on the page already."""
    return text.removeprefix(f"{summary}\n\n")


def _further(made: type[Cell]) -> list[str]:
    """Docstrings of the cell's classes for other options: those of its module that derive from it."""
    module = inspect.getmodule(made)
    return [
        inspect.getdoc(one) or ""
        for one in vars(module).values()
        if inspect.isclass(one)
        and issubclass(one, made)
        and one is not made
        and one.__module__ == made.__module__
        and one.__name__ == f"{made.__name__}Variant"
    ]
