"""From a canonical spec to a model: asked for, assembled, settled and set to run on an engine."""

from __future__ import annotations

import copy
from contextlib import suppress

import torch

from zoo.components import resolve
from zoo.errors import BuildError
from zoo.model.assembling import assemble
from zoo.model.base import Model
from zoo.model.engines import engine_named, set_engine
from zoo.model.factory import Building, On, settled
from zoo.model.limits import DTYPES, GIBIBYTE, check_whole, device_of, within
from zoo.spec.canonical import Spec
from zoo.spec.tree import parts


def build(
    spec: Spec,
    *,
    seed: int | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
    engine: str = "auto",
    memory_limit: int | None = 4 * GIBIBYTE,
) -> Model:
    """The model of a spec. Arguments, result and errors are those of `zoo.build`."""
    chosen = engine_named(engine)
    where = device_of(device)
    dtype = torch.get_default_dtype() if dtype is None else dtype
    if dtype not in DTYPES:
        raise BuildError(f"dtype must be one of {', '.join(map(str, DTYPES))}, not {dtype!r:.60}")
    check_whole("seed", seed, 0, 2**64 - 1)
    check_whole("memory_limit", memory_limit, 0, None)
    within(spec, where, dtype, memory_limit)
    # Low-precision numbers are drawn as float32: not every scheme can be computed in them.
    drawn = dtype if dtype == torch.float64 else torch.float32
    _imported(spec)
    with Building(drawn, None if seed is None else int(seed)), On(where):
        model = assemble(spec)
    settled(model, drawn)
    for module in model.modules():
        if getattr(module, "frozen", False):
            module.requires_grad_(False)
    model.spec = spec
    set_engine(model, chosen)
    return model if dtype == drawn else model.to(dtype)


def with_engine(model: Model, engine: str) -> Model:
    """A copy of a model that runs on another engine. Raises BuildError for one that a cell cannot use."""
    other = copy.deepcopy(model)
    set_engine(other, engine_named(engine))
    return other


def materialise(model: Model, device: str | torch.device, *, seed: int | None = None) -> Model:
    """Give a model that was built on meta its parameters, in place.

    Args:
        model: Built on meta.
        device: Where the parameters live from now on.
        seed: Of the initial parameters, as for `zoo.build`.

    Returns:
        The same model. Its parameters are those of a direct build with that seed.

    Raises:
        BuildError: If the device cannot be used.

    Example:
        >>> model = zoo.materialise(zoo.build("lstm", device="meta"), "cpu", seed=0)
        >>> torch.equal(model.layers[0].cell.weight_ih, zoo.build("lstm", seed=0).layers[0].cell.weight_ih)
        True
    """
    floats = (t.dtype for t in (*model.parameters(), *model.buffers()) if t.is_floating_point())
    dtype = next(floats, torch.get_default_dtype())
    fresh = build(model.spec, seed=seed, device=device, dtype=dtype, engine=model.engine, memory_limit=None)
    for mine, theirs in zip(model.modules(), fresh.modules(), strict=True):
        for name, parameter in theirs.named_parameters(recurse=False, remove_duplicate=False):
            setattr(mine, name, parameter)
        for name, buffer in theirs.named_buffers(recurse=False, remove_duplicate=False):
            setattr(mine, name, buffer)
    return model


def _imported(spec: Spec) -> None:
    """Import every component before anything is drawn: what a module makes when it is imported is no model's own."""
    for _, part in parts(spec):
        with suppress(Exception):  # said where it is built, by name
            resolve(part.record.build)
