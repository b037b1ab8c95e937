"""A sound plugin of every kind, of which tests make the mistakes that authors make."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

import zoo


class Leaky(zoo.Cell):
    """h + 0.5 (tanh(W x + U h) - h), with a second state c that holds what h was."""

    def __init__(self, options: Any, input_shape: tuple[int, ...], hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": zoo.StateSpec((hidden_size,)), "c": zoo.StateSpec((hidden_size,), learned=False)}
        self.W = nn.Linear(*input_shape, hidden_size)
        self.U = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        self.W.reset_parameters()
        nn.init.orthogonal_(self.U)

    def constants(self, ctx: zoo.Context) -> Any:
        return self.U.T

    def project(self, x: Tensor, const: Any, ctx: zoo.Context) -> Any:
        return self.W(x)

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> Any:
        h = state["h"]
        return {"h": h + 0.5 * (torch.tanh(torch.addmm(u, h, const)) - h), "c": h}


class Decay(zoo.Cell):
    """h <- a h + W x, elementwise."""

    def __init__(self, options: Any, input_shape: tuple[int, ...], hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": zoo.StateSpec((hidden_size,))}
        self.W = nn.Linear(*input_shape, hidden_size)
        self.a = nn.Parameter(torch.full((hidden_size,), 0.5))

    def constants(self, ctx: zoo.Context) -> Any:
        return self.a

    def project(self, x: Tensor, const: Any, ctx: zoo.Context) -> Any:
        return self.W(x)

    def linear_recurrence(self, u: Any, const: Any) -> Any:
        return {"h": (const, u)}


class Double(zoo.Layer):
    def __init__(self, options: Any, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.output_shape = input_shape

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: zoo.Run) -> Any:
        return zoo.LayerOutput(2 * x, {})


class Scale(nn.Module):
    """A head, a pool, a norm and an input, by the arguments of each."""

    def __init__(self, options: Any, input_shape: tuple[int, ...] = (), source: Any = None) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(1))


class Head(Scale):
    def forward(self, x: Tensor) -> Any:
        return self.factor * x


class Pool(Scale):
    def forward(self, y: Tensor, valid: Tensor | None, final: Tensor) -> Any:
        return self.factor * final


class Norm(Scale):
    def forward(self, x: Tensor, valid: Tensor | None) -> Any:
        return self.factor * x


class Source(zoo.Input):
    def __init__(self, options: Any) -> None:
        super().__init__()
        self.input_shape, self.output_shape = (5,), (5,)

    def forward(self, x: Tensor) -> Any:
        return 2 * x


def scheme(options: Any) -> Any:
    return nn.Module.float


BASES: dict[str, Any] = {
    "cell": Leaky,
    "layer": Double,
    "head": Head,
    "pool": Pool,
    "norm": Norm,
    "input": Source,
    "init": scheme,
}
MADE: dict[str, Any] = {}
"""What the records of `plugin` build now, by kind."""


def sound() -> None:
    """Without a mistake again: what one value of a test left must not be there for the next."""
    MADE.clear()
    MADE.update(BASES)


def _maker(kind: str) -> Callable[..., Any]:
    return lambda *arguments: MADE[kind](*arguments)


for _kind in BASES:
    globals()[f"make_{_kind}"] = _maker(_kind)


def plugin() -> types.ModuleType:
    """A plugin with one component of each kind, called "wrong"."""

    def build(kind: str) -> str:
        return f"mistaken:make_{kind}"

    hooks: dict[str, Any] = {
        "zoo_cells": lambda: [zoo.CellType(name="wrong", build=build("cell"))],
        "zoo_layers": lambda: [zoo.LayerType(name="wrong", build=build("layer"))],
        "zoo_heads": lambda: [zoo.HeadType(name="wrong", build=build("head"))],
        "zoo_pools": lambda: [zoo.PoolType(name="wrong", build=build("pool"))],
        "zoo_norms": lambda: [zoo.NormType(name="wrong", build=build("norm"))],
        "zoo_inputs": lambda: [zoo.InputType(name="wrong", build=build("input"))],
        "zoo_inits": lambda: [zoo.InitType(name="wrong", build=build("init"))],
    }
    holder = types.ModuleType("zoo_mistaken")
    for name, hook in hooks.items():
        setattr(holder, name, zoo.hookimpl(hook))
    return holder
