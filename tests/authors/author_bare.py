"""A plugin whose components have no parameters and describe nothing: one of each kind, all of them correct."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

import zoo


class ScaleOptions(zoo.Options):
    factor: float = 2.0


class Scaled(zoo.Input):
    def __init__(self, options: ScaleOptions) -> None:
        super().__init__()
        self.factor = options.factor
        self.input_shape = self.output_shape = (9,)

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x


class ScaledLayer(zoo.Layer):
    def __init__(self, options: ScaleOptions, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.factor, self.output_shape = options.factor, input_shape

    def forward(self, x: Tensor, state: Any, run: Any) -> zoo.LayerOutput:
        return zoo.LayerOutput(self.factor * x, {})


class ScaledHead(nn.Module):
    def __init__(self, options: ScaleOptions, input_shape: tuple[int, ...], source: nn.Module) -> None:
        super().__init__()
        self.factor = options.factor

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x


class ScaledSum(nn.Module):
    def __init__(self, options: ScaleOptions, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.factor = options.factor

    def forward(self, x: Tensor, valid: Tensor | None, final: Tensor) -> Tensor:
        return self.factor * x.sum(1)


class ScaledNorm(nn.Module):
    def __init__(self, options: ScaleOptions, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.factor = options.factor

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        return self.factor * x / (1 + x.abs())


class Average(zoo.Cell):
    """A running mean of the input's features, taken in turn."""

    def __init__(self, options: ScaleOptions, input_shape: tuple[int, ...], hidden_size: int) -> None:
        super().__init__()
        self.rate = 1 / (1 + options.factor)
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": zoo.StateSpec((hidden_size,), zoneout=True)}

    def project(self, x: Tensor, const: Any, ctx: Any) -> Tensor:
        return x[..., torch.arange(self.output_shape[0], device=x.device) % x.shape[-1]]

    def step(self, u: Tensor, state: Any, const: Any) -> dict[str, Tensor]:
        return {"h": state["h"] + self.rate * (u - state["h"])}


def _record(kind: Any, name: str, build: str) -> Any:
    return kind(name=name, options=ScaleOptions, build=f"{__name__}:{build}")


@zoo.hookimpl
def zoo_inputs() -> list[zoo.InputType]:
    return [_record(zoo.InputType, "bare", "Scaled")]


@zoo.hookimpl
def zoo_layers() -> list[zoo.LayerType]:
    return [_record(zoo.LayerType, "bare", "ScaledLayer")]


@zoo.hookimpl
def zoo_heads() -> list[zoo.HeadType]:
    return [_record(zoo.HeadType, "bare", "ScaledHead")]


@zoo.hookimpl
def zoo_pools() -> list[zoo.PoolType]:
    return [_record(zoo.PoolType, "bare", "ScaledSum")]


@zoo.hookimpl
def zoo_norms() -> list[zoo.NormType]:
    return [_record(zoo.NormType, "bare", "ScaledNorm")]


@zoo.hookimpl
def zoo_cells() -> list[zoo.CellType]:
    return [_record(zoo.CellType, "bare", "Average")]
