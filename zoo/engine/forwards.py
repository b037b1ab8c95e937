"""What the `forward` of a layer or another module gives, held to what it declares; of cells see `engine.returned`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from zoo.components import count_steps
from zoo.engine.cell import Cell
from zoo.engine.labels import note, wrong
from zoo.engine.looks import kind, leaves, written
from zoo.engine.tracing import is_tracing


def called(
    module: nn.Module, x: Any, *more: Any, expected: tuple[int, ...], leading: bool = False, real: bool = True
) -> Tensor:
    """What a module makes of x, which it leaves as it was: a tensor of the expected shape, or that begins with it.

    x may be a mapping of tensors.

    Raises:
        DeclarationError: it is none, or x was changed in place, which the state or the caller may hold.
    """
    if is_tracing():
        unseen: Tensor = module(x, *more)
        return unseen
    given = x.values() if isinstance(x, Mapping) else (x,)
    before = written(*given)
    try:
        y: Tensor = module(x, *more)
    except Exception as error:
        note(module, error)
        raise
    shaped(module, y, expected, leading=leading)
    if real and not y.is_floating_point():
        wrong(module, f".forward gives {y.dtype}, which must be real numbers")
    if written(*given) != before:
        wrong(module, ".forward changes its input in place: make a new tensor")
    return y


def example(source: nn.Module, x: Any, expected: tuple[int, ...]) -> None:
    """Raise DeclarationError unless an input's `example` gave a tensor of that shape."""
    if not isinstance(x, Tensor) or x.shape != expected:
        wrong(source, f".example gives {kind(x)}, declared {expected}: (batch, steps) and its input_shape")


def shaped(module: nn.Module, y: Any, expected: tuple[int, ...], *, leading: bool = False) -> None:
    """Raise DeclarationError unless what a module's `forward` gave is a tensor of that shape, or begins with it."""
    if is_tracing():
        return
    if not isinstance(y, Tensor):
        wrong(module, f".forward gives {kind(y)}, not a tensor")
    if (y.shape[: len(expected)] if leading else y.shape) != expected:
        wrong(
            module,
            f".forward gives shape {kind(y)}, {'which must begin with' if leading else 'declared'} {tuple(expected)}",
        )


def layer(layer: nn.Module, x: Any, before: Mapping[str, Tensor], run: object) -> Any:
    """What a layer makes of x, or of several, and its state.

    Raises:
        DeclarationError: it is no `LayerOutput` of the shape and the states that the layer declares, or x or the state
            was changed in place.
    """
    if is_tracing():
        return layer(x, before, run)
    given = leaves(x)
    count = written(*given, *before.values())
    try:
        y = layer(x, before, run)
    except Exception as error:
        note(layer, error)
        raise
    batch, steps = given[0].shape[:2]
    _layer(layer, y, (batch, count_steps(getattr(layer, "windows", ()), steps)), before)
    if written(*given, *before.values()) != count:
        wrong(layer, ".forward changes its input or its state in place: make a new tensor")
    return y


def _layer(layer: nn.Module, y: Any, leading: tuple[int, ...], before: Mapping[str, Tensor]) -> None:
    if getattr(y, "_fields", ())[:2] != ("output", "state"):
        wrong(layer, f".forward must give a zoo.LayerOutput, not {kind(y)}")
    shaped(layer, y.output, (*leading, *layer.output_shape))  # type: ignore[misc]
    if not isinstance(y.state, Mapping):
        wrong(layer, f".forward gives its state as {kind(y.state)}, not as a dict")
    if y.state.keys() != before.keys():
        names = ", ".join(map(str, y.state)) or "none"
        wrong(layer, f".forward gives the states {names}; its init_state has {_said(before)}")
    for name, old in before.items():
        value = y.state[name]
        if not isinstance(value, Tensor) or value.shape != old.shape:
            wrong(layer, f".forward gives the state {name!r} as {kind(value)}; its init_state has {kind(old)}")
        if value.is_complex() != old.is_complex() or value.is_floating_point() != old.is_floating_point():
            wrong(layer, f".forward gives the state {name!r} as {value.dtype}; its init_state has {old.dtype}")
    _more(layer, y, leading, before)


def _more(layer: nn.Module, y: Any, leading: tuple[int, ...], before: Mapping[str, Tensor]) -> None:
    """What a layer may give beside its output and its state."""
    if not y.output.is_floating_point():
        wrong(layer, f".forward gives its output as {y.output.dtype}, which must be real numbers")
    last = (leading[0], *layer.output_shape)  # type: ignore[misc]
    if y.final is not None and not (isinstance(y.final, Tensor) and y.final.shape == last):
        wrong(layer, f".forward gives final as {kind(y.final)}, declared {last}")
    if y.states is None:
        return
    kept = before if not isinstance(y.states, Mapping) or y.states.keys() == before.keys() else _kept(layer, before)
    if not isinstance(y.states, Mapping) or y.states.keys() != kept.keys():
        wrong(layer, f".forward gives the states of all steps as {kind(y.states)}; its init_state has {_said(kept)}")
    for name, old in kept.items():
        value, every = y.states[name], (*leading, *old.shape[1:])
        if not isinstance(value, Tensor) or value.shape != every:
            wrong(layer, f".forward gives the state {name!r} of all steps as {kind(value)}, not as {every}")


def _kept(layer: nn.Module, before: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The states without the engine's own, which no run gives of all steps: those of recurrent layers inside."""
    own: set[str] = set()
    for path, module in layer.named_modules():
        cell = getattr(module, "cell", None)
        if path and isinstance(cell, Cell):
            names = {"past", "age"} - cell.states.keys()
            own |= {f"{path}.{direction}{name}" for direction in ("", "reverse.") for name in names}
    return {name: value for name, value in before.items() if name not in own}


def _said(before: Mapping[str, Tensor]) -> str:
    return ", ".join(before) or "none"
