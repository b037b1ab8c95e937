"""From a model to its diagnosis: every recurrent layer is looked at by itself, on what the layers below give it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

from zoo.engine.cell import Cell
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.errors import ZooError
from zoo.inspect import probes
from zoo.inspect.report import Diagnosis, Flow, Health
from zoo.model.base import Model, recurrent_layers
from zoo.spec.tree import Recurrent, as_path, at

BATCH: Final = 4
NEAR: Final = 32
"""Steps for what needs no long sequence: gates, the map from state to state."""


def examine(model: Model, *, lengths: Sequence[int], seed: int) -> Diagnosis:
    """Look at every recurrent layer of a model, each by itself, on inputs that are random where the model's own begin.

    Args:
        model: Is left as it is.
        lengths: Numbers of steps, each at least 2.
        seed: Of the input.

    Raises:
        ZooError: a length is too short, or there is no recurrent layer.
    """
    steps = sorted(set(lengths))
    if not steps or steps[0] < 2:
        raise ZooError(f"lengths must be numbers of steps from 2 on, not {list(lengths)!r}")
    spec = model.spec
    own = copy.deepcopy(model).eval()
    found = []
    for place, layer, x in _inputs(own, steps[-1], seed):
        kind = at(spec, as_path(place), Recurrent).cell.record.name
        if layer.norm is not None and layer.norm_position == "before":
            with torch.no_grad():
                x = layer.norm(x, None)
        directions = [("", layer.cell, layer.reverse)]
        if layer.reverse_cell is not None:
            directions.append((" backward", layer.reverse_cell, True))
        for name, cell, turned in directions:
            seen = x.flip(1) if turned else x
            found.append(_health(f"{place}{name}", kind, cell, seen, steps))
    if not found:
        raise ZooError(f"{spec.name}: has no recurrent layer to examine")
    return Diagnosis(spec.id, tuple(found))


def _inputs(model: Model, steps: int, seed: int) -> Iterator[tuple[str, RecurrentLayer, Tensor]]:
    """Each recurrent layer, its place, and what comes into it, (B, T, ...)."""
    seen: dict[nn.Module, Tensor] = {}

    def note(layer: nn.Module, arguments: tuple[Any, ...]) -> None:
        seen[layer] = arguments[0].detach()

    hooks = [layer.register_forward_pre_hook(note) for _, layer in recurrent_layers(model)]
    try:
        with torch.no_grad():
            model(**model.example_arguments(BATCH, steps, seed=seed))
    finally:
        for hook in hooks:
            hook.remove()
    for place, layer in recurrent_layers(model):
        yield place, layer, seen[layer]


def _health(place: str, kind: str, cell: Cell, x: Tensor, steps: Sequence[int]) -> Health:
    exact, wide = copy.deepcopy(cell).double(), x.double()  # float32 would end at 1e-38
    flows = [Flow(length, *probes.flow(exact, wide[:, -length:])) for length in steps]
    dead, units = probes.dead(cell, x[:, -NEAR:])
    return Health(
        place=place,
        cell=kind,
        flows=tuple(flows),
        saturated=probes.saturated(cell, x[:, -NEAR:]),
        radius=probes.radius(exact, wide[:, -NEAR:]),
        dead=dead,
        units=units,
        denormal=probes.denormal(cell.float(), x.float()),
    )
