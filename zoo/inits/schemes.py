"""Initialisation schemes by name. Each function takes its options and gives what starts a component's parameters."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor, nn

from zoo.components import NoOptions
from zoo.engine.cell import Cell, Role
from zoo.inits.options import UniformOptions

Scheme = Callable[[nn.Module], None]


def paper(options: NoOptions) -> None:
    """No scheme: a component's constructor starts it as its paper does."""


def as_torch(options: NoOptions) -> Scheme:
    """torch.nn's recurrent layers are uniform in plus and minus 1/sqrt(hidden_size); its others start themselves."""

    def start(component: nn.Module) -> None:
        for cell in _cells(component):
            bound = 1 / math.sqrt(getattr(cell, "hidden_size", cell.output_shape[-1]))
            for name in cell.roles():
                nn.init.uniform_(_parameter(cell, name), -bound, bound)

    return start


def keras(options: NoOptions) -> Scheme:
    """Glorot uniform and orthogonal over all gates at once, zero biases, forget gates 1, embeddings within 0.05."""

    def start(component: nn.Module) -> None:
        for cell in _cells(component):
            first_bias = True
            for name, role in cell.roles().items():
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

    return start


def orthogonal(options: NoOptions) -> Scheme:
    return _per_gate(nn.init.orthogonal_)


def xavier(options: NoOptions) -> Scheme:
    return _per_gate(nn.init.xavier_uniform_)


def uniform(options: UniformOptions) -> Scheme:
    def start(component: nn.Module) -> None:
        for parameter in component.parameters():
            nn.init.uniform_(parameter, -options.range, options.range)

    return start


def _per_gate(recurrent: Callable[[Tensor], Tensor]) -> Scheme:
    """Each gate's block by itself: recurrent ones by the given rule, input ones Xavier uniform, biases zero."""

    def start(component: nn.Module) -> None:
        for cell in _cells(component):
            for name, role in cell.roles().items():
                parameter = _parameter(cell, name)
                if role.kind == "bias":
                    nn.init.zeros_(parameter)
                    continue
                rule = recurrent if role.kind == "recurrent" else nn.init.xavier_uniform_
                for block in _blocks(parameter, role):
                    rule(block)
        _linears(component)

    return start


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


def _parameter(cell: Cell, name: str) -> Tensor:
    return cell.get_parameter(name)
