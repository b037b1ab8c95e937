"""Dtype, device and random numbers of what a model is built from: for this thread alone.

`torch.set_default_dtype`, `torch.manual_seed` and even `with torch.device(...)` change what every thread of the process
sees. Here modes of torch stand between a component's code and torch instead, and a mode belongs to one thread. The
numbers are those that the global settings would have given, bit for bit.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from types import FunctionType
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch._C import _len_torch_function_stack
from torch.overrides import TorchFunctionMode, _pop_mode, _push_mode
from torch.utils import _pytree
from torch.utils._device import DeviceContext

COMPLEX: Final = {torch.float64: torch.complex128, torch.float32: torch.complex64}
CASTS: Final = frozenset(("float", "double", "half", "bfloat16", "cfloat", "cdouble", "chalf", "to", "type", "view"))
"""Functions whose dtype the caller has chosen, in whatever form."""


def settled(model: nn.Module, dtype: torch.dtype) -> None:
    """Give parameters and buffers this dtype that a component made by `torch.get_default_dtype()` or `torch.Tensor`.

    No mode sees those. A buffer of higher precision is left: that is a choice of the component.
    """
    for tensor in (*model.parameters(), *model.buffers()):
        parameter = isinstance(tensor, nn.Parameter)
        if tensor.is_floating_point() and (tensor.dtype != dtype if parameter else tensor.itemsize < dtype.itemsize):
            tensor.data = tensor.data.to(dtype)


class Building(TorchFunctionMode):
    """Inside, new tensors have this dtype unless told otherwise, and random numbers come from this seed.

    So do quotients of integers, whose dtype torch takes from its default too. Dropout takes no generator: where a
    constructor runs it in training, it draws from the global random state.

    Args:
        dtype: float64 or float32; complex tensors get the dtype that belongs to it.
        seed: For every random number on any device. None draws from the global random state, as torch's modules do.
    """

    def __init__(self, dtype: torch.dtype, seed: int | None) -> None:
        super().__init__()
        self.dtype = dtype
        self.right = (dtype, COMPLEX[dtype])
        self.seed = seed
        self.generators: dict[torch.device, torch.Generator] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self.seed is not None and _draws(func) and kwargs.get("generator") is None:
            kwargs = self._from_seed(self.seed, func, args, kwargs)
        if func in _factories() and kwargs.get("dtype") is None and kwargs.get("out") is None and _of_numbers(args):
            return func(*args, **{**kwargs, "dtype": self.dtype})
        found = func(*args, **kwargs)
        if isinstance(found, Tensor) and found.dtype not in self.right and _continuous(found):
            return self._by_default(found, func, args, kwargs)
        return found

    def _from_seed(self, seed: int, func: Any, args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Named arguments with our generator of the device; on meta nothing is drawn."""
        tensor = next((value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)), None)
        if tensor is None:  # where torch will make one
            usual = torch.device("cpu") if func is torch.normal else torch.get_default_device()
            tensor = torch.empty(0, device=kwargs.get("device") or usual)
        device = tensor.device
        if device.type == "meta":
            return kwargs
        if device not in self.generators:
            self.generators[device] = torch.Generator(device).manual_seed(seed)
        return {**kwargs, "generator": self.generators[device]}

    def _by_default(self, found: Tensor, func: Any, args: Any, kwargs: Mapping[str, Any]) -> Any:
        """What was found, or, where its dtype is torch's default for want of a reason, the same in ours."""
        leaves = _pytree.tree_leaves((args, kwargs))
        if getattr(func, "__name__", "") in CASTS or any(isinstance(leaf, torch.dtype) for leaf in leaves):
            return found
        if func in _by_value():
            if any(hasattr(leaf, "dtype") for leaf in leaves):
                return found  # arrays and tensors bring theirs
            return func(*args, **{**kwargs, "dtype": self.right[found.is_complex()]})
        tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
        if not tensors or any(map(_continuous, tensors)):
            return found
        change = self._chosen if func in (torch.where, Tensor.where) else self._widened
        args, kwargs = _pytree.tree_map(change, (args, kwargs))
        return func(*args, **kwargs)

    def _widened(self, leaf: Any) -> Any:
        return leaf.to(self.dtype) if isinstance(leaf, Tensor) else leaf

    def _chosen(self, leaf: Any) -> Any:
        """Of `torch.where`: a mask stays one, and plain numbers become tensors."""
        if isinstance(leaf, int | float | complex):
            return torch.tensor(leaf, dtype=self.right[isinstance(leaf, complex)])
        return leaf if not isinstance(leaf, Tensor) or leaf.dtype == torch.bool else leaf.to(self.dtype)


class On(DeviceContext):
    """As `with torch.device(...)`, but for what torch notes beside it, for all threads, on behalf of its compiler."""

    def __enter__(self) -> None:
        self.replaced = _exchanged(self)

    def __exit__(self, *error: object) -> None:
        _exchanged(self.replaced)


def _exchanged(device: DeviceContext | None) -> DeviceContext | None:
    """Put a device's mode at the bottom of this thread's stack, the one place for it; gives the one that was there."""
    modes = [_pop_mode() for _ in range(_len_torch_function_stack())][::-1]  # type: ignore[no-untyped-call]
    others = [mode for mode in modes if not isinstance(mode, DeviceContext)]
    for mode in others if device is None else [device, *others]:
        _push_mode(mode)  # type: ignore[no-untyped-call]
    return next((mode for mode in modes if isinstance(mode, DeviceContext)), None)


def _of_numbers(args: Any) -> bool:
    """`torch.normal` of tensors, as `torch.linspace` between them, has no dtype or takes theirs."""
    return not any(isinstance(argument, Tensor) for argument in args)


def _continuous(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


@cache
def _factories() -> frozenset[Any]:
    """Functions that give real numbers of the default dtype, whatever they are called with."""
    windows = (torch.bartlett_window, torch.blackman_window, torch.hamming_window, torch.hann_window)
    return frozenset(
        (
            *(torch.empty, torch.empty_strided, torch.empty_permuted, torch.zeros, torch.ones, torch.eye),
            *(torch.linspace, torch.logspace, torch.rand, torch.randn, torch.normal, torch.scalar_tensor),
            *(torch.fft.fftfreq, torch.fft.rfftfreq, torch.kaiser_window, *windows),
        )
    )


@cache
def _by_value() -> frozenset[Any]:
    """Functions whose default dtype follows from the numbers that they are given."""
    return frozenset(
        (torch.tensor, torch.as_tensor, torch.asarray, torch.full, torch.arange, torch.range, torch.normal)
    )


@cache
def _draws(func: Any) -> bool:
    """Whether a function draws random numbers, and takes the generator to draw them from."""
    if isinstance(func, FunctionType):
        return func.__module__ == nn.init.__name__ and "generator" in inspect.signature(func).parameters
    packet = getattr(torch.ops.aten, getattr(func, "__name__", ""), None)
    overloads = [] if packet is None else [getattr(packet, name) for name in packet.overloads()]
    return any(torch.Tag.nondeterministic_seeded in overload.tags for overload in overloads) and any(
        argument.name == "generator" for overload in overloads for argument in overload._schema.arguments
    )
