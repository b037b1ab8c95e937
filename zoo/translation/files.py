"""Translated layers as files: state dicts of torch, and arrays with what they are. Nothing is half written."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from zoo.errors import ZooError
from zoo.model import Model
from zoo.spec.dump import to_yaml
from zoo.translation.of_arrays import KerasLayer, OnnxNode

ABOUT: Final = "about"
"""The name of the entry of a .npz file that says, as JSON, what its arrays are."""
_BLOCKS: Final[Mapping[int, type[nn.RNNBase]]] = {1: nn.RNN, 3: nn.GRU, 4: nn.LSTM}


def save(made: Any, path: Path) -> list[Path]:
    """Write what `zoo.convert` gave, and say which files that are.

    A module: its state dict, .pt. Keras's and ONNX's layers: .npz. A model of the zoo: its weights, .pt, and its spec
    beside them, .yaml.

    Raises:
        ZooError: the ending is another, or the file cannot be written.
    """
    ending = ".pt" if isinstance(made, nn.Module) else ".npz"
    if path.suffix != ending:
        raise ZooError(f"{path}: this is written as {ending}, not as {path.suffix or 'a file without an ending'}")
    if isinstance(made, Model):
        spec = path.with_suffix(".yaml")
        _write(path, lambda file: torch.save(made.state_dict(), file))
        _write(spec, lambda file: file.write(to_yaml(made.spec).encode()))
        return [path, spec]
    if isinstance(made, nn.Module):
        _write(path, lambda file: torch.save(made.state_dict(), file))
    else:
        _write(path, lambda file: np.savez(file, **_entries(made)))
    return [path]


def load(path: Path, *, nonlinearity: str = "tanh") -> Any:
    """Read what `zoo.convert` takes: a .npz that `save` wrote, or a .pt with a state dict of torch's RNN, LSTM or GRU.

    Args:
        path: the file. nonlinearity: of an RNN, which a state dict does not tell.

    Raises:
        ZooError: it cannot be read, or is something else.
    """
    if path.suffix == ".npz":
        return _arrays(path)
    return _module(path, read_state(path), nonlinearity)


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a state dict, by name.

    Raises:
        ZooError: there is no such file, or it holds something else.
    """
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ZooError(f"{path}: cannot be read: {error.strerror}") from None
    except Exception as error:  # whatever a file that is no such thing makes of the reader
        raise ZooError(f"{path}: is no file of weights that torch.save wrote ({type(error).__name__})") from None
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()) or not found:
        raise ZooError(f"{path}: holds no state dict, which torch.save(model.state_dict(), ...) writes")
    return {str(name): value for name, value in found.items()}


def with_weights(model: Model, path: Path) -> Model:
    """A model with the weights of a file.

    Raises:
        ZooError: as `read_state`, or they are not this model's.
    """
    try:
        model.load_state_dict(read_state(path))
    except RuntimeError as error:
        raise ZooError(f"{path}: not the weights of {model.spec.id}: {' '.join(str(error).split())[:200]}") from None
    return model


def _module(path: Path, state: Mapping[str, Tensor], nonlinearity: str) -> nn.RNNBase:
    """The module that a state dict belongs to, as far as the shapes tell."""
    try:
        rows, width = state["weight_ih_l0"].shape
        hidden = state["weight_hr_l0"].shape[1] if "weight_hr_l0" in state else state["weight_hh_l0"].shape[1]
        made: Any = _BLOCKS[rows // hidden]
        options: dict[str, Any] = {"nonlinearity": nonlinearity} if made is nn.RNN else {}
        if "weight_hr_l0" in state:
            options["proj_size"] = state["weight_hr_l0"].shape[0]
        module = made(
            width,
            hidden,
            sum(name.startswith("weight_ih_l") and not name.endswith("_reverse") for name in state),
            bias="bias_ih_l0" in state,
            bidirectional="weight_ih_l0_reverse" in state,
            batch_first=True,
            dtype=state["weight_ih_l0"].dtype,
            **options,
        )
        module.load_state_dict(dict(state))
    except (KeyError, ValueError, RuntimeError, ZeroDivisionError) as error:
        raise ZooError(
            f"{path}: is no state dict of a torch.nn.RNN, LSTM or GRU by itself: {' '.join(str(error).split())[:200]}"
        ) from None
    assert isinstance(module, nn.RNNBase)
    return module


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


def _arrays(path: Path) -> tuple[Any, ...]:
    try:
        with np.load(path, allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
        about = json.loads(str(held.pop(ABOUT)))
        layers: list[Any] = []
        for index, said in enumerate(about):
            own = {name.partition(".")[2]: held[name] for name in held if name.partition(".")[0] == str(index)}
            if "op_type" in said:
                layers.append(OnnxNode(said["op_type"], own, said["attributes"]))
            else:
                weights = tuple(own[str(number)] for number in range(len(own)))
                layers.append(KerasLayer(said["class_name"], weights, said["options"], said["merge_mode"]))
    except OSError as error:
        raise ZooError(f"{path}: cannot be read: {error.strerror or error}") from None
    except Exception as error:
        raise ZooError(f"{path}: is no file that zoo convert wrote ({type(error).__name__})") from None
    return tuple(layers)


def _write(path: Path, fill: Callable[[Any], object]) -> None:
    """A file that is there whole or not at all."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        beside = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                fill(file)
            beside.chmod(0o666 & ~_umask())
            beside.replace(path)
        except BaseException:
            beside.unlink()
            raise
    except OSError as error:
        raise ZooError(f"{path}: cannot be written: {error.strerror}") from None


def _umask() -> int:
    found = os.umask(0)
    os.umask(found)
    return found
