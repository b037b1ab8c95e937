"""Whole recurrent cells in a library's form: its order of gates, its biases, the names that it has for its arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from zoo.errors import did_you_mean
from zoo.spec.problems import Problem, collecting, mistake, show, wrap
from zoo.weights.patterns import mistake_in
from zoo.weights.values import Value, read_value

ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "torch": ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"),
    "keras": ("kernel", "recurrent_kernel", "bias"),
    "onnx": ("W", "R", "B", "P"),
}
"""The arrays of a cell, as each library calls them. Gates in an order of their own have `OWN`."""
OWN: Final = (*ROLES["torch"], "weight_ch")
NEEDED: Final[Mapping[str, tuple[str, str]]] = {
    "torch": ("weight_ih", "weight_hh"),
    "keras": ("kernel", "recurrent_kernel"),
    "onnx": ("W", "R"),
}
GATES: Final = ("h", "i", "f", "g", "o", "r", "z", "n")


@dataclass(frozen=True, slots=True)
class Module:
    """A layer of torch.nn.RNN, LSTM or GRU, or a cell of them, by torch's own names.

    Attributes:
        path: Of the module, perhaps with places; "" where it stands at the top.
        layer: The number of the layer, perhaps a place; None of an RNNCell, LSTMCell or GRUCell.
    """

    path: str
    layer: str | None

    def reads(self) -> Iterator[str]:
        yield self.path
        yield self.layer or ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One direction of a layer, by the arrays that it is made of.

    Attributes:
        form: A library, or "gates".
        arrays: By the form's own names.
        gates: The order of the blocks, where the form does not say it; "-z" for a gate that is one minus ours.
        transposed: Whether matrices stand as (in, gates).
        direction: Of ONNX, whose arrays hold all directions.
        reset_gate: Of a GRU, where it is known.
    """

    form: str
    arrays: Mapping[str, Value] = field(default_factory=dict)
    gates: tuple[str, ...] = ()
    transposed: bool = False
    direction: int = 0
    reset_gate: str | None = None

    def reads(self) -> Iterator[str]:
        for value in self.arrays.values():
            yield from value.reads()


def read_form(given: Any) -> Module | Cell:
    """A form as a map says it.

    Raises:
        PydanticCustomError: It is none; says what.
    """
    if not isinstance(given, Mapping):
        raise mistake("weights_form", f"must be a mapping with 'form' or 'gates', not {show(given)}")
    if ("form" in given) == ("gates" in given):
        raise mistake("weights_form", f"must have 'form', one of {', '.join(ROLES)}, or 'gates' in their order")
    form = given.get("form", "gates")
    if form not in (*ROLES, "gates") or ("form" in given and form == "gates"):
        raise mistake(
            "weights_form",
            f"must be one of {', '.join(ROLES)}, not {show(form)}{did_you_mean(str(form), ROLES)}",
            "form",
        )
    if "module" in given:
        return _module(given, form)
    roles = ROLES.get(form, OWN)
    allowed = (
        *(("form",) if form in ROLES else ("gates", "transposed")),
        *roles,
        *(("direction",) if form == "onnx" else ()),
        "reset_gate",
    )
    found = _unknown(given, (*allowed, "module") if form == "torch" else allowed)
    arrays: dict[str, Value] = {}
    for role in roles:
        if role in given:
            with collecting(found, role):
                arrays[role] = read_value(given[role])
    needed = NEEDED.get(form, NEEDED["torch"])
    lacking = [role for role in needed if role not in given]
    if lacking:
        found.append(Problem((), "weights_form", f"must have {' and '.join(map(repr, lacking))} of form {form}"))
    gates: tuple[str, ...] = ()
    with collecting(found, "gates"):
        gates = _gates(given["gates"]) if form == "gates" else ()
    transposed, direction, reset = (given.get(key, usual) for key, usual in _USUAL)
    for key, value, right in (
        ("transposed", transposed, type(transposed) is bool),
        ("direction", direction, type(direction) is int and direction in (0, 1)),
        ("reset_gate", reset, reset in (None, "after", "before")),
    ):
        if not right:
            found.append(Problem((key,), "weights_form", f"{key!r} must be {_RIGHT[key]}, not {show(value)}"))
    if found:
        raise wrap(found)
    return Cell(form, arrays, gates, transposed, direction, reset)


_USUAL: Final = (("transposed", False), ("direction", 0), ("reset_gate", None))
_RIGHT: Final = {"transposed": "true or false", "direction": "0 or 1", "reset_gate": "after or before"}


def _module(given: Mapping[str, Any], form: str) -> Module:
    if form != "torch":
        raise mistake("weights_form", f"'module' goes with form: torch only; of {form} name its arrays", "module")
    found = _unknown(given, ("form", "module", "layer"))
    path, layer = given["module"], given.get("layer", 0)
    wrong = mistake_in(path, offsets=True) if isinstance(path, str) and path else None
    if not isinstance(path, str) or wrong is not None:
        found.append(Problem(("module",), "weights_form", f"'module' {wrong or f'must be a name, not {show(path)}'}"))
    if layer == "none":
        layer = None
    elif type(layer) not in (int, str) or (isinstance(layer, str) and mistake_in(layer, offsets=True)):
        said = f"'layer' must be a number, a place in quotes such as \"{{i}}\", or none of a cell, not {show(layer)}"
        found.append(Problem(("layer",), "weights_form", said))
    if found:
        raise wrap(found)
    return Module(path, None if layer is None else str(layer))


def _gates(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not given:
        raise mistake("weights_form", f"must be a list such as [i, f, o, g], not {show(given)}")
    names = [str(one).removeprefix("-") for one in given]
    odd = next((one for one in names if one not in GATES), None)
    if odd is not None:
        raise mistake("weights_form", f"must be gates by our names, {', '.join(GATES)}, not {odd!r:.40}")
    if len(set(names)) != len(names):
        raise mistake("weights_form", "must name each gate once")
    if sorted(names) not in ([*"h"], sorted("ifgo"), sorted("rzn")):
        raise mistake("weights_form", "must be those of one cell: h; i, f, g, o; or r, z, n")
    return tuple(map(str, given))


def _unknown(given: Mapping[str, Any], allowed: tuple[str, ...]) -> list[Problem]:
    return [
        Problem(
            (str(key),),
            "weights_key",
            f"unknown key {str(key)!r:.60}{did_you_mean(str(key), allowed) or '; known here: ' + ', '.join(allowed)}",
        )
        for key in given
        if key not in allowed
    ]


def schema(value: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a form."""
    forms: list[dict[str, Any]] = [
        {
            "type": "object",
            "properties": {
                "form": {"const": "torch"},
                "module": {"type": "string"},
                "layer": {"type": ["integer", "string"]},
            },
            "required": ["form", "module"],
            "additionalProperties": False,
        }
    ]
    reset = {"enum": ["after", "before"]}
    for form, roles in (*ROLES.items(), ("gates", OWN)):
        own: dict[str, Any] = (
            {"form": {"const": form}}
            if form in ROLES
            else {"gates": {"type": "array", "items": {"type": "string"}}, "transposed": {"type": "boolean"}}
        )
        own |= {"direction": {"enum": [0, 1]}} if form == "onnx" else {}
        forms.append(
            {
                "type": "object",
                "properties": {**own, **dict.fromkeys(roles, value), "reset_gate": reset},
                "required": [next(iter(own)), *NEEDED.get(form, NEEDED["torch"])],
                "additionalProperties": False,
            }
        )
    return {"anyOf": forms}
