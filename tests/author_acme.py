"""A plugin as an author writes one: a cell that decays, its equations in NumPy, and a function of the module."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

import zoo


class DecayOptions(zoo.Options):
    rate: float = 0.5


def kept(rate: float) -> float:
    """What is kept."""
    return 1.0 - rate  # the rest


def _scaling(factor: float) -> Any:
    def scaled(x: float) -> float:
        return factor * x

    return scaled


scaled = _scaling(2.0)


class Private:
    __own = 2

    def shown(self, more: int = 1) -> int:
        return self.__own + more


class Base(zoo.Cell):
    def __init__(self, options: DecayOptions, input_shape: tuple[int, ...], hidden_size: int) -> None:
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": zoo.StateSpec((hidden_size,))}
        self.rate = options.rate
        self.weight = nn.Parameter(torch.empty(hidden_size, *input_shape))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.xavier_uniform_(self.weight)

    def project(self, x: torch.Tensor, const: Any, ctx: Any) -> torch.Tensor:
        return kept(self.rate) * torch.tanh(x @ self.weight.T)

    @property
    def half_life(self) -> float:
        return 0.5 / self.rate

    def step(self, u: torch.Tensor, state: Any, const: Any) -> dict[str, torch.Tensor]:
        return {"h": self.rate * state["h"] + u}


class Decay(Base):
    def reset_parameters(self) -> None:
        super().reset_parameters()
        self.weight.data.mul_(1.0)


class Gain(Decay):
    """A decay with a single number more, which its reference forgets."""

    def __init__(self, options: DecayOptions, input_shape: tuple[int, ...], hidden_size: int) -> None:
        super().__init__(options, input_shape, hidden_size)
        self.gain = nn.Parameter(torch.ones(1))

    def output(self, u: torch.Tensor, state: Any, const: Any) -> torch.Tensor:
        return self.gain * state["h"]


class Timed(Decay):
    """A decay by the time that has passed."""

    uses = frozenset({"dt"})

    def project(self, x: torch.Tensor, const: Any, ctx: Any) -> torch.Tensor:
        dt = x[..., :1] * 0 + 1 if ctx.dt is None else ctx.dt.unsqueeze(2)
        return dt * super().project(x, const, ctx)


def timed(x: Any, parameters: Any, options: DecayOptions, dt: Any) -> Any:
    h = np.zeros(len(parameters["weight"]))
    y = []
    for step, passed in zip(x, dt, strict=True):
        h = options.rate * h + passed * (1 - options.rate) * np.tanh(parameters["weight"] @ step)
        y.append(h)
    return np.stack(y)


def crash(x: Any, parameters: Any, options: DecayOptions) -> Any:
    return parameters["no such parameter"]


def reference(x: Any, parameters: Any, options: DecayOptions) -> Any:
    h = np.zeros(len(parameters["weight"]))
    y = []
    for step in x:
        h = options.rate * h + (1 - options.rate) * np.tanh(parameters["weight"] @ step)
        y.append(h)
    return np.stack(y)


def half(x: Any, parameters: Any, options: DecayOptions) -> Any:
    return reference(x, parameters, DecayOptions(rate=0.5))


def constant(x: Any, parameters: Any, options: DecayOptions) -> Any:
    return np.full((len(x), len(parameters["weight"])), 0.5)


def record(name: str, build: str = "Decay", reference: str | None = "reference", **more: Any) -> zoo.CellType:
    named = None if reference is None else f"{__name__}:{reference}"
    return zoo.CellType(name=name, options=DecayOptions, build=f"{__name__}:{build}", reference=named, **more)


def where_it_is_wrong(options: DecayOptions) -> dict[str, str]:
    return {} if options.rate == 0.5 else {"reference": "its reference knows one rate"}


@zoo.hookimpl
def zoo_cells() -> list[zoo.CellType]:
    known = {"reference": "wrong in a known way"}
    return [
        record("decay"),
        record("silent", reference=None),
        record("lying", reference="constant"),
        record("confessed", reference="constant", deviations={"reference": "its reference is a constant"}),
        record("repentant", deviations={"reference": "was once wrong"}),
        record("partly", reference="half", deviations=where_it_is_wrong),
        record("gain", "Gain"),
        record("timed", "Timed", "timed", uses=frozenset({"dt"})),
        record("crashing", reference="crash", deviations=known),
        record("lost-confessed", reference="nothing", deviations=known),
        record("lost", reference="nothing"),
    ]
