"""From a canonical spec to a model: the one place where names become modules."""

from __future__ import annotations

import copy
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from itertools import chain
from numbers import Integral
from typing import Any

import torch
from torch import nn

from zoo.components import Part, Shape, chosen, resolve
from zoo.engine import declared, labels
from zoo.engine.backends import compiled
from zoo.engine.backends.linear import is_linear
from zoo.engine.cell import Cell
from zoo.engine.layer import Layer, RecurrentLayer
from zoo.engine.recurrence import ENGINES, Engine
from zoo.errors import BuildError, ZooError, did_you_mean
from zoo.factory import Building, On, settled
from zoo.model import Model
from zoo.spec.canonical import Other, Recurrent, Spec
from zoo.spec.describe import describe
from zoo.spec.traits import parts

GIBIBYTE = 2**30
MOST_NUMBERS = 2**50
"""Of parameters and buffers: a thousand times the largest models. Torch can hardly count the bytes of more."""
DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def build(
    spec: Spec,
    *,
    seed: int | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
    engine: str = "auto",
    memory_limit: int | None = 4 * GIBIBYTE,
) -> Model:
    """The model of a spec. Arguments, result and errors as `zoo.build`."""
    chosen = engine_named(engine)
    where = _device(device)
    dtype = torch.get_default_dtype() if dtype is None else dtype
    if dtype not in DTYPES:
        raise BuildError(f"dtype must be one of {', '.join(map(str, DTYPES))}, not {dtype!r:.60}")
    _check_whole("seed", seed, 0, 2**64 - 1)
    _check_whole("memory_limit", memory_limit, 0, None)
    _within(spec, where, dtype, memory_limit)
    # Low-precision numbers are drawn as float32: not every scheme can be computed in them.
    drawn = dtype if dtype == torch.float64 else torch.float32
    _imported(spec)
    with Building(drawn, None if seed is None else int(seed)), On(where):
        model = _assemble(spec)
    settled(model, drawn)
    model.spec, model.engine = spec, chosen
    _check_engine(model, chosen)
    return model if dtype == drawn else model.to(dtype)


def with_engine(model: Model, engine: str) -> Model:
    """A copy of a model that runs on another engine. Raises BuildError for one that a cell cannot use."""
    other = copy.deepcopy(model)
    other.engine = engine_named(engine)
    _check_engine(other, other.engine)
    return other


def materialise(model: Model, device: str | torch.device, *, seed: int | None = None) -> Model:
    """Give a model that was built on meta its parameters, in place: the same as a direct build with that seed."""
    floats = (t.dtype for t in (*model.parameters(), *model.buffers()) if t.is_floating_point())
    dtype = next(floats, torch.get_default_dtype())
    fresh = build(model.spec, seed=seed, device=device, dtype=dtype, engine=model.engine, memory_limit=None)
    for mine, theirs in zip(model.modules(), fresh.modules(), strict=True):
        for name, parameter in theirs.named_parameters(recurse=False, remove_duplicate=False):
            setattr(mine, name, parameter)
        for name, buffer in theirs.named_buffers(recurse=False, remove_duplicate=False):
            setattr(mine, name, buffer)
    return model


def _assemble(spec: Spec) -> Model:
    source = _make("input", spec.input, nn.Module)
    declared.source(source)
    _start("input", source, spec.init)
    shape: Shape = source.output_shape
    layers: list[Layer] = []
    for index, layer in enumerate(spec.layers):
        place = f"layers.{index}"
        if isinstance(layer, Other):
            made: Layer = _make(place, layer.part, Layer, shape)
            _start(place, made, spec.init)
        else:
            made = _recurrent(place, layer, shape)
            _start(place, made, layer.init)
        layers.append(made)
        shape = declared.shape(made, "output_shape")
    pool = head = None
    if spec.head is not None:
        if spec.head.pool is not None:
            pool = _make("head.pool", spec.head.pool, nn.Module, shape)
            _start("pool", pool, spec.init)
        head = _make("head", spec.head.part, nn.Module, shape, source)
        _start("head", head, spec.init)
    model: Model = _call("architecture", spec.architecture, Model, source, layers, pool, head)
    return model


def _recurrent(place: str, layer: Recurrent, shape: Shape) -> RecurrentLayer:
    cells = [_make(f"{place}.cell", layer.cell, Cell, shape, layer.hidden_size) for _ in range(1 + layer.bidirectional)]
    for one in cells:
        declared.cell(one, shape, getattr(layer.cell.record, "uses", frozenset()))
    cell = cells[0]
    for each in cells:
        each._chosen = chosen(layer.cell.options)
    for kind, needed in (("weight", "weight_dropout"), ("recurrent", "recurrent_dropout")):
        if getattr(layer.dropout, kind) and needed not in cell.uses:
            raise BuildError(f"{place}: cell {layer.cell.record.name!r} does not apply dropout.{kind}")
    if layer.dropout.zoneout and not any(state.zoneout for state in cell.states.values()):
        raise BuildError(f"{place}: cell {layer.cell.record.name!r} has no state that may be zoned out")
    norm = None
    if layer.norm is not None:
        both = layer.bidirectional and layer.merge == "concat"
        out = (2 * cell.output_shape[0], *cell.output_shape[1:]) if both else cell.output_shape
        norm = _make(f"{place}.norm", layer.norm.part, nn.Module, shape if layer.norm.position == "before" else out)
    made = RecurrentLayer(
        *cells,
        reverse=layer.reverse,
        merge=layer.merge,
        dropout=layer.dropout,
        norm=norm,
        norm_position=layer.norm.position if layer.norm else "after",
        output_projection=layer.output_projection,
        residual=layer.residual,
        learned_state=layer.initial_state == "learned",
    )
    if layer.residual and made.output_shape != shape:  # found in the file already, but for cells without `describe`
        raise BuildError(f"{place}: residual needs an output as wide as the input, {made.output_shape} is not {shape}")
    return made


def _make(place: str, part: Part, base: type[Any], *arguments: Any) -> Any:
    return _call(place, part, base, part.options, *arguments)


def _call(place: str, part: Part, base: type[Any], *arguments: Any) -> Any:
    """Call what a record names. Whatever a plugin raises becomes an error that names it."""
    record = part.record
    who = f"{place}: {record.kind} {record.name!r} ({part.provided.distribution} {part.provided.version})"
    try:
        made = resolve(record.build)(*arguments)
    except ZooError:
        raise
    except Exception as error:
        said = declared.not_built(record.build, arguments, error)
        raise BuildError(f"{who} could not be built: {said}") from error
    if not isinstance(made, base):
        raise BuildError(f"{who} must be a {base.__name__}, but {record.build} gives {type(made).__name__}")
    if isinstance(made, nn.Module):
        where = place.rpartition(".")[0] if place.startswith("layers.") and place.count(".") == 2 else place
        labels.name(made, f"{where}: {record.kind} {record.name!r}")
        declared.component(made, record.kind, [one for one in arguments if isinstance(one, nn.Module)])
    return made


def _start(place: str, module: nn.Module, init: Part) -> None:
    """Start a component's parameters by the scheme, then set what its own options fix."""
    scheme: Callable[[nn.Module], None] | None = _call("init", init, object, init.options)
    if not (scheme is None or callable(scheme)):
        said = f"must give a function of a module, or None, but {init.record.build} gives {type(scheme).__name__}"
        raise BuildError(f"{place}: init {init.record.name!r} {said}")
    if scheme is not None and any(True for _ in module.parameters()):
        try:
            with torch.no_grad():
                found: object = scheme(module)
        except BuildError as error:
            raise BuildError(f"{place}: {error}") from None
        except Exception as error:
            said = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise BuildError(f"{place}: init {init.record.name!r} raised {said}") from error
        if isinstance(found, Generator | Coroutine):
            what = "which nothing runs: a scheme sets the parameters when it is called"
            raise BuildError(f"{place}: init {init.record.name!r} gives a {type(found).__name__}, {what}")
    for one in module.modules():
        pin = getattr(one, "pin_parameters", None)
        if pin is not None:
            try:
                pin()
            except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
                said = f"{type(error).__name__}: {' '.join(str(error).split())}"
                raise BuildError(labels.said_by(one, f".pin_parameters raised {said}")) from error


def engine_named(name: str) -> Engine:
    """The engine of that name. Raises BuildError for any other."""
    for engine in ENGINES:
        if engine == name:
            return engine
    hint = did_you_mean(name, ENGINES) if isinstance(name, str) else ""
    raise BuildError(f"unknown engine {name!r}{hint or '; engines: ' + ', '.join(ENGINES)}")


def _check_engine(model: Model, engine: Engine) -> None:
    """An engine that was asked for by name, and that a cell or the device cannot use, is an error that says why."""
    if engine == "compile":
        device = next(chain(model.parameters(), model.buffers()), torch.empty(0)).device
        why = compiled.obstacle(device)
        if why is not None:
            raise BuildError(f"engine 'compile' {why}: use engine 'auto' or 'loop'")
    for index, layer in enumerate(model.spec.layers):
        if not isinstance(layer, Recurrent):
            continue
        built = model.layers[index]
        assert isinstance(built, RecurrentLayer)
        why = None
        if engine == "fused" and not built.cell.fusable:
            why = "has no fused kernel with these options"
        elif engine == "linear" and not is_linear(built.cell):
            why = "is not linear in its state"
        elif engine == "scan" and not built.cell.states:
            why = "has no state to carry from step to step"
        if why is not None:
            raise BuildError(f"layers.{index}: cell {layer.cell.record.name!r} {why}: use engine 'auto' or 'loop'")


def _device(device: str | torch.device | None) -> torch.device:
    if device is None:
        return torch.get_default_device()
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, TypeError) as error:
        hint = did_you_mean(str(device), ("cpu", "cuda", "mps", "meta"))
        raise BuildError(f"device {str(device)!r} cannot be used here: {str(error).splitlines()[0]}{hint}") from None
    return found


def _within(spec: Spec, device: torch.device, dtype: torch.dtype, limit: int | None) -> None:
    """Refuse before any memory is taken: what the model keeps, and what one row of a run carries from step to step."""
    figures = describe(spec)
    parameters, buffers, state = figures.parameters or 0, figures.buffers or 0, figures.state_elements or 0
    if parameters + buffers > MOST_NUMBERS:
        many = f"{parameters + buffers:,} parameters and buffers"
        raise BuildError(f"{spec.id} has {many}, more than any machine holds: make its sizes smaller")
    if limit is None or device.type == "meta":
        return
    kept = f"{parameters:,} parameters" + (f" and {buffers:,} numbers in buffers" if buffers else "")
    for what, needed in (
        (f"has {kept}", (parameters + buffers) * dtype.itemsize),
        (f"carries {state:,} numbers of state for each row", state * max(4, dtype.itemsize)),
    ):
        if needed > limit:
            raise BuildError(
                f"{spec.id} {what}, {_size(needed)}, over the limit of {_size(limit)}: "
                "raise it with memory_limit=..., or build on device='meta'"
            )


def _size(memory: int) -> str:
    return f"{memory / GIBIBYTE:,.1f} GiB" if memory >= GIBIBYTE // 10 else f"{memory:,} bytes"


def _check_whole(name: str, value: object, low: int, high: int | None) -> None:
    """None, or a whole number within bounds."""
    if value is None:
        return
    whole = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None
    if whole is None or whole < low or (high is not None and whole > high):
        bounds = f"from {low}" if high is None else f"from {low} to {high}"
        raise BuildError(f"{name} must be a whole number {bounds}, or None, not {value!r:.60}")


def _imported(spec: Spec) -> None:
    """Import every component before anything is drawn: what a module makes when it is imported is no model's own."""
    for _, part in parts(spec):
        with suppress(Exception):  # said where it is built, by name
            resolve(part.record.build)
