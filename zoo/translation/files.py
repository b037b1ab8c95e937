"""Translated layers as files: what is read, by a process of its own, and what is written, whole or not at all."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from zoo import atomic
from zoo.errors import CheckFailure, ZooError
from zoo.model.base import Model
from zoo.spec.dump import to_yaml
from zoo.translation import live, sandbox
from zoo.translation.contents import Contents, Stored
from zoo.translation.neutral import Recurrent
from zoo.translation.of_arrays import KerasLayer, OnnxNode, keras_layer, widest
from zoo.translation.read_npz import ABOUT
from zoo.translation.sources import (
    Proof,
    Source,
    mixed,
    module_of,
    of_keras_layers,
    of_module,
    of_onnx_nodes,
    random_input,
    source_of,
)

MODULES = ("zoo", "torch", "torchrecurrent")
"""What becomes a .pt; the others become a .npz."""


def outputs(path: Path, to: str) -> list[Path]:
    """The files that a translation is written to: a model of the zoo has its spec beside its weights.

    Raises:
        ZooError: The ending is another.
    """
    ending = ".pt" if to in MODULES else ".npz"
    if path.suffix != ending:
        raise ZooError(f"{path}: this is written as {ending}, not as {path.suffix or 'a file without an ending'}")
    return [path, path.with_suffix(".yaml")] if to == "zoo" else [path]


def save(made: Any, path: Path, *, force: bool = False) -> list[Path]:
    """Write what `zoo.convert` gave, and say which files that are.

    A module: its state dict, .pt. Keras's and ONNX's layers: .npz. A model of the zoo: its weights, .pt, and its spec
    beside them, .yaml: both or none.

    Args:
        made: A module, or layers.
        path: Of the weights.
        force: Replace files that are there.

    Raises:
        ZooError: The ending is another, a file is there already, or one cannot be written.
    """
    to = "zoo" if isinstance(made, Model) else "torch" if isinstance(made, nn.Module) else "keras"
    paths = outputs(path, to)
    buffer = io.BytesIO()
    if isinstance(made, nn.Module):
        torch.save(made.state_dict(), buffer)
    else:
        np.savez(buffer, **_entries(made))
    texts = [to_yaml(made.spec).encode()] if isinstance(made, Model) else []
    atomic.write_all(dict(zip(paths, [buffer.getvalue(), *texts], strict=True)), force=force)
    return paths


def load(path: Path, *, nonlinearity: str | None = None, prefix: str | None = None) -> Source:
    """Read a file of weights as something to translate: `sandbox.read`, then `source_in`."""
    return source_in(path, sandbox.read(path, prefix=prefix), nonlinearity=nonlinearity)


def source_in(path: Path, contents: Contents, *, nonlinearity: str | None = None) -> Source:
    """What was read from a file, as something to translate.

    Args:
        path: Of the file, for messages.
        contents: What was read.
        nonlinearity: Of a plain RNN, where the file does not say it.

    Raises:
        ZooError: It cannot be read, or is something else; one line that begins with the file's name.
    """
    try:
        source = _source(contents, nonlinearity)
        said = {layer.activation for layer in source.layers if layer.kind == "rnn"}
        if nonlinearity is not None and said != {nonlinearity} and not _silent(contents):
            what = (
                f"says {' and '.join(sorted(said))}" if said else "holds no plain RNN, the only kind that has a choice"
            )
            raise ZooError(f"{what}, but --nonlinearity is {nonlinearity}")
    except CheckFailure:
        raise
    except ZooError as error:
        raise ZooError(f"{path}: {error}") from None
    except Exception as error:
        text = " ".join(str(error).split())[:160]
        raise ZooError(f"{path}: is damaged or something else: {type(error).__name__}: {text}") from None
    return Source(source.layers, source.proofs, tuple(f"{path}: {note}" for note in (*contents.notes, *source.notes)))


def _source(contents: Contents, nonlinearity: str | None) -> Source:
    arrays = contents.arrays
    if contents.form == "torch":
        tensors = {name: _tensor(one) for name, one in arrays.items()}
        return replace(of_module(module_of(tensors, nonlinearity)), notes=mixed(tensors))
    own = [_own(arrays, index) for index in range(len(contents.about))]
    if contents.form == "npz":
        return source_of([_of_npz(said, held) for said, held in zip(contents.about, own, strict=True)])
    if contents.form == "onnx":
        nodes = [
            OnnxNode(said["op_type"], _plain(held), said["attributes"])
            for said, held in zip(contents.about, own, strict=True)
        ]
        source = of_onnx_nodes(nodes)
        x, y = (np.asarray(arrays[key].array, np.float64) for key in ("x", "y"))
        return Source(_as_stored(source, own), (*source.proofs, Proof(x, y, live.BOUND)))
    entries = [
        (_spoken(said, held, nonlinearity), [held[str(number)].array for number in range(len(held))])
        for said, held in zip(contents.about, own, strict=True)
    ]
    source = of_keras_layers([keras_layer(entry, tuple(weights)) for entry, weights in entries])
    x = random_input(source.layers)[:, : live.STEPS]
    proof = Proof(x, live.run_keras_entries(entries, x), live.BOUND)
    return Source(_as_stored(source, own), (*source.proofs, proof))


def _as_stored(source: Source, own: list[dict[str, Stored]]) -> tuple[Recurrent, ...]:
    """The layers, in the types that the file has: bfloat16 came as float32."""
    return tuple(
        replace(layer, dtype=widest(one.dtype for one in held.values()))
        for layer, held in zip(source.layers, own, strict=True)
    )


def _silent(contents: Contents) -> bool:
    """Whether a file of Keras has weights alone, and no options."""
    return contents.form == "keras" and contents.about[0]["config"] is None


def _spoken(entry: Mapping[str, Any], held: Mapping[str, Stored], nonlinearity: str | None) -> Mapping[str, Any]:
    """A layer's entry; of weights alone, with what their shapes and the caller say."""
    if entry["config"] is not None:
        return entry
    name, both = entry["class_name"], entry["both"]
    if name is None:
        raise ZooError(f"{entry['name']} does not hold the weights of a SimpleRNN, LSTM or GRU")
    if nonlinearity is None:
        asked = "tanh or relu" if name == "SimpleRNN" else "tanh, if it has Keras's own activations"
        asked += ", and no go_backwards"
        raise ZooError(
            f"holds the weights of a {name} without its options: save the whole model as .keras, or add --nonlinearity "
            f"{asked}"
        )
    if both:
        raise ZooError("holds the weights of a Bidirectional without its options: save the whole model as .keras")
    biased = len(held) == 3
    if name == "GRU" and not biased:
        raise ZooError("holds the weights of a GRU that do not say reset_after: save the whole model as .keras")
    config: dict[str, Any] = {
        "units": held["1"].array.shape[0],
        "use_bias": biased,
        "activation": nonlinearity,
    }
    if name == "GRU":
        config["reset_after"] = held["2"].array.ndim == 2
    return {"class_name": name, "config": config}


def _of_npz(said: Mapping[str, Any], held: Mapping[str, Stored]) -> KerasLayer | OnnxNode:
    if "op_type" in said:
        return OnnxNode(said["op_type"], _plain(held), said["attributes"])
    weights = tuple(held[str(number)].array for number in range(len(held)))
    return KerasLayer(said["class_name"], weights, said["options"], said["merge_mode"])


def _own(arrays: Mapping[str, Stored], index: int) -> dict[str, Stored]:
    """Those of one layer, by their names in it."""
    return {name.partition(".")[2]: one for name, one in arrays.items() if name.partition(".")[0] == str(index)}


def _plain(held: Mapping[str, Stored]) -> dict[str, Any]:
    return {name: one.array for name, one in held.items()}


def _tensor(one: Stored) -> torch.Tensor:
    found = torch.from_numpy(one.array.copy())
    return found.bfloat16() if one.dtype == "bfloat16" else found


def _entries(layers: Any) -> dict[str, Any]:
    about: list[dict[str, Any]] = []
    arrays: dict[str, Any] = {}
    for index, layer in enumerate(layers):
        if isinstance(layer, KerasLayer):
            held: Mapping[str, Any] = {str(number): value for number, value in enumerate(layer.weights)}
            said = {"class_name": layer.class_name, "options": dict(layer.options), "merge_mode": layer.merge_mode}
        else:
            held = layer.inputs
            said = {"op_type": layer.op_type, "attributes": dict(layer.attributes)}
        about.append(said)
        arrays |= {f"{index}.{name}": value for name, value in held.items()}
    return {**arrays, ABOUT: np.array(json.dumps(about))}
