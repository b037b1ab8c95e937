"""The two forms of a model's state: torch's stacked tensors, and named ones. Inside, it is a dict of names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from zoo.engine.cell import States, StateSpec
from zoo.engine.layer import Layer
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.engine.state import State
from zoo.errors import InputError


@dataclass(frozen=True, slots=True)
class NamedLayout:
    """A `zoo.State`: `layers.1.h` is (B, ...)."""

    name = "named"

    def outward(self, state: States) -> State:
        return State(state)

    def inward(self, state: Any, initial: States) -> States:
        if not isinstance(state, Mapping):
            raise InputError(
                f"state must be a zoo.State (or a mapping of its names), as this model gives it, not {_kind(state)}; "
                "its layers have no layout in common"
            )
        return _named(state, initial)


@dataclass(frozen=True, slots=True)
class TorchLayout:
    """As nn.RNN, nn.GRU and nn.LSTM have it: h, or (h, c), each (layers * directions, B, H).

    Attributes:
        shapes: Of each state of one sequence, in order.
        slots: `(layer's index, prefix)` in torch's order: layer by layer, forwards before backwards.
    """

    shapes: Mapping[str, tuple[int, ...]]
    slots: tuple[tuple[int, str], ...]
    name = "torch"

    def outward(self, state: States) -> Any:
        return as_torch(
            {
                name: torch.stack([state[f"layers.{index}.{prefix}{name}"] for index, prefix in self.slots])
                for name in self.shapes
            }
        )

    def stacked(self, state: Any, batch: int, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
        """A state in this layout, or zeros for None, checked: each (layers * directions, B, H) by name."""
        dtype = StateSpec(()).dtype(dtype)
        sizes = {name: (len(self.slots), batch, *shape) for name, shape in self.shapes.items()}
        if state is None:
            return {name: torch.zeros(size, device=device, dtype=dtype) for name, size in sizes.items()}
        given = (state,) if isinstance(state, Tensor) else state
        if not isinstance(given, tuple | list) or len(given) != len(self.shapes):
            expected = "a tensor h" if len(self.shapes) == 1 else f"a tuple ({', '.join(self.shapes)})"
            raise InputError(f"state must be {expected}, as this model gives it, not {_kind(state)}")
        for (name, size), tensor in zip(sizes.items(), given, strict=True):
            if not isinstance(tensor, Tensor) or tuple(tensor.shape) != size:
                found = tuple(tensor.shape) if isinstance(tensor, Tensor) else _kind(tensor)
                raise InputError(f"state {name} must have shape {size} (layers * directions, B, H), not {found}")
        return {name: _moved(name, t, device, dtype) for name, t in zip(self.shapes, given, strict=True)}

    def inward(self, state: Any, initial: States) -> States:
        if isinstance(state, Mapping):
            return _named(state, initial)
        like = next(iter(initial.values()))
        stacked = self.stacked(state, like.shape[0], like.device, like.dtype)
        return {
            f"layers.{index}.{prefix}{name}": one
            for name, tensor in stacked.items()
            for (index, prefix), one in zip(self.slots, tensor.unbind(0), strict=True)
        }


def as_torch(state: Mapping[str, Tensor]) -> Any:
    """Stacked states by name in torch's form: h alone, or (h, c)."""
    found = tuple(state.values())
    return found[0] if len(found) == 1 else found


def layout_of(layers: Sequence[nn.Module]) -> TorchLayout | NamedLayout:
    """Torch's layout where every layer with a state is of one cell that has it, with states of equal sizes."""
    slots: list[tuple[int, str]] = []
    kinds: set[tuple[Any, ...]] = set()
    for index, layer in enumerate(layers):
        if isinstance(layer, RecurrentLayer):
            slots.append((index, ""))
            if layer.reverse_cell is not None:
                slots.append((index, "reverse."))
            shapes = tuple((name, spec.shape) for name, spec in layer.cell.states.items())
            kinds.add((type(layer.cell), shapes))
        elif isinstance(layer, Layer) and type(layer).init_state is not Layer.init_state:
            return NamedLayout()
    if len(kinds) != 1:
        return NamedLayout()
    ((cell, shapes),) = kinds
    if not cell.torch_layout:
        return NamedLayout()
    return TorchLayout(dict(shapes), tuple(slots))


def _named(state: Mapping[str, Tensor], expected: States) -> States:
    for name in expected:
        if name not in state:
            raise InputError(f"state lacks {name!r}; this model's state has {', '.join(expected)}")
    for name, tensor in state.items():
        if name not in expected:
            raise InputError(f"state has an unknown {name!r}; this model's state has {', '.join(expected)}")
        if not isinstance(tensor, Tensor) or tensor.shape != expected[name].shape:
            found = tuple(tensor.shape) if isinstance(tensor, Tensor) else _kind(tensor)
            raise InputError(f"state {name!r} must have shape {tuple(expected[name].shape)}, not {found}")
    return {name: _moved(name, state[name], like.device, like.dtype) for name, like in expected.items()}


def _moved(name: str, tensor: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """A given state where the model is and in its precision; never from one kind of number to another."""
    if (tensor.is_floating_point(), tensor.is_complex()) != (dtype.is_floating_point, dtype.is_complex):
        raise InputError(f"state {name} must have dtype {dtype}, not {tensor.dtype}")
    if tensor.device.type == "meta" and device.type != "meta":
        raise InputError(f"state {name} is on meta, which holds no numbers, and the model on {device}")
    return tensor.to(device, dtype)


def _kind(value: object) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    return f"{type(value).__name__}" + (f" of {len(value)}" if isinstance(value, tuple | list) else "")
