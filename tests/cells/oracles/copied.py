"""One cell with drawn weights, what it gives, and what an oracle is handed to give the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from borrowed import DOUBLE as DOUBLE
from borrowed import doubled as doubled
from borrowed import source as source
from torch import Tensor

from zoo.components import CellType, Shape, resolve
from zoo.engine.cell import Cell
from zoo.engine.layer import Run
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.plugin.manager import isolated

BATCH, STEPS = 3, 7

Numbers = tuple[Tensor, dict[str, Tensor]]
"""Outputs (B, T, ...) and final states (B, ...) by name, as many as the oracle tells."""


@dataclass(frozen=True)
class Copied:
    """What an oracle may know: weights by name, input (B, T, ...), start (B, ...) by name, times since the last step
    (B, T), which features are observed (B, T, ...), options."""

    p: Mapping[str, Tensor]
    x: Tensor
    start: Mapping[str, Tensor]
    dt: Tensor
    observed: Tensor
    options: Any
    hidden: int

    def blocks(self, name: str, count: int) -> tuple[Tensor, ...]:
        """A weight in equal parts along its first axis."""
        return self.p[name].chunk(count)


@dataclass(frozen=True)
class Oracle:
    """A cell of the zoo and an implementation of it from elsewhere.

    kind, options, input, hidden: the cell, as a spec would write it. package: whose it is. what: which part of it, for a
    reader. theirs: what it gives. tolerance: between all outputs and states of both, absolute.
    started: whether both run from drawn states rather than from the cell's own start. dt: whether steps are irregular.
    observed: whether features are missing.
    hides: states that the oracle does not tell. unused: weights that this case cannot move anything by.
    drawn: how a weight is drawn that cannot be any number.
    """

    kind: str
    package: str
    what: str
    theirs: Callable[[Copied], Numbers]
    options: Mapping[str, Any] = field(default_factory=dict)
    input: int | tuple[int, ...] = 4
    hidden: int = 5
    tolerance: float = 1e-10
    started: bool = True
    dt: bool = False
    observed: bool = False
    hides: frozenset[str] = frozenset()
    unused: frozenset[str] = frozenset()
    drawn: Mapping[str, Callable[[Tensor], Tensor]] = field(default_factory=dict)

    @property
    def shape(self) -> Shape:
        return (self.input,) if isinstance(self.input, int) else self.input


def record_of(kind: str) -> CellType:
    """The built-in cell of that name."""
    return next(r for r in (p.record for p in isolated().all("cell")) if isinstance(r, CellType) and r.name == kind)


def built(kind: str, options: Mapping[str, Any], shape: Shape, hidden: int) -> tuple[Cell, Any]:
    """The cell in float64 with its validated options; what it derives from them is exact too."""
    record = record_of(kind)
    chosen = record.options.model_validate(dict(options))
    before = torch.get_default_dtype()
    torch.set_default_dtype(DOUBLE)
    try:
        cell: Cell = resolve(record.build)(chosen, shape, hidden)
    finally:
        torch.set_default_dtype(before)
    return cell.eval(), chosen


def copied(oracle: Oracle) -> tuple[Cell, Copied]:
    """The cell of an oracle, its weights, input and start drawn from one seed, and a copy of them all."""
    cell, options = built(oracle.kind, oracle.options, oracle.shape, oracle.hidden)
    draw = torch.Generator().manual_seed(sum(oracle.kind.encode()))

    def normal(shape: tuple[int, ...], scale: float) -> Tensor:
        return scale * torch.randn(shape, generator=draw, dtype=DOUBLE)

    with torch.no_grad():
        for name, value in cell.state_dict().items():
            if value.is_floating_point():
                drawn = normal(tuple(value.shape), 0.6)
                value.copy_(oracle.drawn[name](drawn) if name in oracle.drawn else drawn)
    start = RecurrentLayer(cell).init_state(BATCH, device=torch.device("cpu"), dtype=DOUBLE)
    if oracle.started:
        start = {name: normal(tuple(value.shape), 0.5).to(value.dtype) for name, value in start.items()}
    x = normal((BATCH, STEPS, *oracle.shape), 1.0)
    dt = (
        0.2 + torch.rand((BATCH, STEPS), generator=draw, dtype=DOUBLE)
        if oracle.dt
        else torch.ones(BATCH, STEPS).double()
    )
    observed = torch.rand(x.shape, generator=draw) < 0.6 if oracle.observed else torch.ones_like(x, dtype=torch.bool)
    weights = {name: value.detach().clone() for name, value in cell.state_dict().items()}
    return cell, Copied(weights, torch.where(observed, x, 0.0), start, dt, observed, options, oracle.hidden)


def run(cell: Cell, given: Copied, oracle: Oracle) -> Numbers:
    """What the cell itself gives for what was copied."""
    known = Run(dt=given.dt if oracle.dt else None, observed=given.observed if oracle.observed else None)
    with torch.no_grad():
        found = RecurrentLayer(cell).eval()(given.x, dict(given.start), known)
    return found.output, {name: found.state[name] for name in cell.states}


def stepped(given: Copied, step: Callable[..., Any], *names: str) -> Numbers:
    """A module that takes (x, state) and gives the new state, one tensor or several, over all steps.

    names: of its states, in its order; the first is its output.
    """
    states = tuple(given.start[name] for name in names)
    outputs = []
    for x in given.x.unbind(1):
        found = step(x, states[0] if len(states) == 1 else states)
        states = (found,) if isinstance(found, Tensor) else tuple(found)
        outputs.append(states[0])
    return torch.stack(outputs, 1), dict(zip(names, states, strict=True))


def dense(weight: Tensor, places: tuple[int, ...]) -> Tensor:
    """The matrix (F * places, C * places) of a convolution with zeros around its maps: what it makes of each place."""
    width = weight.shape[1] * math.prod(places)
    every = torch.eye(width, dtype=weight.dtype).view(width, weight.shape[1], *places)
    return F.conv2d(every, weight, padding="same").flatten(1).T


def loaded(module: torch.nn.Module, weights: Mapping[str, Tensor]) -> torch.nn.Module:
    """A module in float64 with exactly these weights. Raises RuntimeError where one is missing or too many."""
    module.double().eval().load_state_dict(dict(weights), strict=True)
    return module
