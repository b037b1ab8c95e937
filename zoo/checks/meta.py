"""A forward on meta, where a tensor that was made on another device than the run's cannot be met without a word."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree

from zoo.checks.batch import Batch, batch_of, joined, named, run
from zoo.checks.subject import Skip, Subject
from zoo.errors import CheckFailure, ZooError
from zoo.model.base import Model
from zoo.model.build import build

META = torch.device("meta")
BATCH, STEPS = 3, 5
_TAKES_INDICES = ("__getitem__", "__setitem__", "index_put_", "index_put")
"""What takes indices on the CPU for a tensor on any device."""


def meta(subject: Subject) -> None:
    """Runs, and steps, on meta give the shapes and dtypes of those on the device, and nothing is made elsewhere."""
    model = subject.model(dtype=torch.float32)
    empty = build(subject.tiny, device=META, dtype=torch.float32, engine=subject.engine).eval()
    batch = batch_of(subject, BATCH, STEPS, dtype=torch.float32)
    lengths = None if subject.several else subject.lengths((STEPS, 1, 3))
    _same(empty, model, batch, {})
    _same(subject.model(dtype=torch.float32).to(META), model, batch, {}, ", of a model that was moved there")
    if lengths is not None:
        _same(empty, model, batch, {"lengths": lengths})
        _same(empty, model, batch, {"state": model.init_state(BATCH)})
    _same(empty.train(), model.train(), batch, {})
    if not subject.several and subject.traits.streamable:
        _steps(empty.eval(), model.eval(), batch_of(subject, BATCH, STEPS, dtype=torch.float32, whole=True))


def _same(empty: Model, model: Model, batch: Batch, keys: dict[str, Any], which: str = "") -> None:
    given = f" with {next(iter(keys))}" if keys else ""
    label = f"a run on meta{given}{which}{' in training' if model.training else ''}"
    with torch.no_grad():
        expected = run(model, batch, **keys)
        with _located(label):
            found = run(empty, batch.map(_on_meta), **_pytree.tree_map(_on_meta, keys))
    _compare(empty, model, found, expected, label)


def _steps(empty: Model, model: Model, batch: Batch) -> None:
    x, beside = batch.step(0)
    with torch.no_grad(), model.streaming(), empty.streaming():
        expected = model.step(x, None, **beside)
        with _located("a step on meta"):
            x, beside = _pytree.tree_map(_on_meta, (x, beside))
            found = empty.step(x, None, **beside)
            found = empty.step(x, found[1], **beside)
    _compare(empty, model, found, expected, "a step on meta")


def _on_meta(value: Any) -> Any:
    return value.to(META) if isinstance(value, Tensor) else value


def _compare(empty: Model, model: Model, found: tuple[Any, Any], expected: tuple[Any, Any], label: str) -> None:
    pairs = [("the output", joined(empty, found[0]), joined(model, expected[0]))]
    after, wanted = named(empty, found[1]), named(model, expected[1])
    pairs += [(f"state {name}", after.get(name), tensor) for name, tensor in wanted.items()]
    for what, tensor, other in pairs:
        if not isinstance(tensor, Tensor):
            raise CheckFailure(f"{label}: {what} is missing")
        if tensor.device.type != "meta":
            raise CheckFailure(
                f"{label}: {what} is on {tensor.device}, not on meta as the input and the parameters are"
            )
        if (tensor.shape, tensor.dtype) != (other.shape, other.dtype):
            raise CheckFailure(
                f"{label}: {what} has shape {tuple(tensor.shape)} and dtype {tensor.dtype}, "
                f"on {other.device} {tuple(other.shape)} and {other.dtype}"
            )


@dataclass(frozen=True, slots=True)
class _Made:
    """A tensor that was made on a device of its own, and where in the code."""

    tensor: Tensor
    what: str
    where: str


class _Devices(TorchFunctionMode):
    """Notes what is made on another device than meta, and refuses the first call that brings it and meta together."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[_Made] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = [leaf for leaf in _pytree.tree_leaves((args, kwargs or {})) if isinstance(leaf, Tensor)]
        elsewhere = [tensor for tensor in given if _elsewhere(tensor)]
        name = getattr(func, "__name__", str(func))
        if elsewhere and len(elsewhere) < len(given) and name not in _TAKES_INDICES:
            raise CheckFailure(self._said(elsewhere[0], name))
        result = func(*args, **(kwargs or {}))
        if not elsewhere:
            self.made += [
                _Made(leaf, name, _place(sys._getframe(1)))
                for leaf in _pytree.tree_leaves(result)
                if isinstance(leaf, Tensor) and _elsewhere(leaf)
            ]
        return result

    def _said(self, tensor: Tensor, name: str) -> str:
        shape = tuple(tensor.shape)
        for made in self.made:
            if made.tensor is tensor or made.tensor.shape == tensor.shape:
                return (
                    f"torch.{made.what} in {made.where} makes a tensor {shape} on {made.tensor.device}, whatever the "
                    "device of the run: give it device=x.device, or make it from what is there, as x.new_zeros does"
                )
        where = _place(sys._getframe(2))
        return (
            f"{name} in {where} meets a tensor {shape} on {tensor.device}, whatever the device of the run: make it "
            "with device=x.device, and what belongs to a module as a parameter or a buffer of it"
        )


def _elsewhere(tensor: Tensor) -> bool:
    """A number on the CPU may meet tensors of any device; more than one may not."""
    return tensor.device.type != "meta" and tensor.dim() > 0


def _place(frame: FrameType | None) -> str:
    """The innermost method of a module, as in `Acme.step (cell.py, line 12)`; else the innermost line outside torch."""
    first = None
    for at in _frames(frame):
        module = at.f_globals.get("__name__", "")
        if module.split(".")[0] == "torch":
            continue
        line = f"{at.f_code.co_filename.rpartition('/')[2]}, line {at.f_lineno}"
        first = first or f"{at.f_code.co_name} ({line})"
        owner = at.f_locals.get("self")
        if isinstance(owner, nn.Module):
            return f"{type(owner).__name__}.{at.f_code.co_name} ({line})"
    return first or "code that cannot be seen"


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


@contextmanager
def _located(label: str) -> Iterator[None]:
    """Inside, what fails says where: an error of torch about meta names no line of the model."""
    try:
        with _Devices():
            yield
    except CheckFailure as failure:
        raise CheckFailure(f"{label}: {failure}") from None
    except (ZooError, Skip):
        raise
    except Exception as error:
        text = (str(error).strip().splitlines() or [""])[0]
        raise CheckFailure(
            f"{label}: {type(error).__name__} in {_raised(error)}: {text}; what a run computes must not depend on the "
            "numbers in its tensors (no item(), no bool(), no if), nor on a device"
        ) from error


def _raised(error: BaseException) -> str:
    frames: list[FrameType] = []
    traceback = error.__traceback__
    while traceback is not None:
        frames.append(traceback.tb_frame)
        traceback = traceback.tb_next
    return _innermost(frames)


def _innermost(frames: Iterable[FrameType]) -> str:
    for frame in reversed(list(frames)):
        owner = frame.f_locals.get("self")
        if isinstance(owner, nn.Module) and not type(owner).__module__.startswith("torch."):
            return f"{type(owner).__name__}.{frame.f_code.co_name}"
    return "the model"
