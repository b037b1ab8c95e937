"""What is computed in which precision where parameters or autocast are in half precision.

Products of the input over all steps (`Cell.project`) are computed in half precision, which is what it is for. A state
is carried through thousands of steps, so whatever meets one is at least float32: what a cell derives from its
parameters, every step, the output, and torch's kernels. Rounding the input errs once; rounding the dynamics errs anew
at each step, always the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, TypeVar

import torch
from torch import Tensor, nn

from zoo.engine.sharing import owner_of

HALF: Final = (torch.float16, torch.bfloat16)

Result = TypeVar("Result")


def casts(kind: str) -> bool:
    """Whether autocast is on for devices of this kind."""
    return torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)


def is_half(x: Tensor) -> bool:
    """Whether products of this input are computed in half precision: by its own dtype, or by autocast."""
    return x.dtype in HALF or casts(x.device.type)


def dtype_inside(x: Tensor) -> torch.dtype:
    """The dtype of what a layer computes from x until its end: at least float32, if autocast can lower its products."""
    return torch.float32 if x.dtype in HALF and torch.amp.is_autocast_available(x.device.type) else x.dtype


def in_half(x: Tensor) -> AbstractContextManager[Any]:
    """Inside, products of a half precision input with wider numbers are computed in the input's precision."""
    kind = x.device.type
    if x.dtype not in HALF or casts(kind) or not torch.amp.is_autocast_available(kind):
        return nullcontext()
    return torch.autocast(kind, x.dtype)


def in_full(kind: str) -> AbstractContextManager[Any]:
    """Inside, autocast lowers nothing."""
    return torch.autocast(kind, enabled=False) if casts(kind) else nullcontext()


def widened(value: Any) -> Any:
    """Half precision tensors as float32, in a tensor or a tuple; everything else as it is."""
    if isinstance(value, tuple):
        return tuple(widened(item) for item in value)
    return value.float() if isinstance(value, Tensor) and value.dtype in HALF else value


def exactly(x: Tensor) -> Tensor:
    """x in float64, where the device has it: for what is computed once in a run and then used at every step."""
    return x if x.device.type == "mps" else x.double()


def with_wide_weights(cell: nn.Module, call: Callable[[Any], Result]) -> Result:
    """What `call` gives for the cell, whose half precision weights it sees as float32. Gradients reach the weights."""
    if torch.compiler.is_compiling():  # which cannot look into a copy, and where no other thread runs the cell
        owner = owner_of(cell)
        return _swapped(cell, call) if owner is None else _swapped(owner, lambda _: _swapped(cell, call))
    return call(_wide(cell))


def _swapped(module: nn.Module, call: Callable[[Any], Result]) -> Result:
    wide = _wide_tensors(module)
    if not wide:
        return call(module)
    found: Result = torch.func.functional_call(module, wide, (None, lambda same, _: call(same)))
    return found


def in_float32(module: nn.Module, call: Callable[..., Tensor], x: Tensor, *more: Any) -> Tensor:
    """Call `call(module, x, *more)` with x and the module's half precision weights as float32, and no autocast inside.

    The function `call` is to call the module as it is called, `module(x, *more)`.
    """
    with in_full(x.device.type):
        if torch.compiler.is_compiling():  # as above
            y: Tensor = torch.func.functional_call(module, _wide_tensors(module), (widened(x), *more))
            return y
        return call(_wide(module), widened(x), *more)


def apply_held(module: nn.Module, apply: Callable[[], Any]) -> None:
    """Cast or move a module by `apply`, and keep its buffers, and those inside it, at least float32.

    They are no weights: they define dynamics, or are running means.
    """
    before = [
        (one, name, buffer)
        for one in module.modules()
        for name, buffer in one._buffers.items()
        if buffer is not None and buffer.dtype in (torch.float32, torch.float64)
    ]
    apply()
    for one, name, buffer in before:
        after = one._buffers[name]
        if after is not None and after.dtype in HALF:
            one._buffers[name] = buffer.to(after.device, torch.float32)


def _wide_tensors(module: nn.Module) -> dict[str, Tensor]:
    """Its half precision tensors, by name, as float32."""
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {name: tensor.float() for name, tensor in tensors.items() if tensor.dtype in HALF}


def _wide(module: nn.Module) -> nn.Module:
    """A module that shares everything with this one but its half precision tensors, which are float32."""
    other: nn.Module = object.__new__(type(module))  # not copy.copy, which parametrized modules refuse
    other.__dict__.update(module.__dict__)
    plain = {name: widened(value) for name, value in module.__dict__.items() if isinstance(value, Tensor)}
    other.__dict__.update(plain)
    other._parameters = _Widened(module._parameters)
    half = any(value is not None and value.dtype in HALF for value in module._buffers.values())
    other._buffers = _Widened(module._buffers) if half else module._buffers  # so that running means can be replaced
    lender = module.__dict__.get("_lender")
    if lender is not None:  # whose parameters it reads in place of its own
        other.__dict__["_lender"] = (_wide(lender[0]),)
    other._modules = {name: None if value is None else _wide(value) for name, value in module._modules.items()}
    return other


class _Widened(dict[str, Any]):
    """A module's tensors, each widened when it is first asked for: what nobody asks for is not copied."""

    def __getitem__(self, name: str) -> Any:
        found = self[name] = widened(super().__getitem__(name))
        return found
