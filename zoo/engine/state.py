"""A model's state: named tensors, one entry per sequence."""

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

    Indexing with anything but a name chooses sequences: `state[2:5]`, `state[mask]`, and `state[0]` for a batch of one.

    Args:
        tensors: By name, each of shape (B, ...).

    Example:
        >>> state = zoo.State({"layers.0.h": torch.zeros(4, 20)})
        >>> state[1:3]
        State(layers.0.h: (2, 20))
        >>> state.detach()["layers.0.h"].requires_grad
        False
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = dict(tensors)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self._tensors[key]
        sequences = _sequences(key, next((t.shape[0] for t in self._tensors.values()), 0))
        return self.map(lambda t: t[sequences])

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
        """Apply a function to every tensor.

        Args:
            function: From a tensor to a tensor.

        Returns:
            A new state.

        Example:
            >>> zoo.State({"h": torch.ones(2, 3)}).map(lambda h: 2 * h)["h"][0]
            tensor([2., 2., 2.])
        """
        return State({name: function(t) for name, t in self._tensors.items()})

    def detach(self) -> State:
        """Cut the state off from the graph, for truncated backpropagation.

        Returns:
            A new state of the same numbers.
        """
        return self.map(Tensor.detach)

    def clone(self) -> State:
        """Copy the state.

        Returns:
            A new state with memory of its own.
        """
        return self.map(torch.clone)

    def to(self, device: torch.device | str) -> State:
        """Move the state to another device.

        Args:
            device: Where to. A dtype is refused: a model takes its state in any precision.

        Returns:
            A new state.

        Raises:
            InputError: If given a dtype.
        """
        if isinstance(device, torch.dtype):
            raise InputError(f"a state goes to a device, not to {device}: a model takes its state in any precision")
        return self.map(lambda t: t.to(device))


def detach(state: Any) -> Any:
    """A state cut off from the graph, for truncated backpropagation: the same numbers, in the layout that it came in.

    Args:
        state: as a model gives it: a tensor, a tuple of tensors, a `zoo.State`, or None.

    Returns:
        The same kind of thing; None stays None.

    Raises:
        InputError: it is no state.
    """
    if state is None:
        return None
    if isinstance(state, Tensor | State):
        return state.detach()
    if isinstance(state, Mapping):
        return {name: detach(tensor) for name, tensor in state.items()}
    if isinstance(state, tuple | list):
        return type(state)(detach(tensor) for tensor in state)
    raise InputError(f"a state is a tensor, a tuple of tensors or a zoo.State, not {type(state).__name__}")


def _sequences(key: Any, batch: int) -> Any:
    """What indexes sequences and leaves their axis, for a number, a slice, a list, 1-D numbers or a mask."""
    if isinstance(key, Tensor) and key.dim() == 0 and not (key.is_floating_point() or key.dtype == torch.bool):
        key = int(key)
    if isinstance(key, Integral) and not isinstance(key, bool):
        index = int(key)
        if not -batch <= index < batch:
            raise InputError(f"this state has {batch} sequences: there is no sequence {index}")
        return slice(index, index + 1 or None)
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
