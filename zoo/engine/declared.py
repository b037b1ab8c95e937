"""What a component declares, looked at once, when its model is built: each mistake of its author is one line.

What it returns is looked at when it runs, in `zoo.engine.returned`.
"""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence, Set
from itertools import chain
from types import FunctionType
from typing import Any, Final, get_args, get_type_hints

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from zoo.components import resolve
from zoo.engine.cell import Cell, Role, StateSpec
from zoo.engine.labels import wrong
from zoo.engine.registered import registered
from zoo.renamed import old_method

CALLED_WITH: Final[Mapping[str, tuple[str, ...]]] = {
    "step": ("u", "state", "const"),
    "project": ("x", "const", "ctx"),
    "constants": ("ctx",),
    "output": ("u", "state", "const"),
    "linear_recurrence": ("u", "const"),
    "fused": ("x", "state", "const", "ctx"),
    "reset_parameters": (),
    "set_fixed_parameters": (),
    "roles": (),
}
"""The methods that a cell may write, with what each is called with."""
KINDS: Final[tuple[str, ...]] = get_args(get_type_hints(Role)["kind"])
"""What a parameter can be to a scheme."""
USES: Final = ("dt", "observed", "fresh", "weight_dropout", "recurrent_dropout")
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
        _takes(module, "forward", FORWARD[kind])
    if hasattr(module, "set_fixed_parameters"):
        _takes(module, "set_fixed_parameters", ())
    elif old_method(module, "pin_parameters") is not None:
        _takes(module, "pin_parameters", ())


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
        hint = f": write ({found},)" if _whole(found, 1) else ""
        wrong(module, f".{attribute} must be a tuple of whole numbers, not {found!r:.60}{hint}")
    if not all(_whole(size, 1) for size in found) or not (found or empty):
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
    _takes(module, "example", ("batch", "steps", "generator", "dtype"))
    vocabulary = getattr(module, "vocabulary", None)
    if not (vocabulary is None or _whole(vocabulary, 1)):
        wrong(module, f".vocabulary must be a whole number from 1, or None for real numbers, not {vocabulary!r:.60}")


def cell(cell: Cell, input_shape: tuple[int, ...], uses: Set[str] = frozenset()) -> None:
    """Look at what a cell declares.

    Args:
        cell: What its author made.
        input_shape: What it was built for.
        uses: What its record says that it reads.

    Raises:
        DeclarationError: If it is nothing that the engine can use.
    """
    _methods(cell)
    found = shape(cell, "input_shape")
    if found != tuple(input_shape):
        wrong(cell, f".input_shape is {found}, and it was built for {tuple(input_shape)}")
    output = shape(cell, "output_shape")
    if not _whole(cell.window, 0):
        wrong(cell, f".window must be a whole number from 0, not {cell.window!r:.60}")
    _uses(cell, uses)
    _states(cell)
    if type(cell).output is Cell.output:
        _first_state_is_output(cell, output)
    _roles(cell)


def _methods(cell: Cell) -> None:
    for method, arguments in CALLED_WITH.items():
        if getattr(type(cell), method, None) is not getattr(Cell, method):
            _takes(cell, method, arguments)
    if type(cell).forward is not Cell.forward:
        wrong(
            cell,
            ".forward is reserved for the engine, which runs a cell through it: define step, and leave forward as "
            "it is",
        )
    if not isinstance(cell.fusable, bool):
        wrong(cell, f".fusable must be True or False, not {cell.fusable!r:.60}")
    if cell.fusable and type(cell).fused is Cell.fused:
        wrong(cell, ".fusable is True, and the cell does not define fused(x, state, const, ctx)")
    if cell.kernel_key is not None and type(cell).fused_stack is Cell.fused_stack:
        wrong(cell, ".kernel_key is set, and the cell does not define fused_stack")
    if type(cell).step is Cell.step and type(cell).linear_recurrence is Cell.linear_recurrence:
        wrong(cell, " defines neither step nor linear_recurrence")


def _takes(module: nn.Module, method: str, arguments: tuple[str, ...]) -> None:
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


def _states(cell: Cell) -> None:
    found = getattr(cell, "states", None)
    example = 'self.states = {"h": zoo.StateSpec((hidden_size,))}'
    if found is None:
        wrong(cell, f" has no states: set {example} in __init__")
    if not isinstance(found, Mapping):
        wrong(cell, f".states must be a dict of zoo.StateSpec by name, as in {example}, not {found!r:.60}")
    for state, spec in found.items():
        if not isinstance(state, str) or not state or "." in state:
            wrong(cell, f".states names a state {state!r:.60}: a name is text without a dot")
        if not isinstance(spec, StateSpec):
            wrong(cell, f".states[{state!r}] must be a zoo.StateSpec, as in {example}, not {spec!r:.60}")
        _state(cell, state, spec)
    if (cell.window or "fresh" in cell.uses) and (taken := {"age", "past"} & set(found)):
        wrong(cell, f".states names a state {min(taken)!r}, which is reserved: the engine stores past inputs under it")


def _state(cell: Cell, state: str, spec: StateSpec) -> None:
    where = f".states[{state!r}]"
    if not isinstance(spec.shape, tuple):
        hint = f": write StateSpec(({spec.shape},))" if _whole(spec.shape, 0) else ""
        wrong(cell, f"{where}.shape must be a tuple of whole numbers, not {spec.shape!r:.60}{hint}")
    if not all(_whole(size, 0) for size in spec.shape):
        wrong(cell, f"{where}.shape must be whole numbers, not {spec.shape!r:.60}")
    for attribute in ("complex", "zoneout", "learned", "exact"):
        if not isinstance(getattr(spec, attribute), bool):
            wrong(cell, f"{where}.{attribute} must be True or False, not {getattr(spec, attribute)!r:.60}")
    if (
        isinstance(spec.initial_value, bool)
        or not isinstance(spec.initial_value, int | float)
        or math.isnan(spec.initial_value)
    ):
        wrong(cell, f"{where}.initial_value must be a number, not {spec.initial_value!r:.60}")


def _first_state_is_output(cell: Cell, output: tuple[int, ...]) -> None:
    if not cell.states:
        wrong(cell, " has no states, and so no first state to use as its output: write output(u, state, const)")
    first, spec = next(iter(cell.states.items()))
    if spec.shape != output or spec.complex:
        kind = "complex numbers of shape" if spec.complex else "shape"
        wrong(
            cell,
            f".output_shape is {output}, and its output, the first state {first!r}, has {kind} {spec.shape}: "
            "write output(u, state, const), or declare what it gives",
        )


def _uses(cell: Cell, said: Set[str]) -> None:
    for attribute in ("uses", "surrogates"):
        found = getattr(cell, attribute)
        if isinstance(found, str) or not isinstance(found, Set | tuple | list):
            wrong(cell, f".{attribute} must be a set of names, as in frozenset({{'dt'}}), not {found!r:.60}")
    for use in cell.uses:
        if use not in USES:
            close = difflib.get_close_matches(str(use), USES, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"it may hold {', '.join(USES)}"
            wrong(cell, f".uses holds {use!r:.60}; {hint}")
    unread = sorted(said - set(cell.uses))
    if unread:
        wrong(cell, f".uses does not hold {unread[0]!r}, which its record says that it reads")
    unsaid = sorted(set(cell.uses) & {"dt", "observed"} - said)
    if unsaid:  # or no check would ever give it
        wrong(
            cell, f".uses holds {unsaid[0]!r}, and its record does not: write uses=frozenset({{{unsaid[0]!r}}}) there"
        )
    parameters = dict(cell.named_parameters())
    for surrogate in cell.surrogates:
        if surrogate not in parameters:
            wrong(cell, f".surrogates names {surrogate!r:.60}, {_no_parameter(surrogate, parameters)}")


def _roles(cell: Cell) -> None:
    if type(cell).roles is Cell.roles:
        _gates(cell, {})
        return
    try:
        found = cell.roles()
    except Exception as error:
        wrong(cell, f".roles raised {type(error).__name__}: {' '.join(str(error).split())}")
    if not isinstance(found, Mapping):
        wrong(cell, f".roles must give a dict of zoo.Role by parameter, not {found!r:.60}")
    parameters = dict(cell.named_parameters())
    for parameter, role in found.items():
        if parameter not in parameters:
            wrong(cell, f".roles names {parameter!r:.60}, {_no_parameter(parameter, parameters)}")
        if not isinstance(role, Role):
            wrong(cell, f".roles gives {parameter!r} {role!r:.60}, not a zoo.Role")
        _role(cell, parameter, role)
        rows, blocks = parameters[parameter].shape[:1], len(role.gates)
        if not blocks or not rows or rows[0] % blocks:
            size = f"{tuple(parameters[parameter].shape)}, which {blocks} gates do not divide"
            wrong(
                cell, f".roles gives {parameter!r} the gates {', '.join(role.gates) or 'none'}, and its shape is {size}"
            )

    _gates(cell, found)


def _role(cell: Cell, parameter: str, role: Role) -> None:
    """That it says what a scheme can use: one that no scheme knows would leave the parameter as it is."""
    if role.kind not in KINDS:
        close = difflib.get_close_matches(str(role.kind), KINDS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"it is one of {', '.join(KINDS)}"
        wrong(cell, f".roles gives {parameter!r} the kind {role.kind!r:.60}; {hint}")
    if not (isinstance(role.gates, tuple) and all(isinstance(gate, str) for gate in role.gates)):
        wrong(cell, f".roles gives {parameter!r} the gates {role.gates!r:.60}, which must be a tuple of names")
    if role.forget is not None and role.forget not in role.gates:
        gates = ", ".join(role.gates)
        wrong(cell, f".roles gives {parameter!r} the forget gate {role.forget!r:.60}, and its gates are {gates}")


def _gates(cell: Cell, roles: Mapping[str, Role]) -> None:
    """That the forget gate or the input gate is a gate of some parameter; with some options a cell lacks one."""
    gates = dict.fromkeys(gate for role in roles.values() for gate in role.gates if gate)
    said = {
        attribute: gate
        for attribute in ("forget_gate_name", "input_gate_name")
        if (gate := getattr(cell, attribute)) is not None
    }
    if said and not any(gate in gates for gate in said.values()):
        attribute, gate = next(iter(said.items()))
        wrong(cell, f".{attribute} is {gate!r:.60}, which is not a gate in roles; it has {', '.join(gates) or 'none'}")


def _no_parameter(said: Hashable, parameters: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(str(said), parameters, n=1)
    if close:
        return f"which is not a parameter; did you mean {close[0]!r}?"
    return f"which is not a parameter; it has {', '.join(parameters) or 'none'}"


def _whole(value: object, low: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= low
