"""Keras on torch: its own equations of the LSTM, the GRU in both its forms, and the convolutional LSTM.

Its weights are transposed. Its `ops.matmul`, which the GRU that resets before the product runs on, multiplies in float32
whatever a layer's dtype is; the others run on torch's operators in float64.
"""

from __future__ import annotations

import os
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor

from oracles.copied import Copied, Numbers, Oracle


def _layers() -> Any:
    """keras.layers, on torch, and without the file of settings that its import leaves in a home."""
    with TemporaryDirectory() as home, patch.dict(os.environ, {"KERAS_BACKEND": "torch", "KERAS_HOME": home}):
        import keras
    assert keras.backend.backend() == "torch", "keras was imported before with another backend"
    return keras.layers


def _run(layer: Any, x: Tensor, start: list[Tensor], weights: list[Tensor]) -> list[Tensor]:
    layer.build(tuple(x.shape))
    layer.set_weights([weight.numpy() for weight in weights])
    found = layer(x, initial_state=start)
    return [torch.as_tensor(np.asarray(value.detach().cpu())) for value in found]


def _keys(**keys: Any) -> dict[str, Any]:
    return {"return_sequences": True, "return_state": True, "dtype": "float64", **keys}


def lstm(given: Copied) -> Numbers:
    gates = given.options.recurrent_activation
    layer = _layers().LSTM(given.hidden, unit_forget_bias=False, recurrent_activation=gates, **_keys())
    weights = [given.p["weight_ih"].T, given.p["weight_hh"].T, given.p["bias"]]
    y, h, c = _run(layer, given.x, [given.start["h"], given.start["c"]], weights)
    return y, {"h": h, "c": c}


def _turned(blocks: tuple[Tensor, ...]) -> Tensor:
    """Our r, z, n as Keras's z, r, h."""
    r, z, n = blocks
    return torch.cat([z, r, n])


def gru(given: Copied) -> Numbers:
    after = given.options.reset_gate == "after"
    of_x, of_h, first, second = (
        _turned(given.blocks(name, 3)) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    bias = torch.stack([first, second]) if after else first + second
    layer = _layers().GRU(given.hidden, reset_after=after, **_keys())
    y, h = _run(layer, given.x, [given.start["h"]], [of_x.T, of_h.T, bias])
    return y, {"h": h}


def convlstm(given: Copied) -> Numbers:
    kernel = given.options.kernel
    layer = _layers().ConvLSTM2D(
        given.hidden, kernel, padding="same", data_format="channels_first", unit_forget_bias=False, **_keys()
    )
    of_x, of_h = (given.p[name].permute(2, 3, 1, 0) for name in ("weight_ih", "weight_hh"))
    y, h, c = _run(layer, given.x, [given.start["h"], given.start["c"]], [of_x, of_h, given.p["bias"]])
    return y, {"h": h, "c": c}


ORACLES = (
    Oracle("lstm", "keras", "keras.layers.LSTM on torch", lstm, {"bias": "one"}),
    Oracle(
        "lstm",
        "keras",
        "keras.layers.LSTM on torch, recurrent_activation='hard_sigmoid'",
        lstm,
        {"bias": "one", "recurrent_activation": "hard_sigmoid"},
    ),
    Oracle("gru", "keras", "keras.layers.GRU on torch, reset_after=True", gru),
    Oracle(
        "gru", "keras", "keras.layers.GRU on torch, reset_after=False", gru, {"reset_gate": "before"}, tolerance=1e-6
    ),
    Oracle(
        "convlstm",
        "keras",
        "keras.layers.ConvLSTM2D on torch",
        convlstm,
        {"peephole": False},
        input=(2, 3, 4),
        hidden=2,
    ),
)
