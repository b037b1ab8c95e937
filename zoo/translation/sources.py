"""What is translated: its layers, and what it computes itself, whatever it is and wherever it came from."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from zoo.errors import ZooError
from zoo.model.base import Model
from zoo.translation import live
from zoo.translation.contents import FLOATS
from zoo.translation.equations import run_keras, run_onnx
from zoo.translation.neutral import Array, Recurrent
from zoo.translation.of_arrays import KerasLayer, OnnxNode, of_keras, of_onnx, read_keras, widest
from zoo.translation.of_modules import of_torch, of_torchrecurrent
from zoo.translation.of_zoo import layers_of
from zoo.translation.state_dicts import choose, options

BATCH, STEPS = 3, 7
BOUND: Final = 1e-10
"""The largest difference between both sides' outputs in float64, as a part of the largest output."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a source gives. Attributes: x, y: Input and output, batch first.

    Attributes:
        bound: By how much another may differ.
    """

    x: Array
    y: Array
    bound: float = BOUND


@dataclass(frozen=True, slots=True)
class Source:
    """What is translated.

    Attributes:
        layers: Its recurrent layers.
        proofs: What it computes: at least once by itself, where it can run.
        notes: What a person should hear of.
    """

    layers: tuple[Recurrent, ...]
    proofs: tuple[Proof, ...]
    notes: tuple[str, ...] = field(default=())


def source_of(given: Any, *, nonlinearity: str | None = None, prefix: str | None = None) -> Source:
    """Whatever `zoo.convert` takes.

    Raises:
        ZooError: It is none of that, or says something else than what is asked for.
    """
    if isinstance(given, Mapping):
        source = _of_state_dict(given, nonlinearity, prefix)
    elif prefix is not None:
        raise ZooError("prefix is for files and state dicts that hold several modules")
    else:
        source = _of_object(given)
    said = {layer.activation for layer in source.layers if layer.kind == "rnn"}
    if nonlinearity is not None and said != {nonlinearity}:
        what = f"says {' and '.join(sorted(said))}" if said else "is not a plain RNN, the only kind that has a choice"
        raise ZooError(f"nonlinearity is given as {nonlinearity}, but the source {what}")
    return source


def _of_object(given: Any) -> Source:
    if isinstance(given, Model) or type(given) in (nn.RNN, nn.LSTM, nn.GRU) or _is_peephole(given):
        return of_module(given)
    several = isinstance(given, Sequence) and not isinstance(given, str) and len(given) > 0
    found = tuple(given) if several else (given,)
    kinds = {_kind(one) for one in found}
    if len(kinds) == 1 and kinds <= {"keras", "onnx", "live"}:
        makers: dict[str, Callable[[Any], Source]] = {
            "keras": of_keras_layers,
            "onnx": of_onnx_nodes,
            "live": _of_live,
        }
        return makers[kinds.pop()](found)
    if several and len(kinds) > 1:
        raise ZooError("a list of layers must be of one library")
    raise ZooError(
        f"{type(given).__name__} cannot be converted: give a zoo.Model, a torch.nn.RNN, LSTM or GRU, a state dict with "
        "one, a torchrecurrent PeepholeLSTM, a layer of Keras, zoo.KerasLayer, zoo.OnnxNode, a list of the last three, "
        "or a file as a pathlib.Path"
    )


def _kind(one: Any) -> str:
    if isinstance(one, KerasLayer | OnnxNode):
        return "keras" if isinstance(one, KerasLayer) else "onnx"
    return "live" if hasattr(one, "get_weights") and hasattr(one, "get_config") else "other"


def _is_peephole(source: Any) -> bool:
    return type(source).__module__.startswith("torchrecurrent") and type(source).__name__.startswith("PeepholeLSTM")


def of_module(module: nn.Module) -> Source:
    """A model or module, which is run itself."""
    name = module.spec.name if isinstance(module, Model) else type(module).__name__
    for key, value in (*module.named_parameters(), *module.named_buffers()):
        if value.is_meta:
            raise ZooError(f"{name}: {key} is on the device meta, without numbers")
        if isinstance(value, nn.Parameter) and not isinstance(module, Model):
            _floating(key, value)
    if isinstance(module, nn.RNNBase):
        options({key: tuple(value.shape) for key, value in module.named_parameters()})  # no more than torch makes
    layers = (
        layers_of(module)
        if isinstance(module, Model)
        else of_torch(module)
        if isinstance(module, nn.RNNBase)
        else of_torchrecurrent(module)
    )
    _checked(layers)
    x = random_input(layers)
    return Source(layers, (Proof(x, run_module(module, x)),))


def _of_live(found: Sequence[Any]) -> Source:
    translated = tuple(read_keras(one) for one in found)
    source = of_keras_layers(translated)
    x = random_input(source.layers)[:, : live.STEPS]
    return replace(source, proofs=(*source.proofs, Proof(x, live.run_keras(found, x), live.BOUND)))


def of_keras_layers(layers: Sequence[KerasLayer]) -> Source:
    """Arrays of Keras, which are run by Keras's definitions."""
    found = tuple(of_keras(layer) for layer in layers)
    _checked(found)
    x = random_input(found)
    return Source(found, (Proof(x, run_arrays(layers, x)),))


def of_onnx_nodes(nodes: Sequence[OnnxNode]) -> Source:
    """Nodes of ONNX, which are run by the operator's definitions, and by its runtime where that is installed."""
    found = tuple(of_onnx(node) for node in nodes)
    _checked(found)
    x = random_input(found)
    proofs = [Proof(x, run_arrays(nodes, x))]
    few = x[:, : live.STEPS]
    by_runtime = live.run_onnx(nodes, few)
    if by_runtime is not None:
        proofs.append(Proof(few, by_runtime, live.BOUND))
    return Source(found, tuple(proofs))


def _of_state_dict(given: Mapping[Any, Any], nonlinearity: str | None, prefix: str | None) -> Source:
    tensors = {str(name): value for name, value in given.items() if isinstance(value, Tensor)}
    chosen = choose(list(tensors), prefix)
    held = {short: tensors[name].detach() for name, short in chosen.names.items()}
    odd = [name for name, value in held.items() if value.layout != torch.strided or value.is_quantized or value.is_meta]
    if odd:
        raise ZooError(f"{odd[0]} is sparse, quantised or without numbers: only ordinary tensors can be read")
    return replace(of_module(module_of(held, nonlinearity)), notes=(*chosen.notes, *mixed(held)))


def module_of(tensors: Mapping[str, Tensor], nonlinearity: str | None) -> nn.RNNBase:
    """The torch.nn module whose state dict this is.

    Args:
        tensors: By the module's own names.
        nonlinearity: Of an RNN, which a state dict does not say.

    Raises:
        ZooError: There is no such module, or it is an RNN and its nonlinearity is not given.
    """
    said = options({name: tuple(value.shape) for name, value in tensors.items()})
    for name, value in tensors.items():
        _floating(name, value)
    kind = said.pop("kind")
    if kind == "RNN":
        if nonlinearity is None:
            raise ZooError("holds a torch.nn.RNN, and does not say its nonlinearity: add --nonlinearity tanh or relu")
        said["nonlinearity"] = nonlinearity
    common = next(iter(tensors.values())).dtype
    for value in tensors.values():
        common = torch.promote_types(common, value.dtype)
    module: nn.RNNBase = getattr(nn, kind)(batch_first=True, dtype=common, **said)
    module.load_state_dict(dict(tensors))
    return module


def mixed(tensors: Mapping[str, Tensor]) -> tuple[str, ...]:
    """What to say of weights of several types, which one module has not."""
    kinds = sorted({str(value.dtype).removeprefix("torch.") for value in tensors.values()})
    return (f"{' and '.join(kinds)} became {widest(kinds)}, which holds each number exactly",) if len(kinds) > 1 else ()


def _floating(name: str, value: Tensor) -> None:
    dtype = str(value.dtype).removeprefix("torch.")
    if dtype not in FLOATS:
        raise ZooError(f"{name} is {dtype}: weights are {', '.join(FLOATS)}")


def _checked(layers: Sequence[Recurrent]) -> None:
    """Numbers that are no numbers prove nothing, and layers must fit one another."""
    for index, layer in enumerate(layers):
        wrong = sum(int(np.size(block) - np.isfinite(block).sum()) for block in _blocks(layer))
        if wrong:
            raise ZooError(
                f"layers.{index}: {wrong} of its weights are NaN or infinite, which no comparison can prove right"
            )
        width = layer.directions[0].input_size
        if index and width != layers[index - 1].output_size:
            gives = layers[index - 1].output_size
            raise ZooError(f"layers.{index} takes {width} features, but the layer before gives {gives}")


def _blocks(layer: Recurrent) -> Iterator[Array]:
    for one in layer.directions:
        for part in (one.W, one.U, one.b, one.c, one.p):
            yield from (part or {}).values()
        if one.R is not None:
            yield one.R


def random_input(layers: Sequence[Recurrent]) -> Array:
    """Sequences of small, usual and large numbers, so that activations show what they are."""
    shape = (BATCH, STEPS, layers[0].directions[0].input_size)
    x: Array = np.random.default_rng(0).standard_normal(shape) * np.array([0.3, 1.0, 4.0])[:, None, None]
    return x


def run_module(module: nn.Module, x: Array) -> Array:
    """The outputs (B, T, D) of a copy in float64."""
    exact, given = copy.deepcopy(module).double().cpu().eval(), torch.from_numpy(x)
    with torch.no_grad():
        if isinstance(module, Model):
            return _numbers(exact(given)[0])
        if not hasattr(module, "cells") and not isinstance(module, nn.RNNBase):  # one cell of torchrecurrent
            return _stepped(exact, given)
        first = getattr(module, "batch_first", False)
        y = exact(given if first else given.transpose(0, 1))[0]
        return _numbers(y if first else y.transpose(0, 1))


def run_arrays(layers: Sequence[Any], x: Array) -> Array:
    """The outputs (B, T, D) of Keras's or ONNX's layers, by the library's definitions."""
    for layer in layers:
        x = run_keras(layer, x) if isinstance(layer, KerasLayer) else run_onnx(_spelled(layer), x)
    return x


def _stepped(cell: Callable[..., Any], x: Tensor) -> Array:
    state, outputs = None, []
    for now in x.unbind(1):
        state = cell(now) if state is None else cell(now, state)
        outputs.append(state[0])
    return _numbers(torch.stack(outputs, 1))


def _numbers(y: Tensor) -> Array:
    found: Array = y.numpy()
    return found


def _spelled(node: OnnxNode) -> OnnxNode:
    """A node with every attribute that the operator has a default for, and its texts as texts."""

    def plain(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [plain(one) for one in value]
        return value.decode() if isinstance(value, bytes) else value

    given = {name: plain(value) for name, value in node.attributes.items() if value not in (None, [], ())}
    usual = {
        "direction": "forward",
        "hidden_size": np.shape(node.inputs["R"])[-1],
        "linear_before_reset": 0,
        "activations": ["Tanh"] * len(node.inputs["W"]),
    }
    inputs = {name: value for name, value in node.inputs.items() if value is not None}
    return OnnxNode(node.op_type, inputs, {**usual, **given})
