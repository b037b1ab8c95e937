"""Between modules of torch.nn and torchrecurrent and neutral layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from zoo.errors import ZooError
from zoo.translation.layouts import TORCH, TORCHRECURRENT, Layout, Packed, check, pack, unpack
from zoo.translation.neutral import Kind, Recurrent
from zoo.translation.of_arrays import widest

_KINDS: Mapping[type[nn.Module], Kind] = {nn.RNN: "rnn", nn.LSTM: "lstm", nn.GRU: "gru"}
_NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def of_torch(module: nn.RNNBase) -> tuple[Recurrent, ...]:
    """The layers of a `torch.nn.RNN`, `LSTM` or `GRU`."""
    kind = _KINDS[type(module)]
    held = {name: _array(value) for name, value in module.named_parameters()}
    layers = []
    for index in range(module.num_layers):
        directions = []
        for suffix in ("", "_reverse")[: 2 if module.bidirectional else 1]:
            parts = [held.get(f"{name}_l{index}{suffix}") for name in _NAMES]
            directions.append(unpack(_packed(parts, None, held.get(f"weight_hr_l{index}{suffix}")), kind, TORCH))
        activation: Any = getattr(module, "nonlinearity", "tanh")
        layers.append(Recurrent(kind, tuple(directions), activation=activation, dtype=_dtype(module)))
    return tuple(layers)


def to_torch(layers: Sequence[Recurrent]) -> nn.RNNBase:
    """The layers as one module, batch first.

    Raises:
        ZooError: torch cannot say what they are, or they are not alike.
    """
    _alike(layers, TORCH)
    first = layers[0]
    made = {kind: cls for cls, kind in _KINDS.items()}[first.kind]
    direction = first.directions[0]
    options: dict[str, Any] = {"bias": first.biased, "batch_first": True, "bidirectional": len(first.directions) == 2}
    if first.kind == "rnn":
        options["nonlinearity"] = first.activation
    if direction.R is not None:
        options["proj_size"] = direction.R.shape[0]
    dtype = getattr(torch, first.dtype)
    module = made(direction.input_size, direction.hidden_size, len(layers), dtype=dtype, **options)
    assert isinstance(module, nn.RNNBase)
    with torch.no_grad():
        for index, layer in enumerate(layers):
            for each, suffix in zip(layer.directions, ("", "_reverse"), strict=False):
                packed = pack(each, layer, TORCH)
                parts = (packed.kernel, packed.recurrent, packed.bias, packed.recurrent_bias, packed.projection)
                for name, value in zip((*_NAMES, "weight_hr"), parts, strict=True):
                    if value is not None:
                        _copy(module.get_parameter(f"{name}_l{index}{suffix}"), value)
    return module


def of_torchrecurrent(module: nn.Module) -> tuple[Recurrent, ...]:
    """The layers of a torchrecurrent `PeepholeLSTM`, or of one of its cells."""
    stacked = getattr(module, "cells", None)
    cells: list[Any] = list(stacked) if isinstance(stacked, nn.ModuleList) else [module]
    layers = []
    for cell in cells:
        held = {name: _array(value) for name, value in (*cell.named_parameters(), *cell.named_buffers())}
        biases = [held.get("bias_ih"), held.get("bias_hh")]
        known = next((one for one in biases if one is not None), None)
        filled = [None if known is None else np.zeros_like(known) if one is None else one for one in biases]
        packed = _packed([held["weight_ih"], held["weight_hh"], *filled], held["weight_ph"], None)
        layers.append(Recurrent("lstm", (unpack(packed, "lstm", TORCHRECURRENT),), dtype=_dtype(module)))
    return tuple(layers)


def to_torchrecurrent(layers: Sequence[Recurrent]) -> nn.Module:
    """The layers as one `PeepholeLSTM`, batch first. Errors as `to_torch`; torchrecurrent must be installed."""
    _alike(layers, TORCHRECURRENT)
    try:
        torchrecurrent = import_module("torchrecurrent")
    except ImportError:
        raise ZooError("torchrecurrent is not installed: pip install 'recurrent-zoo[bench]'") from None
    first = layers[0]
    direction = first.directions[0]
    options = {"bias": first.biased, "recurrent_bias": first.biased, "dtype": getattr(torch, first.dtype)}
    made = torchrecurrent.PeepholeLSTM
    module: nn.Module = made(direction.input_size, direction.hidden_size, len(layers), batch_first=True, **options)
    with torch.no_grad():
        for layer, cell in zip(layers, module.cells, strict=True):  # type: ignore[arg-type]
            packed = pack(layer.directions[0], layer, TORCHRECURRENT)
            parts = (packed.kernel, packed.recurrent, packed.bias, packed.recurrent_bias, packed.peepholes)
            for name, value in zip((*_NAMES, "weight_ph"), parts, strict=True):
                if value is not None:
                    _copy(getattr(cell, name), value)
    return module


def _alike(layers: Sequence[Recurrent], layout: Layout) -> None:
    """One module holds layers of one kind, width and form."""

    def form(layer: Recurrent) -> tuple[Any, ...]:
        first = layer.directions[0]
        projection = None if first.R is None else first.R.shape
        return layer.kind, len(layer.directions), first.hidden_size, projection, layer.activation, layer.biased

    for index, layer in enumerate(layers):
        check(layer, layout, f"layers.{index}")
        if form(layer) != form(layers[0]):
            raise ZooError(
                f"layers.{index}: one module of {layout.name} has layers of one kind and width, but this is not like "
                "the first; convert them one by one"
            )


def _packed(parts: Sequence[Any], peepholes: Any, projection: Any) -> Packed:
    kernel, recurrent, bias, second = parts
    return Packed(kernel, recurrent, bias, second, peepholes, projection)


def _array(value: Tensor) -> Any:
    return value.detach().double().cpu().numpy().copy()


def _copy(into: Tensor, value: Any) -> None:
    into.copy_(torch.from_numpy(np.ascontiguousarray(value)))


def _dtype(module: nn.Module) -> str:
    return widest(str(value.dtype).removeprefix("torch.") for value in module.parameters())
