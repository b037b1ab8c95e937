"""From the tree of a spec to modules: every component in its place, with what stands inside it and around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from zoo.components import ArchitectureType, Beside, InputType, Part, Shape, chosen, concatenated, resolve
from zoo.engine import declared, declared_cell
from zoo.engine.around import merged_shape
from zoo.engine.cell import Cell
from zoo.engine.inside import building
from zoo.engine.layer import Layer
from zoo.engine.layers import LayerList
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.engine.sharing import share
from zoo.errors import BuildError
from zoo.inputs.base import Input
from zoo.inputs.named import InputsByName
from zoo.model.base import Model
from zoo.model.making import initialise, initialise_own, make
from zoo.model.stack import StackModel
from zoo.spec.canonical import Spec
from zoo.spec.follow import NOTHING, joins
from zoo.spec.peers import groups
from zoo.spec.tree import Component, Head, NamedInput, Path, Recurrent, Stack, as_path, dotted, inherits
from zoo.spec.tree import Layer as SpecLayer


def assemble(spec: Spec) -> Model:
    """The stacks of a spec, initialised, and its architecture over them."""
    stacks: dict[str, StackModel] = {}
    for stack in spec.stacks:
        stacks[stack.name] = _stack(stack, _beside(spec, stack, stacks), stacks)
    model: Model = make(("architecture",), spec.architecture, Model, stacks)
    if "" not in stacks:
        initialise_own(("architecture",), model, spec.stacks[0].init, stacks.values())
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
        pool = make((*path, "pool"), head.pool, nn.Module, shape)
        initialise((*path, "pool") if head.name else (*stack.path, "pool"), pool, stack.init)
    if head.part is not None:
        made = make(path, head.part, nn.Module, shape, source)
        initialise(path, made, stack.init)
    return pool, made


def _source(path: Path, part: Part, init: Part, owners: dict[str, nn.Module]) -> Input:
    """An input and those inside it, initialised. They are added to those that others may share, by their places."""
    inside = _Inside(path, init, {}, owners)
    with building(inside):
        source: Input = make(path, part, nn.Module, *_owner(path, part, owners))
    declared.source(source)
    initialise_own(path, source, init, inside.initialised)
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
                made: Layer = make(where, layer.part, Layer, read if joins(layer) else given)
            initialise_own(where, made, init, inside.initialised)
        else:
            made = _recurrent(where, layer, given, beside.get(index, 0))
            initialise(where, made, layer.init)
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
        made: nn.Module = make((*self.path, part.record.kind), part, nn.Module, *arguments)
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
    cells = [make((*path, "cell"), layer.cell, Cell, read, layer.hidden_size) for _ in range(1 + both)]
    for one in cells:
        declared_cell.cell(one, read, getattr(layer.cell.record, "uses", frozenset()))
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
        norm = make((*path, "norm"), layer.norm.part, nn.Module, normed)
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
