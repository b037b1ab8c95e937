"""What a component returns, held to what it declares, where its author's mistake can still be named.

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
from torch import Tensor, nn

from zoo.components import count_steps
from zoo.engine.cell import Cell, Context, Inputs, States
from zoo.engine.labels import note, said_by, wrong
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
    before = _written(x)
    u: Inputs = cell.project(x, const, ctx)
    leaves = u if isinstance(u, tuple) else (u,)
    if not leaves or not all(isinstance(leaf, Tensor) for leaf in leaves):
        wrong(cell, f".project must give a tensor or a flat tuple of tensors, not {_kind(u)}")
    expected = (ctx.batch, x.shape[1] - cell.window)
    if any(leaf.shape[:2] != expected for leaf in leaves):
        more = f": x has {cell.window} steps more, see ctx.past" if cell.window else ""
        wrong(cell, f".project gives {_kind(u)}, which must begin with (B, T) = {expected}{more}")
    if _written(x) != before:
        wrong(cell, ".project changes x in place: x is the caller's, make a new tensor")
    return u


def constants(cell: Cell, const: Any) -> None:
    """Raise DeclarationError unless what `Cell.constants` gave is tensors and None, one or a flat tuple."""
    for leaf in const if isinstance(const, tuple) else (const,):
        if leaf is not None and not isinstance(leaf, Tensor):
            wrong(cell, f".constants must give tensors and None, one or a flat tuple, not {_kind(const)}")


def first_step(cell: Cell, u: Any, state: States, const: Any) -> States:
    """`Cell.step`, and a look at what it gives and at what it was given: for the first step of a run."""
    held = tuple(state.values())
    given = (*held, *_leaves(u), *_leaves(const))
    before = _written(*given)
    try:
        new = cell.step(u, state, const)
    except (AttributeError, KeyError, RuntimeError) as error:
        _explained(cell, error, state)
        raise
    if _written(*given) != before:
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
    output(cell, y, _leaves(u)[0].shape[:1])


def states(cell: Cell, new: Any, like: Mapping[str, Tensor], method: str = "step") -> None:
    """Raise DeclarationError unless new has the keys, shapes and kinds of numbers of the cell's states."""
    if not isinstance(new, dict):
        wrong(cell, f".{method} must give a dict of the states {_names(cell)}, not {_kind(new)}")
    if new.keys() != cell.states.keys():
        _other_keys(cell, method, new)
    for name, value in new.items():
        old = like[name]
        if not isinstance(value, Tensor):
            wrong(cell, f".{method} gives the state {name!r} as {_kind(value)}, not as a tensor")
        if value.shape != old.shape:
            wrong(
                cell,
                f".{method} gives the state {name!r} of shape {_kind(value)}, declared {_declared(cell, name, old)}",
            )
        if value.dtype is not old.dtype:
            _other_numbers(cell, method, name, value, old)


def linear(cell: Cell, found: Any, state: Mapping[str, Tensor], steps: int) -> None:
    """Raise DeclarationError unless what `Cell.linear_recurrence` gave for all steps is a and b of every state."""
    if not isinstance(found, Mapping):
        wrong(cell, f".linear_recurrence must give {{state: (a, b)}} for {_names(cell)}, not {_kind(found)}")
    if found.keys() != cell.states.keys():
        _other_keys(cell, "linear_recurrence", found)
    for name, pair in found.items():
        if not (isinstance(pair, tuple | list) and len(pair) == 2 and all(isinstance(t, Tensor) for t in pair)):
            wrong(cell, f".linear_recurrence gives the state {name!r} {_kind(pair)}, not two tensors (a, b)")
        old = state[name]
        full = (old.shape[0], steps, *old.shape[1:])
        for letter, value in zip("ab", pair, strict=True):
            if not _fits(value.shape, full):
                wrong(
                    cell,
                    f".linear_recurrence gives {letter} of the state {name!r} of shape {_kind(value)}, "
                    f"which does not fit (B, T, ...) = {full}",
                )
            if value.dtype != old.dtype and value.is_complex() and not old.is_complex():
                _other_numbers(cell, "linear_recurrence", name, value, old)


def linear_recurrence(cell: Cell, u: Inputs, state: Mapping[str, Tensor], const: Any, steps: int) -> Any:
    """`Cell.linear_recurrence`, and a look at what it gives and at what it was given."""
    given = (*_leaves(u), *_leaves(const))
    before = _written(*given)
    found = cell.linear_recurrence(u, const)
    linear(cell, found, state, steps)
    if _written(*given) != before:
        wrong(cell, ".linear_recurrence changes u or the constants in place: make new tensors")
    return found


def outputs(cell: Cell, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
    """`Cell.output`, and a look at what it was given."""
    given = (*state.values(), *_leaves(u), *_leaves(const))
    before = _written(*given)
    try:
        y = cell.output(u, state, const)
    except KeyError as error:
        _asked(cell, "output", error)
        raise
    if _written(*given) != before:
        wrong(cell, f".output changes {_IN_PLACE}")
    return y


def fused(cell: Cell, found: Any, state: Mapping[str, Tensor]) -> None:
    """Raise DeclarationError unless a kernel for the whole run gave None, or an output and the state after it."""
    if found is None:
        return
    if not (isinstance(found, tuple) and len(found) == 2 and isinstance(found[0], Tensor)):
        wrong(cell, f".fused must give None, or the output and the states, not {_kind(found)}")
    states(cell, found[1], state, "fused")


def output(cell: Cell, y: Any, leading: tuple[int, ...]) -> None:
    """Raise DeclarationError unless an output is real numbers (*leading, *output_shape)."""
    if not isinstance(y, Tensor):
        wrong(cell, f".output gives {_kind(y)}, not a tensor")
    expected = (*leading, *cell.output_shape)
    if y.shape != expected:
        wrong(cell, f".output gives shape {_kind(y)}, declared {expected}: output_shape is {cell.output_shape}")
    if y.is_complex():
        wrong(cell, ".output gives complex numbers: an output is real")
    if not y.is_floating_point():
        wrong(cell, f".output gives {y.dtype}: an output is real numbers")


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
    before = _written(*given)
    try:
        y: Tensor = module(x, *more)
    except Exception as error:
        note(module, error)
        raise
    shaped(module, y, expected, leading=leading)
    if real and not y.is_floating_point():
        wrong(module, f".forward gives {y.dtype}, which must be real numbers")
    if _written(*given) != before:
        wrong(module, ".forward changes its input in place: make a new tensor")
    return y


def example(source: nn.Module, x: Any, expected: tuple[int, ...]) -> None:
    """Raise DeclarationError unless an input's `example` gave a tensor of that shape."""
    if not isinstance(x, Tensor) or x.shape != expected:
        wrong(source, f".example gives {_kind(x)}, declared {expected}: (batch, steps) and its input_shape")


def shaped(module: nn.Module, y: Any, expected: tuple[int, ...], *, leading: bool = False) -> None:
    """Raise DeclarationError unless what a module's `forward` gave is a tensor of that shape, or begins with it."""
    if is_tracing():
        return
    if not isinstance(y, Tensor):
        wrong(module, f".forward gives {_kind(y)}, not a tensor")
    if (y.shape[: len(expected)] if leading else y.shape) != expected:
        wrong(
            module,
            f".forward gives shape {_kind(y)}, {'which must begin with' if leading else 'declared'} {tuple(expected)}",
        )


def layer(layer: nn.Module, x: Any, before: Mapping[str, Tensor], run: object) -> Any:
    """What a layer makes of x, or of several, and its state.

    Raises:
        DeclarationError: it is no `LayerOutput` of the shape and the states that the layer declares, or x or the state
            was changed in place.
    """
    if is_tracing():
        return layer(x, before, run)
    given = _leaves(x)
    count = _written(*given, *before.values())
    try:
        y = layer(x, before, run)
    except Exception as error:
        note(layer, error)
        raise
    batch, steps = given[0].shape[:2]
    _layer(layer, y, (batch, count_steps(getattr(layer, "windows", ()), steps)), before)
    if _written(*given, *before.values()) != count:
        wrong(layer, ".forward changes its input or its state in place: make a new tensor")
    return y


def _layer(layer: nn.Module, y: Any, leading: tuple[int, ...], before: Mapping[str, Tensor]) -> None:
    if getattr(y, "_fields", ())[:2] != ("output", "state"):
        wrong(layer, f".forward must give a zoo.LayerOutput, not {_kind(y)}")
    shaped(layer, y.output, (*leading, *layer.output_shape))  # type: ignore[misc]
    if not isinstance(y.state, Mapping):
        wrong(layer, f".forward gives its state as {_kind(y.state)}, not as a dict")
    if y.state.keys() != before.keys():
        names = ", ".join(map(str, y.state)) or "none"
        wrong(layer, f".forward gives the states {names}; its init_state has {_said(before)}")
    for name, old in before.items():
        value = y.state[name]
        if not isinstance(value, Tensor) or value.shape != old.shape:
            wrong(layer, f".forward gives the state {name!r} as {_kind(value)}; its init_state has {_kind(old)}")
        if value.is_complex() != old.is_complex() or value.is_floating_point() != old.is_floating_point():
            wrong(layer, f".forward gives the state {name!r} as {value.dtype}; its init_state has {old.dtype}")
    _more(layer, y, leading, before)


def _more(layer: nn.Module, y: Any, leading: tuple[int, ...], before: Mapping[str, Tensor]) -> None:
    """What a layer may give beside its output and its state."""
    if not y.output.is_floating_point():
        wrong(layer, f".forward gives its output as {y.output.dtype}, which must be real numbers")
    last = (leading[0], *layer.output_shape)  # type: ignore[misc]
    if y.final is not None and not (isinstance(y.final, Tensor) and y.final.shape == last):
        wrong(layer, f".forward gives final as {_kind(y.final)}, declared {last}")
    if y.states is None:
        return
    kept = before if not isinstance(y.states, Mapping) or y.states.keys() == before.keys() else _kept(layer, before)
    if not isinstance(y.states, Mapping) or y.states.keys() != kept.keys():
        wrong(layer, f".forward gives the states of all steps as {_kind(y.states)}; its init_state has {_said(kept)}")
    for name, old in kept.items():
        value, every = y.states[name], (*leading, *old.shape[1:])
        if not isinstance(value, Tensor) or value.shape != every:
            wrong(layer, f".forward gives the state {name!r} of all steps as {_kind(value)}, not as {every}")


def _kept(layer: nn.Module, before: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The states without the engine's own, which no run gives of all steps: those of recurrent layers inside."""
    own: set[str] = set()
    for path, module in layer.named_modules():
        cell = getattr(module, "cell", None)
        if path and isinstance(cell, Cell):
            names = {"past", "age"} - cell.states.keys()
            own |= {f"{path}.{direction}{name}" for direction in ("", "reverse.") for name in names}
    return {name: value for name, value in before.items() if name not in own}


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


def _written(*tensors: Tensor) -> int:
    """How often these tensors were written to; always 0 where torch does not count, as in inference mode."""
    count = 0
    try:
        for tensor in tensors:
            count += tensor._version
    except RuntimeError:
        return 0
    return count


def _leaves(value: Any) -> tuple[Tensor, ...]:
    """The tensors of what `project` or `constants` gave."""
    return tuple(leaf for leaf in (value if isinstance(value, tuple) else (value,)) if isinstance(leaf, Tensor))


def _said(before: Mapping[str, Tensor]) -> str:
    return ", ".join(before) or "none"


def _names(cell: Cell) -> str:
    return ", ".join(map(repr, cell.states)) or "none"


def _listed(new: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, new)) or "none"


def _kind(value: Any) -> str:
    """What came, shortly: a tensor by its shape, and what it is made of for anything else."""
    if isinstance(value, Tensor):
        return str(tuple(value.shape))
    if isinstance(value, tuple | list) and 0 < len(value) <= 6:
        return f"a {type(value).__name__} of {', '.join(_kind(item) for item in value)}"
    return "None" if value is None else f"a {type(value).__name__}"
