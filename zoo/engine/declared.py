"""What a component declares, looked at once, when its model is built: each mistake of its author is one line.

What it returns is looked at when it runs, in `zoo.engine.returned`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from types import FunctionType
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from zoo.components import resolve
from zoo.engine.labels import wrong
from zoo.engine.registered import registered
from zoo.renamed import old_method

FORWARD: Final[Mapping[str, tuple[str, ...]]] = {
    "layer": ("x", "state", "run"),
    "head": ("x",),
    "pool": ("y", "valid", "final"),
    "norm": ("x", "valid"),
    "input": ("x",),
    "inputs by name": ("x", "valid"),
}
"""What the `forward` of each other kind of component is called with; an input of several tensors has `reads`."""


def component(module: nn.Module, kind: str, known: Iterable[nn.Module] = ()) -> None:
    """Look at what any module declares.

    Args:
        module: What a component's author made.
        kind: Of the component.
        known: Modules that it was given, and may hold without registering them.

    Raises:
        DeclarationError: If it is nothing that the engine can use.
    """
    if "_parameters" not in vars(module):
        wrong(module, ".__init__ does not call super().__init__(): call it first")
    _lazy(module)
    registered(module, known)
    if kind == "layer":
        _initial_state(module)
    if kind == "input" and hasattr(module, "reads"):
        kind = "inputs by name"
    if kind in FORWARD:
        takes(module, "forward", FORWARD[kind])
    if hasattr(module, "set_fixed_parameters"):
        takes(module, "set_fixed_parameters", ())
    elif old_method(module, "pin_parameters") is not None:
        takes(module, "pin_parameters", ())


def _lazy(module: nn.Module) -> None:
    """That all its numbers are there: closed forms, optimisers and schemes need them before the first run."""
    for name, tensor in chain(module.named_parameters(), module.named_buffers()):
        if is_lazy(tensor):
            wrong(module, f".{name} has no shape before the first run: make its layer of a known width")


def shape(module: nn.Module, attribute: str, *, empty: bool = False) -> tuple[int, ...]:
    """A shape that a module declares: whole numbers from 1, none of them only where it may be empty.

    Raises:
        DeclarationError: it is missing, or none.
    """
    found = getattr(module, attribute, None)
    if found is None:
        wrong(module, f" has no {attribute}: set self.{attribute} = (width,) in __init__")
    if not isinstance(found, tuple):
        hint = f": write ({found},)" if whole(found, 1) else ""
        wrong(module, f".{attribute} must be a tuple of whole numbers, not {found!r:.60}{hint}")
    if not all(whole(size, 1) for size in found) or not (found or empty):
        wrong(module, f".{attribute} must be whole numbers from 1, not {found!r:.60}")
    return found


def _initial_state(layer: nn.Module) -> None:
    """That a layer can be asked for its state, and gives named tensors with an entry for each sequence."""
    function: Any = layer.init_state
    device, dtype = torch.device("cpu"), torch.float32
    try:
        inspect.signature(function).bind(2, device=device, dtype=dtype)
    except TypeError:
        called = "init_state(self, batch, *, device, dtype)"
        written = _written(getattr(type(layer), "init_state", function))
        wrong(layer, f".init_state is called as {called}, and is written as init_state{written}")
    try:
        found = function(2, device=device, dtype=dtype)
    except Exception as error:
        wrong(layer, f".init_state raised {type(error).__name__}: {' '.join(str(error).split())}")
    if not isinstance(found, dict):
        wrong(layer, f".init_state must give a dict of tensors, {{}} for none, not {found!r:.60}")
    for state, value in found.items():
        if not (isinstance(state, str) and isinstance(value, Tensor)) or value.shape[:1] != (2,):
            wrong(
                layer,
                f".init_state gives {state!r:.40} without an entry for each of 2 sequences: it must be a tensor (B, "
                "...)",
            )


def source(module: nn.Module) -> None:
    """Look at what an input declares. Raises DeclarationError."""
    shape(module, "input_shape", empty=True)
    shape(module, "output_shape")
    missing = [attribute for attribute in ("vocabulary", "example") if not hasattr(module, attribute)]
    if missing:
        wrong(module, f" has no {missing[0]}: derive it from zoo.Input")
    takes(module, "example", ("batch", "steps", "generator", "dtype"))
    vocabulary = getattr(module, "vocabulary", None)
    if not (vocabulary is None or whole(vocabulary, 1)):
        wrong(module, f".vocabulary must be a whole number from 1, or None for real numbers, not {vocabulary!r:.60}")


def takes(module: nn.Module, method: str, arguments: tuple[str, ...]) -> None:
    """That a method can be called with so many arguments by their places."""
    written = getattr(type(module), method, None)
    code = written.__code__ if isinstance(written, FunctionType) else None
    if code is not None and not code.co_kwonlyargcount and code.co_argcount == 1 + len(arguments):
        return  # as nearly all are: reading a signature takes longer than building a small cell
    bound = getattr(module, method, None)
    if not callable(bound):
        wrong(module, f".{method} must be a method, not {bound!r:.60}")
    if not binds(bound, arguments):
        called = ", ".join(("self", *arguments))
        wrong(
            module, f".{method} is called as {method}({called}), and is written as {method}{_written(written or bound)}"
        )


def binds(function: Callable[..., Any], arguments: Iterable[object]) -> bool:
    """Whether a function takes these arguments by their places; also where nothing can tell."""
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def not_built(build: str, arguments: Sequence[object], error: Exception) -> str:
    """Why what a record's `build` names could not be called, on one line, with what would mend it."""
    said = f"{type(error).__name__}: {' '.join(str(error).split())}"
    if "before Module.__init__() call" in said:
        return f"{said}: begin its __init__ with super().__init__()"
    if isinstance(error, TypeError):
        found = resolve(build)
        if callable(found) and not binds(found, arguments):
            return f"{said}: {build} is called with {len(arguments)} arguments, and is written as {_written(found)}"
    return said


def _written(function: Any) -> str:
    found = inspect.signature(getattr(function, "__func__", function))
    bare = [one.replace(annotation=inspect.Parameter.empty) for one in found.parameters.values()]
    return str(found.replace(parameters=bare, return_annotation=inspect.Signature.empty))


def whole(value: object, low: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= low
