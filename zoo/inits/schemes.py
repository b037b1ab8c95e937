"""Initialisation schemes by name. Each function takes options and gives what initialises a component's parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn

from zoo.components import NoOptions
from zoo.engine.cell import Cell, Role
from zoo.errors import BuildError
from zoo.inits.options import ChronoOptions, IndRNNOptions, UniformOptions

Scheme = Callable[[nn.Module], None]


def paper(options: NoOptions) -> None:
    """No scheme: a component's constructor initialises it as its paper does."""


def as_torch(options: NoOptions) -> Scheme:
    """torch.nn's recurrent layers are uniform in plus and minus 1/sqrt(hidden_size); others initialise themselves."""

    def initialise(component: nn.Module) -> None:
        for cell, roles in _roles(component):
            bound = 1 / math.sqrt(getattr(cell, "hidden_size", cell.output_shape[-1]))
            for name in roles:
                nn.init.uniform_(_parameter(cell, name), -bound, bound)

    return initialise


def keras(options: NoOptions) -> Scheme:
    """Glorot uniform and orthogonal over all gates at once, zero biases, forget gates 1, embeddings within 0.05."""

    def initialise(component: nn.Module) -> None:
        for cell, roles in _roles(component):
            first_bias = True
            for name, role in roles.items():
                parameter = _parameter(cell, name)
                if role.kind == "bias":
                    nn.init.zeros_(parameter)
                    if first_bias and role.forget is not None:
                        nn.init.ones_(_blocks(parameter, role)[role.gates.index(role.forget)])
                    first_bias = False
                elif role.kind == "recurrent":
                    nn.init.orthogonal_(parameter)
                else:
                    nn.init.xavier_uniform_(parameter)
        for module in component.modules():
            if isinstance(module, nn.Embedding):
                nn.init.uniform_(module.weight, -0.05, 0.05)
        _linears(component)

    return initialise


def orthogonal(options: NoOptions) -> Scheme:
    return _per_gate(nn.init.orthogonal_)


def xavier(options: NoOptions) -> Scheme:
    return _per_gate(nn.init.xavier_uniform_)


def chrono(options: ChronoOptions) -> Scheme:
    """Biases of the gates of memory, for dependencies of up to T steps: log u where open keeps, -log u where it writes.

    u is uniform in [1, T - 1], the same for both gates of a unit. All else is initialised as the cell's paper has it.
    Tallec and Ollivier 2018, Can recurrent neural networks warp time?, arXiv:1804.11188.

    Raises:
        BuildError: a cell has no such gate with a bias.
    """

    def initialise(component: nn.Module) -> None:
        for cell in _cells(component):
            signs = {
                gate: sign
                for gate, sign in ((cell.forget_gate_name, 1.0), (cell.input_gate_name, -1.0))
                if gate is not None
            }
            logs: Tensor | None = None
            seen: set[str] = set()
            for name, role in cell.roles().items():
                if role.kind != "bias":
                    continue
                for gate, block in zip(role.gates, _blocks(_parameter(cell, name), role), strict=True):
                    if gate not in signs:
                        continue
                    if logs is None:
                        logs = torch.empty_like(block).uniform_(1.0, options.longest - 1.0).log_()
                    block.copy_(logs * signs[gate]) if gate not in seen else block.zero_()
                    seen.add(gate)
            if logs is None:
                raise BuildError(
                    f"init 'chrono' sets the bias of a forget or input gate, and {_who(cell)} "
                    "has none; give its layer init: paper"
                )

    return initialise


def indrnn(options: IndRNNOptions) -> Scheme:
    """One recurrent weight for each unit, uniform in [0, 2^(1/T)], in a last layer in [2^(-1/T), 2^(1/T)].

    After T steps of it a unit has kept no more than twice, and in a last layer no less than half, of what it held.
    All else is initialised as the cell's paper has it. Li et al. 2018, arXiv:1803.04831; the official code,
    Sunnydreamrain/IndRNN_pytorch.

    Raises:
        BuildError: a cell has no weight for each unit.
    """

    def initialise(component: nn.Module) -> None:
        root = 2 ** (1 / options.longest)
        for cell in _cells(component):
            names = [name for name, role in cell.roles().items() if role.kind == "unit"]
            if not names:
                raise BuildError(
                    f"init 'indrnn' sets one recurrent weight for each unit, and {_who(cell)} has none; "
                    "give its layer init: paper"
                )
            for name in names:
                nn.init.uniform_(_parameter(cell, name), 1 / root if options.last else 0.0, root)

    return initialise


def uniform(options: UniformOptions) -> Scheme:
    def initialise(component: nn.Module) -> None:
        for parameter in component.parameters():
            nn.init.uniform_(parameter, -options.range, options.range)

    return initialise


def _per_gate(recurrent: Callable[[Tensor], Tensor]) -> Scheme:
    """Each gate's block by itself: recurrent ones by the given rule, input ones Xavier uniform, biases zero."""

    def initialise(component: nn.Module) -> None:
        for cell, roles in _roles(component):
            for name, role in roles.items():
                parameter = _parameter(cell, name)
                if role.kind == "bias":
                    nn.init.zeros_(parameter)
                    continue
                rule = recurrent if role.kind == "recurrent" else nn.init.xavier_uniform_
                for block in _blocks(parameter, role):
                    rule(block)
        _linears(component)

    return initialise


def _blocks(parameter: Tensor, role: Role) -> tuple[Tensor, ...]:
    """A parameter's gates, as views that share its memory."""
    return parameter.detach().chunk(len(role.gates), 0)


def _linears(component: nn.Module) -> None:
    for module in component.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _cells(component: nn.Module) -> list[Cell]:
    return [module for module in component.modules() if isinstance(module, Cell)]


def _roles(component: nn.Module) -> Iterator[tuple[Cell, Mapping[str, Role]]]:
    """Each cell with the parameters that a scheme for maps and biases initialises.

    Raises:
        BuildError: a cell has parameters, but no such ones: they would be left as they are without a word.
    """
    for cell in _cells(component):
        roles = {name: role for name, role in cell.roles().items() if role.kind != "unit"}
        if not roles and any(True for _ in cell.parameters()):
            raise BuildError(
                f"no scheme for matrices and biases can initialise {_who(cell)}, whose parameters are all of other "
                "kinds; "
                "give its layer init: paper"
            )
        yield cell, roles


def _who(cell: Cell) -> str:
    return f"a cell of class {type(cell).__name__}"


def _parameter(cell: Cell, name: str) -> Tensor:
    return cell.get_parameter(name)
