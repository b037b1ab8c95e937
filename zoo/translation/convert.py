"""`zoo.convert`: from one library's layers to another's, and proof that both compute the same."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from zoo.errors import CheckFailure, ZooError
from zoo.model import Model
from zoo.translation.equations import run_keras, run_onnx
from zoo.translation.layouts import LAYOUTS
from zoo.translation.neutral import Array, Recurrent
from zoo.translation.of_arrays import KerasLayer, OnnxNode, of_keras, of_onnx, read_keras, to_keras, to_onnx
from zoo.translation.of_modules import of_torch, of_torchrecurrent, to_torch, to_torchrecurrent
from zoo.translation.of_zoo import layers_of, model_of

ROWS, STEPS = 3, 7
BOUND: Final = 1e-10
"""The largest difference between both sides' outputs in float64, as a part of the largest output."""
FORMS: Final = (*LAYOUTS, "zoo")


def convert(source: Any, to: str, *, name: str = "converted") -> Any:
    """Translate; `zoo.convert` says how."""
    if to not in FORMS:
        raise ZooError(f"to must be one of {', '.join(FORMS)}, not {to!r}")
    given = _read(source)
    layers = _layers(given)
    exact = [replace(layer, dtype="float64") for layer in layers]
    # Proven before it is rounded: two biases that become one are not what they were in float32.
    _compare(given, _made(exact, to, name), layers, to)
    return _made(layers, to, name)


def _made(layers: Sequence[Recurrent], to: str, name: str) -> Any:
    makers: dict[str, Callable[[], Any]] = {
        "zoo": lambda: model_of(layers, name),
        "torch": lambda: to_torch(layers),
        "torchrecurrent": lambda: to_torchrecurrent(layers),
        "keras": lambda: tuple(to_keras(layer, f"layers.{index}") for index, layer in enumerate(layers)),
        "onnx": lambda: tuple(to_onnx(layer, f"layers.{index}") for index, layer in enumerate(layers)),
    }
    return makers[to]()


def _read(source: Any) -> Any:
    """The source as one of the forms that this module knows: arrays always as a tuple of layers."""
    if isinstance(source, KerasLayer | OnnxNode):
        return (source,)
    if isinstance(source, Sequence) and not isinstance(source, str) and source:
        found = tuple(one if isinstance(one, KerasLayer | OnnxNode) else read_keras(one) for one in source)
        if len({type(one) for one in found}) != 1:
            raise ZooError("a list of layers must be of one library")
        return found
    if type(source) in (Model, nn.RNN, nn.LSTM, nn.GRU) or _is_peephole(source):
        return source
    if hasattr(source, "get_weights") and hasattr(source, "get_config"):
        return (read_keras(source),)
    raise ZooError(
        f"{type(source).__name__} cannot be converted: give a zoo.Model, a torch.nn.RNN, LSTM or GRU, a torchrecurrent "
        "PeepholeLSTM, a layer of Keras, zoo.KerasLayer, zoo.OnnxNode, or a list of the last three"
    )


def _is_peephole(source: Any) -> bool:
    return type(source).__module__.startswith("torchrecurrent") and type(source).__name__.startswith("PeepholeLSTM")


def _layers(given: Any) -> tuple[Recurrent, ...]:
    if isinstance(given, Model):
        return layers_of(given)
    if isinstance(given, nn.RNNBase):
        return of_torch(given)
    if isinstance(given, nn.Module):
        return of_torchrecurrent(given)
    return tuple(of_keras(one) if isinstance(one, KerasLayer) else of_onnx(one) for one in given)


def _compare(given: Any, made: Any, layers: Sequence[Recurrent], to: str) -> None:
    """Run both on the same random input, in float64.

    Raises:
        CheckFailure: they differ.
    """
    x = np.random.default_rng(0).standard_normal((ROWS, STEPS, layers[0].directions[0].input_size))
    ours, theirs = _run(given, x), _run(made, x)
    if ours.shape != theirs.shape:
        raise CheckFailure(f"the translation to {to} gives outputs of {theirs.shape}, not of {ours.shape}")
    difference = float(np.abs(ours - theirs).max())
    if not difference <= BOUND * max(1.0, float(np.abs(ours).max())):
        raise CheckFailure(f"the translation to {to} gives outputs that differ by {difference:.1e}, bound {BOUND:.0e}")


def _run(form: Any, x: Array) -> Array:
    """The outputs (B, T, D) for x (B, T, I), by the library's own code, or by its own equations for arrays."""
    if isinstance(form, nn.Module):
        exact, given = copy.deepcopy(form).double().cpu().eval(), torch.from_numpy(x)
        with torch.no_grad():
            if isinstance(form, Model):
                return _numbers(exact(given)[0])
            if not hasattr(form, "cells") and not isinstance(form, nn.RNNBase):  # one cell of torchrecurrent
                return _stepped(exact, given)
            first = getattr(form, "batch_first", False)
            y = exact(given if first else given.transpose(0, 1))[0]
            return _numbers(y if first else y.transpose(0, 1))
    for layer in form:
        x = run_keras(layer, x) if isinstance(layer, KerasLayer) else run_onnx(_spelled(layer), x)
    return x


def _stepped(cell: nn.Module, x: torch.Tensor) -> Array:
    state, outputs = None, []
    for now in x.unbind(1):
        state = cell(now) if state is None else cell(now, state)
        outputs.append(state[0])
    return _numbers(torch.stack(outputs, 1))


def _numbers(y: torch.Tensor) -> Array:
    found: Array = y.numpy()
    return found


def _spelled(node: OnnxNode) -> OnnxNode:
    """A node with every attribute that the operator has a default for."""
    usual: dict[str, Any] = {"direction": "forward", "hidden_size": np.shape(node.inputs["R"])[-1]}
    usual["linear_before_reset"] = 0
    usual["activations"] = ["Tanh"] * len(node.inputs["W"])
    return OnnxNode(node.op_type, node.inputs, {**usual, **node.attributes})
