"""A cell without a record or a package: a record for it, made from the cell itself, which lives in this process only.

It stands in a spec as any cell does, so that what is built from it is built, summarised and checked the one way.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from pydantic import PrivateAttr

from zoo.components import CellType, Options, Part, Provided, Shape, Traits
from zoo.engine.cell import Cell
from zoo.errors import BuildError, ZooError
from zoo.nn.keys import load
from zoo.plugin.catalogue import UNPACKAGED, Catalogue, Plugin
from zoo.plugin.manager import catalogue
from zoo.spec.canonical import Spec
from zoo.spec.tree import map_parts


@dataclass(frozen=True, eq=False)
class Live:
    """Where cells come from. input_shape, hidden_size: those that were asked for. cell: one of them, to read from."""

    cell: Cell
    input_shape: Shape
    hidden_size: int

    def made(self, input_shape: Shape, hidden_size: int) -> Cell:
        """A new cell. Raises ZooError where there is none of this size."""
        raise NotImplementedError

    def try_out(self, input_shape: Shape, hidden_size: int) -> None:
        """Raise ZooError where there is no cell of this size."""
        raise NotImplementedError

    def __deepcopy__(self, memo: Any) -> Live:
        return self


@dataclass(frozen=True, eq=False)
class Copies(Live):
    """Copies of one cell, each started afresh: its sizes are what they are."""

    def made(self, input_shape: Shape, hidden_size: int) -> Cell:
        self.try_out(input_shape, hidden_size)
        here = torch.empty(0)  # of the device and dtype that the model is built on
        found = copy.deepcopy(self.cell).to(here.device, here.dtype)
        found.reset_parameters()
        return found

    def try_out(self, input_shape: Shape, hidden_size: int) -> None:
        if (input_shape, hidden_size) != (self.input_shape, self.hidden_size):
            mine, asked = _sizes(self.input_shape, self.hidden_size), _sizes(input_shape, hidden_size)
            name = type(self.cell).__name__
            raise ZooError(f"the {name} that was given is ({mine}), not ({asked}): give its class, {name}, and sizes")


@dataclass(frozen=True, eq=False)
class Calls(Live):
    """What a class, or a function, gives for an input's size and a number of units."""

    function: Callable[[Any, int], Cell]

    def made(self, input_shape: Shape, hidden_size: int) -> Cell:
        found = call(self.function, input_shape, hidden_size)
        if found is self.cell:
            raise BuildError(f"{_name(self.function)} gives the same cell again: each layer needs a new one")
        return found

    def try_out(self, input_shape: Shape, hidden_size: int) -> None:
        from zoo.model.factory import Building

        if (input_shape, hidden_size) == (self.input_shape, self.hidden_size):
            return
        try:
            with Building(torch.float32, 0):
                self.made(input_shape, hidden_size)
        except Exception as error:
            raise ZooError(f"{_name(self.function)} makes no cell of ({_sizes(input_shape, hidden_size)})") from error


class LiveOptions(Options):
    """None: a cell that is here already has been given its own."""

    _live: Live | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, live: Live) -> LiveOptions:
        found = cls()
        found._live = live
        return found


def make(options: LiveOptions, input_shape: Shape, hidden_size: int) -> Cell:
    """A cell for one direction of one layer."""
    assert options._live is not None
    return options._live.made(input_shape, hidden_size)


def describe(options: LiveOptions, input_shape: Shape, hidden_size: int) -> None:
    """Nothing is known of its figures; but which sizes it has is."""
    if options._live is not None:
        options._live.try_out(input_shape, hidden_size)


def call(function: Callable[[Any, int], Any], input_shape: Shape, hidden_size: int) -> Cell:
    """The cell that a class or function gives. Raises ZooError where it gives something else."""
    found = function(input_shape[0] if len(input_shape) == 1 else input_shape, hidden_size)
    if not isinstance(found, Cell):
        raise ZooError(f"{_name(function)} must give a zoo.Cell, not {type(found).__name__}")
    return found


def record_of(cell: Cell, traits: Traits) -> CellType:
    """What a record would say of a cell, as far as the cell says it itself."""
    uses = frozenset(cell.uses)
    return CellType(
        name=re.sub(r"[^a-z0-9._-]|^[^a-z0-9]+", "", type(cell).__name__.lower()) or "cell",
        build="zoo.nn.live:make",
        describe="zoo.nn.live:describe",
        options=LiveOptions,
        summary=(type(cell).__doc__ or "").strip().partition("\n")[0].rstrip("."),
        traits=traits,
        dropouts=frozenset(kind for kind in ("recurrent", "weight") if f"{kind}_dropout" in uses),
        zoneout=any(state.zoneout for state in cell.states.values()),
        uses=uses & {"dt", "observed"},
    )


def spec_of(live: Live, record: CellType, keys: Mapping[str, Any], caller: str) -> Spec:
    """The spec of these keys, in which `cell` is the name of the record, with its cells in it.

    Raises:
        SpecError: every mistake in the keys.
    """
    provided = Provided(record, UNPACKAGED, "", "")
    plugin = Plugin(name=UNPACKAGED, distribution=UNPACKAGED, version="", module=__name__, components=(provided,))
    known = catalogue()
    found = load(keys, caller, Catalogue((*known.plugins, plugin), known.notes))
    options = LiveOptions.of(live)
    return map_parts(found, lambda _, part: Part(provided, options) if part.provided == provided else part)


def _sizes(input_shape: Shape, hidden_size: int) -> str:
    return f"{input_shape[0] if len(input_shape) == 1 else input_shape}, {hidden_size}"


def _name(function: object) -> str:
    return getattr(function, "__name__", type(function).__name__)
