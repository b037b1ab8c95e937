"""A model's state: named tensors, one row per sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from numbers import Integral
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree

from zoo.errors import InputError


class State(Mapping[str, Tensor]):
    """Named state tensors (B, ...), as in `state["layers.1.h"]`. Immutable; a pytree to torch.

    Indexing with anything but a name chooses rows: `state[2:5]`, `state[mask]`, and `state[0]` for a batch of one.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = dict(tensors)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self._tensors[key]
        rows = _rows(key, next((t.shape[0] for t in self._tensors.values()), 0))
        return self.map(lambda t: t[rows])

    def __contains__(self, key: object) -> bool:
        return key in self._tensors

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}: {tuple(t.shape)}" for name, t in self._tensors.items())
        return f"State({inside})"

    def __eq__(self, other: object) -> bool:
        """A state equals itself alone: tensors are compared with a tolerance, by whoever knows which."""
        return self is other

    __hash__ = object.__hash__

    def map(self, function: Callable[[Tensor], Tensor]) -> State:
        """The state with a function applied to every tensor."""
        return State({name: function(t) for name, t in self._tensors.items()})

    def detach(self) -> State:
        """The same numbers, cut off from the graph: for truncated backpropagation."""
        return self.map(Tensor.detach)

    def clone(self) -> State:
        """The state with memory of its own."""
        return self.map(torch.clone)

    def to(self, device: torch.device | str) -> State:
        """The state on another device. Its dtypes are the model's business: a dtype is an InputError."""
        if isinstance(device, torch.dtype):
            raise InputError(f"a state goes to a device, not to {device}: a model takes its state in any precision")
        return self.map(lambda t: t.to(device))


def _rows(key: Any, batch: int) -> Any:
    """What indexes rows and keeps their axis, for one of these: a number, a slice, a list, 1-D numbers or a mask."""
    if isinstance(key, Tensor) and key.dim() == 0 and not (key.is_floating_point() or key.dtype == torch.bool):
        key = int(key)
    if isinstance(key, Integral) and not isinstance(key, bool):
        row = int(key)
        if not -batch <= row < batch:
            raise InputError(f"this state has {batch} sequences: there is no sequence {row}")
        return slice(row, row + 1 or None)
    if isinstance(key, slice | list) or (isinstance(key, Tensor) and key.dim() == 1):
        return key
    raise InputError(
        f"a state is indexed by a name, or by sequences (a number, a slice, a list or a 1-D tensor), not by {key!r:.60}"
    )


def _flatten(state: State) -> tuple[list[Tensor], list[str]]:
    return list(state.values()), list(state)


def _flatten_with_keys(state: State) -> tuple[list[tuple[Any, Tensor]], list[str]]:
    return [(_pytree.MappingKey(name), t) for name, t in state.items()], list(state)


def _unflatten(tensors: Any, names: Any) -> State:
    return State(dict(zip(names, tensors, strict=True)))


_pytree.register_pytree_node(
    State, _flatten, _unflatten, serialized_type_name="zoo.State", flatten_with_keys_fn=_flatten_with_keys
)
torch.serialization.add_safe_globals([State])  # so that a saved state loads with weights_only=True
