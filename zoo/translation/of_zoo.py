"""Between this zoo's models and neutral layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import ZooError
from zoo.spec.tree import Recurrent as SpecLayer
from zoo.translation.layouts import ZOO, Packed, pack, unpack
from zoo.translation.neutral import Array, Direction, Recurrent
from zoo.translation.of_arrays import widest

if TYPE_CHECKING:
    from torch import Tensor

    from zoo.engine.cell import Cell
    from zoo.model.base import Model

CELLS = ("recurrent-zoo/rnn", "recurrent-zoo/lstm", "recurrent-zoo/gru")


def layers_of(model: Model) -> tuple[Recurrent, ...]:
    """The layers of a model.

    Raises:
        ZooError: something in it is no weight of a recurrent layer that other libraries know; says what.
    """
    spec = model.spec
    if spec.only.all_heads:
        raise ZooError(f"{spec.name}: other libraries' recurrent modules have no head: leave it out of the spec")
    if spec.input.record.name != "features":
        raise ZooError(f"{spec.name}: other libraries read features, not input {spec.input.record.name}")
    return tuple(
        _layer(f"{spec.name}: layers.{index}", declared, model.layers[index])
        for index, declared in enumerate(spec.layers)
    )


def _layer(place: str, declared: Any, built: Any) -> Recurrent:
    if not isinstance(declared, SpecLayer) or declared.cell.provided.qualified not in CELLS:
        name = declared.cell.record.name if isinstance(declared, SpecLayer) else declared.part.record.name
        raise ZooError(f"{place}: {name} is not one of the cells that other libraries have: rnn, lstm, gru")
    options = declared.cell.options
    extras = {
        "norm": declared.norm is not None,
        "output_projection": declared.output_projection is not None,
        "residual": declared.residual,
        "initial_state: learned": declared.initial_state == "learned",
        "coupled gates": getattr(options, "coupled", False),
        "gate_norm": getattr(options, "gate_norm", "none") != "none",
        "peephole: full": getattr(options, "peephole", False) == "full",
        "cell_clip": getattr(options, "cell_clip", None) is not None,
        "proj_clip": getattr(options, "proj_clip", None) is not None,
    }
    found = [what for what, there in extras.items() if there]
    if found:
        raise ZooError(f"{place}: no other library has {' or '.join(found)} in its recurrent layers")
    gates = getattr(options, "recurrent_activation", "sigmoid")
    if gates != "sigmoid":
        raise ZooError(f"{place}: recurrent_activation {gates!r} is not translated into other libraries' layers")
    cells = [built.cell] if built.reverse_cell is None else [built.cell, built.reverse_cell]
    return Recurrent(
        kind=declared.cell.record.name,  # type: ignore[arg-type]
        directions=tuple(_direction(cell, declared.cell.record.name) for cell in cells),
        activation=getattr(options, "nonlinearity", "tanh"),
        reset=getattr(options, "reset_gate", "after"),
        merge=declared.merge,
        reverse=declared.reverse,
        dtype=widest(str(value.dtype).removeprefix("torch.") for value in built.parameters()),
    )


def _direction(cell: Cell, kind: Any) -> Direction:
    from zoo.engine.sharing import borrowed

    read = {**dict(cell.named_parameters()), **borrowed(cell)}  # other libraries have weights of each direction
    held = {name: _array(value) for name, value in read.items()}
    odd = [name for name in held if "." in name]
    if odd:
        raise ZooError(
            f"{kind}: {odd[0]} is computed from other parameters, as in a parametrised cell: remove the "
            "parametrisation first"
        )
    packed = Packed(
        kernel=held["weight_ih"],
        recurrent=held["weight_hh"],
        bias=held.get("bias_ih", held.get("bias")),
        recurrent_bias=held.get("bias_hh"),
        peepholes=held.get("weight_ch"),
        projection=held.get("weight_hr"),
    )
    return unpack(packed, kind, ZOO)


def _array(value: Tensor) -> Array:
    return value.detach().double().cpu().numpy().copy()


def spec_of(layers: Sequence[Recurrent], name: str) -> dict[str, Any]:
    """The spec of a model of these layers: with two biases wherever there are any, since no library has fewer."""
    return {
        "schema": 1,
        "name": name,
        "input": layers[0].directions[0].input_size,
        "layers": [_entry(layer) for layer in layers],
    }


def _entry(layer: Recurrent) -> dict[str, Any]:
    first = layer.directions[0]
    cell: dict[str, Any] = {"kind": layer.kind, "bias": "two" if layer.biased else "none"}
    if layer.kind == "rnn":
        cell["nonlinearity"] = layer.activation
    if layer.kind == "gru":
        cell["reset_gate"] = layer.reset
    if first.p is not None:
        cell["peephole"] = True
    if first.R is not None:
        cell["projection"] = int(first.R.shape[0])
    entry = {"cell": cell, "hidden_size": first.hidden_size}
    if len(layer.directions) == 2:
        entry |= {"bidirectional": True, "merge": layer.merge}
    return entry | ({"reverse": True} if layer.reverse else {})


def model_of(layers: Sequence[Recurrent], name: str) -> Model:
    """A model of these layers."""
    import torch

    from zoo.model.build import build
    from zoo.spec.library import load

    dtype = getattr(torch, layers[0].dtype)
    model = build(load(spec_of(layers, name)).spec, seed=0, dtype=dtype)
    with torch.no_grad():
        for layer, built in zip(layers, model.layers, strict=True):
            cells: list[Any] = [built.cell, built.reverse_cell]
            for direction, cell in zip(layer.directions, cells, strict=False):
                packed = pack(direction, layer, ZOO)
                parts = {
                    "weight_ih": packed.kernel,
                    "weight_hh": packed.recurrent,
                    "bias_ih": packed.bias,
                    "bias_hh": packed.recurrent_bias,
                    "weight_ch": packed.peepholes,
                    "weight_hr": packed.projection,
                }
                for key, value in parts.items():
                    if value is not None:
                        cell.get_parameter(key).copy_(torch.from_numpy(np.ascontiguousarray(value)))
    return model
