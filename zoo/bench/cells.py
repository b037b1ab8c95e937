"""Every cell beside every other: the comparable specs of the library, timed side by side with that of the LSTM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from zoo.bench import engine
from zoo.bench.contests import Contest, Heat, Result, Work, milliseconds, ratio
from zoo.components import CellType
from zoo.errors import ZooError, did_you_mean, one_of
from zoo.plugin.catalogue import Catalogue
from zoo.spec.canonical import Spec
from zoo.spec.comparable import specs
from zoo.spec.describe import describe

BESIDE: Final = "recurrent-zoo/lstm"
KINDS: Final = ("forward", "training")
BATCH, STEPS = 16, 64
ELEMENT_BYTES: Final = 4
"""Of a number in the states: they are measured in float32."""
COLUMNS: Final = (
    "cell",
    "parameters",
    "multiply-adds",
    "state bytes",
    "depth",
    "streamable",
    "linear",
    "forward ms",
    "× lstm",
    "training ms",
    "× lstm ",
    "forward KiB",
    "training KiB",
)
SORTS: Final = ("name", "parameters", "forward", "training")


@dataclass(frozen=True, slots=True)
class Row:
    """One cell. Figures of its spec are per sequence, and per step where steps are many.

    Attributes:
        parameters: Of the whole model, one layer; None where unknown.
        macs_per_step: Of the whole model, one layer; None where unknown.
        state_bytes: Of the whole model, one layer; None where unknown.
        sequential_depth: Of the whole model, one layer; None where unknown.
        linear: Whether it can be run as a scan.
        peaks: Bytes at the widest moment, for each of `KINDS`.
        results: Its times beside the LSTM's, for each of `KINDS`.
    """

    name: str
    parameters: int | None
    macs_per_step: int | None
    state_bytes: int | None
    sequential_depth: int | None
    streamable: bool
    linear: bool
    results: Mapping[str, Result]
    peaks: Mapping[str, int]

    def cells(self) -> tuple[str, ...]:
        """As the table of `zoo bench cells` shows it."""
        shown: list[str] = []
        for kind in KINDS:
            found = self.results[kind]
            shown += [milliseconds(found.seconds.median), ratio(found.figure.median)]
        figures = (self.parameters, self.macs_per_step, self.state_bytes, self.sequential_depth)
        return (
            self.name,
            *("unknown" if figure is None else f"{figure:,}" for figure in figures),
            *("yes" if held else "no" for held in (self.streamable, self.linear)),
            *shown,
            *(f"{self.peaks[kind] / 1024:,.0f}" for kind in KINDS),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "parameters": self.parameters,
            "macs_per_step": self.macs_per_step,
            "state_bytes": self.state_bytes,
            "sequential_depth": self.sequential_depth,
            "streamable": self.streamable,
            "linear": self.linear,
            **{kind: {**self.results[kind].to_json(), "peak_bytes": self.peaks[kind]} for kind in KINDS},
        }


@dataclass(frozen=True, slots=True)
class Table:
    """All rows, and the measurement that their times come from."""

    rows: tuple[Row, ...]
    measurement: engine.Measurement
    batch: int
    steps: int

    def remarks(self) -> list[str]:
        first, *others = self.measurement.remarks()
        others = [line for line in others if not line.startswith("goals met")]
        return [f"batch {self.batch}, {self.steps} steps, 64 features in and out, float32; {first}", *others]

    def to_json(self) -> dict[str, Any]:
        measured = self.measurement.to_json()
        del measured["results"]
        return {"batch": self.batch, "steps": self.steps, **measured, "cells": [row.to_json() for row in self.rows]}


def chosen(catalogue: Catalogue, only: str | None) -> dict[str, Spec]:
    """The comparable specs of cells whose name matches, whole or in part, by the shortest name the cell has.

    Raises:
        ZooError: none does.
    """
    known = specs(catalogue)
    named = {catalogue.spelling(one): one for one in catalogue.all("cell") if one.qualified in known}
    found = {
        name: known[one.qualified]
        for name, one in named.items()
        if only is None or fnmatchcase(name, only) or fnmatchcase(name, f"*{only}*")
    }
    if not found:
        hint = did_you_mean(only or "", named) or "; `zoo list 'cells/*'` shows them all"
        raise ZooError(f"no cell matches {only!r} among those with a spec in a folder of cells{hint}")
    return found


def measure(
    catalogue: Catalogue,
    *,
    only: str | None = None,
    batch: int = BATCH,
    steps: int = STEPS,
    rounds: int = 10,
    seconds: float = 300,
    threads: int = 1,
    progress: engine.Progress = iter,
) -> Table:
    """Measure every cell beside the LSTM, in rounds in which both have their turn.

    Args:
        catalogue: Where the cells and their specs are from.
        only: As in `chosen`.
        batch: Of the input.
        steps: Of the input.
        rounds: As `zoo.bench.engine.measure` has them.
        seconds: As `zoo.bench.engine.measure` has them.
        threads: As `zoo.bench.engine.measure` has them.
        progress: As `zoo.bench.engine.measure` has them.

    Raises:
        ZooError: no cell matches.
    """
    found = chosen(catalogue, only)
    beside = specs(catalogue)[BESIDE]
    heats = tuple(_heat(name, spec, beside, batch, steps) for name, spec in found.items())
    measured = engine.measure(heats, rounds=rounds, seconds=seconds, threads=threads, progress=progress)
    results = {result.contest.name: result for result in measured.results}
    rows = [_row(name, spec, results, batch, steps) for name, spec in found.items()]
    return Table(tuple(rows), measured, batch, steps)


def ordered(rows: Sequence[Row], by: str) -> list[Row]:
    """The rows by name, or by a figure, smallest first.

    Raises:
        ZooError: there is no such figure.
    """
    one_of("--sort", by, SORTS)
    if by == "name":
        return sorted(rows, key=lambda row: row.name)
    if by == "parameters":
        return sorted(rows, key=lambda row: (row.parameters is None, row.parameters))
    return sorted(rows, key=lambda row: row.results[by].figure.median)


def _heat(name: str, spec: Spec, beside: Spec, batch: int, steps: int) -> Heat:
    contests = tuple(Contest(f"cells/{name}/{kind}", f"{name} {kind}", f"the lstm's {kind}") for kind in KINDS)

    def make() -> Mapping[str, Work]:
        ours, other = _works(spec, batch, steps), _works(beside, batch, steps)
        return {
            **{f"{name} {kind}": work for kind, work in ours.items()},
            **{f"the lstm's {kind}": work for kind, work in other.items()},
        }

    return Heat(contests, make)


def _works(spec: Spec, batch: int, steps: int) -> dict[str, Work]:
    import zoo
    from zoo.bench.works import of_zoo

    model = zoo.build(spec, seed=0)
    contestant, x = of_zoo(model), model.example_input(batch, steps)
    return {"forward": contestant.forward(x), "training": contestant.training(x)}


def _row(name: str, spec: Spec, results: Mapping[str, Result], batch: int, steps: int) -> Row:
    import zoo
    from zoo.bench.memory import peak_bytes
    from zoo.engine.backends.linear import is_linear
    from zoo.model.base import recurrent_layers

    figures = describe(spec)
    (layer,) = spec.recurrent
    record = layer.cell.record
    assert isinstance(record, CellType)
    ((_, built),) = recurrent_layers(zoo.build(spec, seed=0))
    return Row(
        name=name,
        parameters=figures.parameters,
        macs_per_step=figures.macs_per_step,
        state_bytes=None if figures.state_elements is None else ELEMENT_BYTES * figures.state_elements,
        sequential_depth=figures.sequential_depth,
        streamable=record.traits_of(layer.cell.options).streamable,
        linear=is_linear(built.cell),
        results={kind: results[f"cells/{name}/{kind}"] for kind in KINDS},
        peaks={kind: peak_bytes(work) for kind, work in _works(spec, batch, steps).items()},
    )
