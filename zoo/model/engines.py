"""The engine that a model runs on: by its name, for every cell that can use it."""

from __future__ import annotations

from itertools import chain

import torch

from zoo.engine.backends import table
from zoo.engine.names import ENGINES, Engine
from zoo.errors import BuildError, did_you_mean
from zoo.model.base import Model, recurrent_layers
from zoo.spec.tree import Recurrent, as_path, at


def engine_named(name: str) -> Engine:
    """The engine of that name. Raises BuildError for any other."""
    for engine in ENGINES:
        if engine == name:
            return engine
    hint = did_you_mean(name, ENGINES) if isinstance(name, str) else ""
    raise BuildError(f"unknown engine {name!r}{hint or '; engines: ' + ', '.join(ENGINES)}")


def set_engine(model: Model, engine: Engine) -> None:
    """Have a model and its stacks run on an engine.

    An engine that was asked for by name, and that a cell or the device cannot use, is an error that says why.
    """
    for module in model.modules():
        if hasattr(module, "engine"):  # a model, a stack in it, or what runs layers within a step
            module.engine = engine  # type: ignore[assignment]
    device = next(chain(model.parameters(), model.buffers()), torch.empty(0)).device
    why = table.unavailable(engine, device)
    if why is not None:
        raise BuildError(f"engine {engine!r} {why}: use engine 'auto' or 'loop'")
    for place, layer in recurrent_layers(model):
        why = table.reason(engine, layer.cell)
        if why is not None:
            name = at(model.spec, as_path(place), Recurrent).cell.record.name
            raise BuildError(f"{place}: cell {name!r} {why}: use engine 'auto' or 'loop'")
