"""Cells that are right, and unlike most: each passes the contract, and runs in half precision."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

import mistaken
import pytest
import torch
from each import each
from torch import Tensor, nn
from torch.nn.utils import parametrizations

import zoo
from zoo.testing import isolated_plugins

SPEC = {"schema": 1, "name": "unusual", "input": 5, "cell": "wrong", "hidden_size": 4}
HOME = types.ModuleType("unusual_cells")
"""Where their classes are found again by pickle."""


class Plain(zoo.Cell):
    def __init__(self, options: Any, input_shape: tuple[int, ...], hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": zoo.StateSpec((hidden_size,))}
        self.W = nn.Linear(*input_shape, hidden_size)
        self.U = nn.Parameter(torch.randn(hidden_size, hidden_size) / 2)
        self.more()

    def more(self) -> None:
        """What makes it unusual."""

    def constants(self, ctx: zoo.Context) -> Any:
        return self.U.T

    def project(self, x: Tensor, const: Any, ctx: zoo.Context) -> Any:
        return self.W(x)

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> Any:
        return {"h": torch.tanh(u + state["h"] @ const)}


class Alias(Plain):
    """One parameter under two names."""

    def more(self) -> None:
        self.again = self.U


class Shared(Plain):
    """One module in three places."""

    def more(self) -> None:
        self.other, self.chain = self.W, nn.Sequential(self.W)


class Late(Plain):
    """A buffer that the first run makes."""

    def more(self) -> None:
        self.register_buffer("mask", None, persistent=False)

    def constants(self, ctx: zoo.Context) -> Any:
        self.mask = torch.ones_like(self.U)
        return (self.U * self.mask).T


class Scalar(Plain):
    """A state that is one number for each row."""

    def more(self) -> None:
        self.states = {**self.states, "t": zoo.StateSpec((), learned=False)}

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> Any:
        h = torch.tanh(u + state["h"] @ const + 0.1 * state["t"].unsqueeze(-1))
        return {"h": h, "t": torch.sigmoid(state["h"].mean(-1))}


class Memoryless(Plain):
    """No state at all."""

    def more(self) -> None:
        self.states = {}
        del self.U

    def constants(self, ctx: zoo.Context) -> Any:
        return ()

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> Any:
        return {}

    def output(self, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        return torch.tanh(u)


CELLS = (Alias, Shared, Late, Scalar, Memoryless)
for _cell in CELLS:
    _cell.__module__ = HOME.__name__
    setattr(HOME, _cell.__name__, _cell)


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(sys.modules, HOME.__name__, HOME)
    monkeypatch.setattr(mistaken, "MADE", {**mistaken.BASES})

    def set_up(cell: type) -> None:
        mistaken.MADE["cell"] = cell

    with isolated_plugins(mistaken.plugin()):
        yield set_up


@each("cell", CELLS)
def test_an_unusual_cell_passes_the_contract(cell: type, build: Callable[[type], None]) -> None:
    build(cell)
    report = zoo.check(SPEC)
    assert report.ok, report.text()


def test_a_parametrized_weight_is_widened_in_half_precision(build: Callable[[type], None]) -> None:
    def more(self: Any) -> None:
        self.W = parametrizations.weight_norm(self.W)

    build(type("Parametrized", (Plain,), {"more": more}))
    model = zoo.build(SPEC, seed=0, dtype=torch.bfloat16)
    x = torch.randn(3, 7, 5).bfloat16()
    y = model(x)[0]
    y.sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    with torch.no_grad():
        assert torch.allclose(model.float()(x.float())[0], y.float(), atol=0.02)


def test_a_parametrized_cell_passes_what_torch_can_do_with_it(build: Callable[[type], None]) -> None:
    """Torch pickles no such module."""
    build(
        type("Parametrized", (Plain,), {"more": lambda self: setattr(self, "W", parametrizations.weight_norm(self.W))})
    )
    report = zoo.check(SPEC, checks=["state_dict", "streaming", "engines", "seed", "repeatable"])
    assert report.ok, report.text()
