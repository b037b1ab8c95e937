"""What a cell returns, held to what it declares, where its author's mistake can still be named.

A state of a wrong shape would else be an error of some product one step later, or of nothing at all, since shapes
broadcast. A run is looked at once, at its first step, unless it is of the same kind as the cell's last one: the look
takes ten microseconds, as much as half a step. Nothing is looked at while torch traces or transforms the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from zoo.engine.cell import Cell, Context, Inputs, States
from zoo.engine.labels import note, said_by, wrong
from zoo.engine.looks import kind, leaves, written
from zoo.engine.tracing import is_tracing
from zoo.errors import DeclarationError

_IN_PLACE = "the state, u or its constants in place: make new tensors"

Key = tuple[object, ...]
"""The kind of a run: two of one kind differ in numbers alone."""

_looked_at: WeakKeyDictionary[Cell, Key] = WeakKeyDictionary()
"""The kind of each cell's last run in which all was as declared. Not in the cell, so that a copy is looked at anew."""


def due(cell: Cell, ctx: Context, steps: int) -> Key | None:
    """The kind of this run, if it is to be looked at; `looked` is told when all was well."""
    if is_tracing():
        return None
    code = getattr(cell.step, "__code__", None)  # a function put in the place of another is looked at too
    key = (ctx.batch, steps, ctx.dtype, ctx.training, ctx.valid is None, ctx.reset is None, code)
    return None if _looked_at.get(cell) == key else key


@contextmanager
def named(cell: Cell) -> Iterator[None]:
    """Inside, an error of the cell's own code says whose it is."""
    try:
        yield
    except Exception as error:
        note(cell, error)
        raise


def looked(cell: Cell, y: Any, ctx: Context, steps: int, key: Key) -> None:
    """Hold a run's output to the cell's output_shape, and remember that all was well."""
    output(cell, y, (ctx.batch, steps))
    _looked_at[cell] = key


def project(cell: Cell, x: Tensor, const: Any, ctx: Context) -> Inputs:
    """What `Cell.project` gives, if it is leaves (B, T, ...), and if the constants that it is given are such."""
    constants(cell, const)
    before = written(x)
    u: Inputs = cell.project(x, const, ctx)
    leaves = u if isinstance(u, tuple) else (u,)
    if not leaves or not all(isinstance(leaf, Tensor) for leaf in leaves):
        wrong(cell, f".project must give a tensor or a flat tuple of tensors, not {kind(u)}")
    expected = (ctx.batch, x.shape[1] - cell.window)
    if any(leaf.shape[:2] != expected for leaf in leaves):
        more = f": x has {cell.window} steps more, see ctx.past" if cell.window else ""
        wrong(cell, f".project gives {kind(u)}, which must begin with (B, T) = {expected}{more}")
    if written(x) != before:
        wrong(cell, ".project changes x in place: x is the caller's, make a new tensor")
    return u


def constants(cell: Cell, const: Any) -> None:
    """Raise DeclarationError unless what `Cell.constants` gave is tensors and None, one or a flat tuple."""
    for leaf in const if isinstance(const, tuple) else (const,):
        if leaf is not None and not isinstance(leaf, Tensor):
            wrong(cell, f".constants must give tensors and None, one or a flat tuple, not {kind(const)}")


def first_step(cell: Cell, u: Any, state: States, const: Any) -> States:
    """`Cell.step`, and a look at what it gives and at what it was given: for the first step of a run."""
    held = tuple(state.values())
    given = (*held, *leaves(u), *leaves(const))
    before = written(*given)
    try:
        new = cell.step(u, state, const)
    except (AttributeError, KeyError, RuntimeError) as error:
        _explained(cell, error, state)
        raise
    if written(*given) != before:
        wrong(cell, f".step changes {_IN_PLACE}")
    if new is state or tuple(map(id, state.values())) != tuple(map(id, held)):
        wrong(cell, ".step changes the dict of states that it was given: give a new one")
    states(cell, new, state)
    if held and all(new[name] is old for name, old in state.items()):
        wrong(cell, ".step gives the very tensors of the state that it was given: give the new state")
    return new


def _explained(cell: Cell, error: Exception, state: States) -> None:
    """Raise the mistake that an error of a step comes from, where that is certain."""
    if isinstance(error, KeyError):
        _asked(cell, "step", error)
    elif isinstance(error, AttributeError):
        if error.obj is state and error.name in cell.states:
            said = f".step asks for state.{error.name}: the state is a dict, write state[{error.name!r}]"
            raise DeclarationError(said_by(cell, said)) from error
    elif "in-place operation" in str(error) or "modified inplace" in str(error):
        raise DeclarationError(said_by(cell, f".step changes {_IN_PLACE}")) from error


def _asked(cell: Cell, method: str, error: KeyError) -> None:
    asked = error.args[0] if error.args else None
    if type(error) is KeyError and asked not in cell.states:
        said = DeclarationError(said_by(cell, f".{method} asks for {asked!r:.60}, and states has {_names(cell)}"))
        raise said from error


def before_tracing(cell: Cell, u: Inputs, state: States, const: Any) -> None:
    """A look at one step of its own, for an engine that traces the steps of a run."""
    first = tuple(leaf[:, 0] for leaf in u) if isinstance(u, tuple) else u[:, 0]
    devices = [leaf.device for leaf in state.values() if leaf.is_cuda][:1]
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        new = first_step(cell, first, dict(state), const)
        y = cell.output(first, new, const)
    output(cell, y, leaves(u)[0].shape[:1])


def states(cell: Cell, new: Any, like: Mapping[str, Tensor], method: str = "step") -> None:
    """Raise DeclarationError unless new has the keys, shapes and kinds of numbers of the cell's states."""
    if not isinstance(new, dict):
        wrong(cell, f".{method} must give a dict of the states {_names(cell)}, not {kind(new)}")
    if new.keys() != cell.states.keys():
        _other_keys(cell, method, new)
    for name, value in new.items():
        old = like[name]
        if not isinstance(value, Tensor):
            wrong(cell, f".{method} gives the state {name!r} as {kind(value)}, not as a tensor")
        if value.shape != old.shape:
            wrong(
                cell,
                f".{method} gives the state {name!r} of shape {kind(value)}, declared {_declared(cell, name, old)}",
            )
        if value.dtype is not old.dtype:
            _other_numbers(cell, method, name, value, old)


def linear(cell: Cell, found: Any, state: Mapping[str, Tensor], steps: int) -> None:
    """Raise DeclarationError unless what `Cell.linear_recurrence` gave for all steps is a and b of every state."""
    if not isinstance(found, Mapping):
        wrong(cell, f".linear_recurrence must give {{state: (a, b)}} for {_names(cell)}, not {kind(found)}")
    if found.keys() != cell.states.keys():
        _other_keys(cell, "linear_recurrence", found)
    for name, pair in found.items():
        if not (isinstance(pair, tuple | list) and len(pair) == 2 and all(isinstance(t, Tensor) for t in pair)):
            wrong(cell, f".linear_recurrence gives the state {name!r} {kind(pair)}, not two tensors (a, b)")
        old = state[name]
        full = (old.shape[0], steps, *old.shape[1:])
        for letter, value in zip("ab", pair, strict=True):
            if not _fits(value.shape, full):
                wrong(
                    cell,
                    f".linear_recurrence gives {letter} of the state {name!r} of shape {kind(value)}, "
                    f"which does not fit (B, T, ...) = {full}",
                )
            if value.dtype != old.dtype and value.is_complex() and not old.is_complex():
                _other_numbers(cell, "linear_recurrence", name, value, old)


def linear_recurrence(cell: Cell, u: Inputs, state: Mapping[str, Tensor], const: Any, steps: int) -> Any:
    """`Cell.linear_recurrence`, and a look at what it gives and at what it was given."""
    given = (*leaves(u), *leaves(const))
    before = written(*given)
    found = cell.linear_recurrence(u, const)
    linear(cell, found, state, steps)
    if written(*given) != before:
        wrong(cell, ".linear_recurrence changes u or the constants in place: make new tensors")
    return found


def outputs(cell: Cell, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
    """`Cell.output`, and a look at what it was given."""
    given = (*state.values(), *leaves(u), *leaves(const))
    before = written(*given)
    try:
        y = cell.output(u, state, const)
    except KeyError as error:
        _asked(cell, "output", error)
        raise
    if written(*given) != before:
        wrong(cell, f".output changes {_IN_PLACE}")
    return y


def fused(cell: Cell, found: Any, state: Mapping[str, Tensor]) -> None:
    """Raise DeclarationError unless a kernel for the whole run gave None, or an output and the state after it."""
    if found is None:
        return
    if not (isinstance(found, tuple) and len(found) == 2 and isinstance(found[0], Tensor)):
        wrong(cell, f".fused must give None, or the output and the states, not {kind(found)}")
    states(cell, found[1], state, "fused")


def output(cell: Cell, y: Any, leading: tuple[int, ...]) -> None:
    """Raise DeclarationError unless an output is real numbers (*leading, *output_shape)."""
    if not isinstance(y, Tensor):
        wrong(cell, f".output gives {kind(y)}, not a tensor")
    expected = (*leading, *cell.output_shape)
    if y.shape != expected:
        wrong(cell, f".output gives shape {kind(y)}, declared {expected}: output_shape is {cell.output_shape}")
    if y.is_complex():
        wrong(cell, ".output gives complex numbers: an output is real")
    if not y.is_floating_point():
        wrong(cell, f".output gives {y.dtype}: an output is real numbers")


def _other_keys(cell: Cell, method: str, new: Mapping[str, Any]) -> NoReturn:
    missing = [name for name in cell.states if name not in new]
    if missing:
        wrong(cell, f".{method} gives no state {missing[0]!r}: it gives {_listed(new)}, declared {_names(cell)}")
    extra = next(name for name in new if name not in cell.states)
    wrong(cell, f".{method} gives a state {extra!r} that is not declared: states has {_names(cell)}")


def _other_numbers(cell: Cell, method: str, name: str, value: Tensor, old: Tensor) -> None:
    """Precision is the engine's to mend; the kind of numbers is not."""
    if value.is_complex() != old.is_complex():
        came, declared = ("complex", "real") if value.is_complex() else ("real", "complex")
        wrong(cell, f".{method} gives the state {name!r} as {came} numbers, declared {declared}: see StateSpec.complex")
    if not (value.is_floating_point() or value.is_complex()):
        wrong(cell, f".{method} gives the state {name!r} as {value.dtype}, declared {old.dtype}")


def _declared(cell: Cell, name: str, old: Tensor) -> str:
    return f"{tuple(old.shape)}: its StateSpec has {cell.states[name].shape} for each sequence"


def _fits(shape: tuple[int, ...], full: tuple[int, ...]) -> bool:
    """Whether a shape broadcasts to the full one."""
    if len(shape) > len(full):
        return False
    return all(a in (1, b) for a, b in zip(reversed(shape), reversed(full), strict=False))


def _names(cell: Cell) -> str:
    return ", ".join(map(repr, cell.states)) or "none"


def _listed(new: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, new)) or "none"
