"""A plugin's layer with layers inside: x + layers(x), with or without the sum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

import zoo


class BlockOptions(zoo.Options):
    """Options of the block."""

    layers: zoo.Layers
    residual: bool = True


def describe(options: BlockOptions, input_shape: tuple[int, ...]) -> zoo.Description | None:
    found = zoo.describe_layers(options.layers, input_shape)
    if found is not None and options.residual and found.output_shape != input_shape:
        raise zoo.ZooError(f"a residual block gives what it reads, {input_shape}, not {found.output_shape}")
    return found


class Block(zoo.Layer):
    """The block."""

    def __init__(self, options: BlockOptions, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = zoo.build_layers(options.layers, input_shape)
        self.residual = options.residual
        self.output_shape = self.layers.output_shape

    def init_state(self, batch: int, *, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
        return self.layers.init_state(batch, device=device, dtype=dtype)

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: zoo.Run) -> zoo.LayerOutput:
        y = self.layers.run(x, state, run)
        return y._replace(output=x + y.output) if self.residual else y


class Plugin:
    """Hooks of the plugin."""

    @zoo.hookimpl
    def zoo_layers(self) -> list[zoo.LayerType]:
        return [zoo.LayerType(name="wrapper", options=BlockOptions, build="nested:Block", describe="nested:describe")]


def spec(**keys: Any) -> dict[str, Any]:
    inner = [{}, {"kind": "linear", "size": 6}, {"kind": "wrapper", "layers": [{"cell": "gru"}], "residual": True}]
    return {
        "schema": 1,
        "name": "nested",
        "input": 6,
        "cell": "lstm",
        "hidden_size": 6,
        "layers": [{"kind": "wrapper", "layers": inner}, {}, {"kind": "wrapper", "layers": 2}],
        "head": {"kind": "linear", "size": 3},
        **keys,
    }
