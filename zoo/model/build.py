"""From a canonical spec to a model: the one place where names become modules."""

from __future__ import annotations

import copy
from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping
from contextlib import suppress
from itertools import chain
from numbers import Integral
from typing import Any

import torch
from torch import nn

from zoo.components import ArchitectureType, Beside, InputType, Part, Shape, chosen, concatenated, resolve
from zoo.engine import declared, labels
from zoo.engine.around import merged_shape
from zoo.engine.backends import table
from zoo.engine.cell import Cell
from zoo.engine.inside import building
from zoo.engine.layer import Layer, RecurrentLayer
from zoo.engine.layers import LayerList
from zoo.engine.names import ENGINES, Engine
from zoo.engine.sharing import share
from zoo.errors import BuildError, ZooError, did_you_mean
from zoo.inputs.base import Input
from zoo.inputs.named import InputsByName
from zoo.model.base import Model, recurrent_layers
from zoo.model.factory import Building, On, settled
from zoo.model.stack import StackModel
from zoo.renamed import old_method, warn
from zoo.spec.canonical import Spec
from zoo.spec.describe import describe
from zoo.spec.follow import NOTHING, joins
from zoo.spec.peers import groups
from zoo.spec.tree import Component, Head, NamedInput, Path, Recurrent, Stack, as_path, at, dotted, inherits, parts
from zoo.spec.tree import Layer as SpecLayer

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
    """The model of a spec. Arguments, result and errors are those of `zoo.build`."""
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
    for module in model.modules():
        if getattr(module, "frozen", False):
            module.requires_grad_(False)
    model.spec = spec
    _set_engine(model, chosen)
    return model if dtype == drawn else model.to(dtype)


def with_engine(model: Model, engine: str) -> Model:
    """A copy of a model that runs on another engine. Raises BuildError for one that a cell cannot use."""
    other = copy.deepcopy(model)
    _set_engine(other, engine_named(engine))
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


def _assemble(spec: Spec) -> Model:
    stacks: dict[str, StackModel] = {}
    for stack in spec.stacks:
        stacks[stack.name] = _stack(stack, _beside(spec, stack, stacks), stacks)
    model: Model = _make(("architecture",), spec.architecture, Model, stacks)
    if "" not in stacks:
        _initialise_own(("architecture",), model, spec.stacks[0].init, stacks.values())
    return model


def _beside(spec: Spec, stack: Stack, before: Mapping[str, StackModel]) -> Beside:
    """What the architecture joins to the features that flow through a stack."""
    record = spec.architecture.record
    if not isinstance(record, ArchitectureType) or record.beside is None:
        return Beside()
    shapes = {name: model.output_shape for name, model in before.items()}
    found: Beside = resolve(record.beside)(spec.architecture.options, stack, shapes)
    return found


def _stack(stack: Stack, beside: Beside, before: Mapping[str, StackModel]) -> StackModel:
    path = stack.path
    source = _source((*path, "input"), stack.input, stack.init, _owners(before))
    names = {"input": source.output_shape}
    layers, shape = _layers(stack.layers, (*path, "layers"), source.output_shape, stack.init, names, beside.layers)
    names |= {layer.called: layer.output_shape for layer in layers if layer.called is not None}
    made, reads = {}, {}
    for one in stack.all_heads:
        given = concatenated([names[name] for name in one.of]) if one.of else beside.head_shape(shape)
        made[one.name], reads[one.name] = _head(stack, one, given, source), one.of
    pool, head = made.pop("", (None, None))
    model = StackModel(source, layers, pool, head, heads=made, merge=stack.merge, reads=reads, declared=stack)
    for found in groups(stack):
        _introduce(model, [path[len(stack.path) :] for path, _ in found])
    return model


def _introduce(model: StackModel, paths: list[Path]) -> None:
    """Tell cells of each other, forward ones of forward ones, and backward ones likewise."""
    layers = [model.get_submodule(dotted(path)) for path in paths]
    for way in ("cell", "reverse_cell"):
        cells = tuple(cell for layer in layers if (cell := getattr(layer, way)) is not None)
        for place, cell in enumerate(cells):
            cell.peers, cell.peer = cells, place


def _head(stack: Stack, head: Head, shape: Shape, source: nn.Module) -> tuple[nn.Module | None, nn.Module | None]:
    """A head's pool and the head itself, initialised."""
    path, pool, made = (*stack.path, *head.path), None, None
    if head.pool is not None:
        pool = _make((*path, "pool"), head.pool, nn.Module, shape)
        _initialise((*path, "pool") if head.name else (*stack.path, "pool"), pool, stack.init)
    if head.part is not None:
        made = _make(path, head.part, nn.Module, shape, source)
        _initialise(path, made, stack.init)
    return pool, made


def _source(path: Path, part: Part, init: Part, owners: dict[str, nn.Module]) -> Input:
    """An input and those inside it, initialised. They are added to those that others may share, by their places."""
    inside = _Inside(path, init, {}, owners)
    with building(inside):
        source: Input = _make(path, part, nn.Module, *_owner(path, part, owners))
    declared.source(source)
    _initialise_own(path, source, init, inside.initialised)
    owners[dotted(path)] = source
    return source


def _owners(before: Mapping[str, StackModel]) -> dict[str, nn.Module]:
    """The inputs of earlier stacks, and those inside them, by their places."""
    found: dict[str, nn.Module] = {}
    for name, model in before.items():
        for path, module in model.input.named_modules(prefix=f"{name}.input"):
            if isinstance(module, Input):
                found[path] = module
    return found


def _owner(path: Path, part: Part, owners: Mapping[str, nn.Module]) -> tuple[nn.Module, ...]:
    """The input before it that an input shares, if it does."""
    if not isinstance(part.record, InputType) or not part.record.shares:
        return ()
    of = str(getattr(part.options, "of", None))
    if of not in owners:
        raise BuildError(f"{dotted(path)}: there is no input before it at {of!r}")
    return (owners[of],)


def _layers(
    layers: tuple[SpecLayer, ...],
    path: Path,
    shape: Shape,
    init: Part,
    names: Mapping[str, Shape],
    beside: Mapping[int, int] = NOTHING,
) -> tuple[list[Layer], Shape]:
    """The layers, initialised, and the shape of a step behind the last.

    Args:
        layers: As the spec has them.
        path: Of their list.
        shape: Of a step of the first one's input.
        init: Of layers that are not recurrent.
        names: Shapes of the outputs that may be read by their names.
        beside: Number of features that are joined to the input of a layer, by its position.
    """
    found: list[Layer] = []
    for index, layer in enumerate(layers):
        where = (*path, index)
        read = tuple(names[name] for name in layer.of)
        given = read[0] if read else shape
        if isinstance(layer, Component):
            inside = _Inside(where, init, names if inherits(layer.part) else {})
            with building(inside):
                made: Layer = _make(where, layer.part, Layer, read if joins(layer) else given)
            _initialise_own(where, made, init, inside.initialised)
        else:
            made = _recurrent(where, layer, given, beside.get(index, 0))
            _initialise(where, made, layer.init)
            _share(where, made, layer)
        made.reads, made.called, made.joins = layer.of, layer.name, joins(layer)
        found.append(made)
        shape = declared.shape(made, "output_shape")
        if layer.name is not None:
            names = {**names, layer.name: shape}
    return found, shape


class _Inside:
    """Builds what stands inside a component.

    Attributes:
        initialised: The layers and inputs in it, which have initialised by themselves.
        owners: The inputs so far, by their places.
    """

    def __init__(
        self, path: Path, init: Part, names: Mapping[str, Shape], owners: dict[str, nn.Module] | None = None
    ) -> None:
        self.path, self.init, self.names = path, init, names
        self.owners: dict[str, nn.Module] = {} if owners is None else owners
        self.initialised: list[nn.Module] = []

    def layers(self, layers: tuple[SpecLayer, ...], input_shape: Shape, at: str) -> LayerList:
        found, _ = _layers(layers, (*self.path, *as_path(at)), input_shape, self.init, self.names)
        self.initialised += found
        return LayerList(found, at=at)

    def part(self, part: Part, arguments: tuple[Any, ...]) -> nn.Module:
        made: nn.Module = _make((*self.path, part.record.kind), part, nn.Module, *arguments)
        return made

    def inputs(self, inputs: Mapping[str, NamedInput], at: str) -> InputsByName:
        where = (*self.path, *as_path(at))
        found = {name: _source((*where, name), one.part, self.init, self.owners) for name, one in inputs.items()}
        self.initialised += found.values()
        return InputsByName(found, {name: one.per for name, one in inputs.items()})


def _recurrent(path: Path, layer: Recurrent, shape: Shape, beside: int = 0) -> RecurrentLayer:
    place = dotted(path)
    both = layer.bidirectional
    read = (shape[0] + beside,) if beside else shape
    cells = [_make((*path, "cell"), layer.cell, Cell, read, layer.hidden_size) for _ in range(1 + both)]
    for one in cells:
        declared.cell(one, read, getattr(layer.cell.record, "uses", frozenset()))
    cell = cells[0]
    for each in cells:
        each._chosen = chosen(layer.cell.options)
    for kind, needed in (("weight", "weight_dropout"), ("recurrent", "recurrent_dropout")):
        if getattr(layer.dropout, kind) and needed not in cell.uses:
            raise BuildError(f"{place}: cell {layer.cell.record.name!r} does not apply dropout.{kind}")
    if layer.dropout.zoneout and not any(state.zoneout for state in cell.states.values()):
        raise BuildError(f"{place}: cell {layer.cell.record.name!r} has no state that allows zoneout")
    norm = None
    if layer.norm is not None:
        behind = merged_shape(cell.output_shape, layer.merge, both=both)
        normed = shape if layer.norm.position == "before" else behind
        norm = _make((*path, "norm"), layer.norm.part, nn.Module, normed)
    made = RecurrentLayer(
        *cells,
        reverse=layer.reverse,
        merge=layer.merge,
        dropout=layer.dropout,
        norm=norm,
        norm_position="before" if layer.norm and layer.norm.position == "before" else "after",
        output_projection=layer.output_projection,
        projection_bias=layer.projection_bias,
        residual=layer.residual,
        learned_state=layer.initial_state == "learned",
        joined=beside,
    )
    if layer.residual and made.output_shape != shape:  # found in the file already, but for cells without `describe`
        raise BuildError(f"{place}: residual needs an output as wide as the input, {made.output_shape} is not {shape}")
    return made


def _share(path: Path, made: RecurrentLayer, layer: Recurrent) -> None:
    """Both directions have some parameters in common: the forward one's, as they were drawn."""
    if made.reverse_cell is None or not layer.share:
        return
    try:
        share(made.cell, made.reverse_cell, layer.share)
    except KeyError as error:
        name = layer.cell.record.name
        raise BuildError(f"{dotted(path)}: share: cell {name!r} has no parameter {error.args[0]!r}") from None


def _make(path: Path, part: Part, base: type[Any], *arguments: Any) -> Any:
    """Call what a record names. Whatever a plugin raises becomes an error that names it."""
    place, arguments = dotted(path), (part.options, *arguments)
    record = part.record
    who = f"{place}: {record.kind} {record.name!r} ({part.provided.origin})"
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
        if part.frozen:
            made.frozen = True  # type: ignore[assignment]
        where = path[:-1] if path[-1] in ("cell", "norm") else path
        labels.name(made, f"{dotted(where)}: {record.kind} {record.name!r}")
        given = [*arguments, *chain.from_iterable(one.values() for one in arguments if isinstance(one, dict))]
        declared.component(made, record.kind, [one for one in given if isinstance(one, nn.Module)])
    return made


def _initialise_own(path: Path, module: nn.Module, init: Part, initialised: Iterable[nn.Module]) -> None:
    """Initialise what a module has beside the modules inside it that are initialised already."""
    inner = set(initialised)
    whole = {one: dict(one._modules) for one in module.modules() if inner & set(one._modules.values())}
    try:
        for parent, children in whole.items():
            parent._modules = {name: child for name, child in children.items() if child not in inner}
        _initialise(path, module, init)
    finally:
        for parent, children in whole.items():
            parent._modules = children


def _initialise(path: Path, module: nn.Module, init: Part) -> None:
    """Initialise a component's parameters by the scheme, then set what its own options fix."""
    place = dotted(path)
    scheme: Callable[[nn.Module], None] | None = _make(("init",), init, object)
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
        set_fixed = getattr(one, "set_fixed_parameters", None)
        if set_fixed is None and (set_fixed := old_method(one, "pin_parameters")) is not None:
            warn("Cell", "pin_parameters", 2)  # the module is no cell, which would have been told where it is defined
        if set_fixed is not None:
            try:
                set_fixed()
            except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
                said = f"{type(error).__name__}: {' '.join(str(error).split())}"
                raise BuildError(labels.said_by(one, f".set_fixed_parameters raised {said}")) from error


def engine_named(name: str) -> Engine:
    """The engine of that name. Raises BuildError for any other."""
    for engine in ENGINES:
        if engine == name:
            return engine
    hint = did_you_mean(name, ENGINES) if isinstance(name, str) else ""
    raise BuildError(f"unknown engine {name!r}{hint or '; engines: ' + ', '.join(ENGINES)}")


def _set_engine(model: Model, engine: Engine) -> None:
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
    """Refuse before any memory is taken: what the model keeps, and what one sequence carries from step to step."""
    figures = describe(spec)
    parameters = (figures.parameters or 0) + (figures.frozen or 0)
    buffers, state = figures.buffers or 0, figures.state_elements or 0
    if parameters + buffers > MOST_NUMBERS:
        many = f"{parameters + buffers:,} parameters and buffers"
        raise BuildError(f"{spec.id} has {many}, more than any machine holds: make its sizes smaller")
    if limit is None or device.type == "meta":
        return
    held = f"{parameters:,} parameters" + (f" and {buffers:,} numbers in buffers" if buffers else "")
    for what, needed in (
        (f"has {held}", (parameters + buffers) * dtype.itemsize),
        (f"carries {state:,} numbers of state for each sequence", state * max(4, dtype.itemsize)),
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
