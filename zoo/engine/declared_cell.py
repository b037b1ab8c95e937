"""What a cell declares, looked at once, when its model is built; what is common to all components is in `declared`."""

from __future__ import annotations

import difflib
import math
from collections.abc import Hashable, Mapping, Set
from typing import Final, get_args, get_type_hints

from zoo.engine.cell import Cell, Role, StateSpec
from zoo.engine.declared import shape, takes, whole
from zoo.engine.labels import wrong

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
    if not whole(cell.window, 0):
        wrong(cell, f".window must be a whole number from 0, not {cell.window!r:.60}")
    _uses(cell, uses)
    _states(cell)
    if type(cell).output is Cell.output:
        _first_state_is_output(cell, output)
    _roles(cell)


def _methods(cell: Cell) -> None:
    for method, arguments in CALLED_WITH.items():
        if getattr(type(cell), method, None) is not getattr(Cell, method):
            takes(cell, method, arguments)
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
        hint = f": write StateSpec(({spec.shape},))" if whole(spec.shape, 0) else ""
        wrong(cell, f"{where}.shape must be a tuple of whole numbers, not {spec.shape!r:.60}{hint}")
    if not all(whole(size, 0) for size in spec.shape):
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
