"""The arguments of a class of `zoo.nn`, from its cell's record: one table for signature and docstring. No torch."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from zoo.components import CellType

BOUNDS: Final = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
REQUIRED: Final = "required"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument. type, default: as source code, the latter `REQUIRED` where there is none. said: its type in words.

    option: the cell's option that it sets; "" for the arguments that every class has.
    """

    name: str
    type: str
    default: str
    said: str
    meaning: str
    option: str = ""


_MODEL: Final = (
    ("hidden_size", "int", REQUIRED, "int", "Units of the state, H; each cell defines what that is."),
    ("num_layers", "int", "1", "int", "How many layers, one on top of the other."),
)
_FEATURES: Final = ("input_size", "int", REQUIRED, "int", "Features at each step of the input, I.")
_MAPS: Final = (
    "input_size",
    "tuple[int, int, int]",
    REQUIRED,
    "tuple",
    "Channels, height and width of the map at each step, (C, Y, X).",
)
AROUND: Final = (
    ("bidirectional", "bool", "False", "bool", "Run over the sequence in both directions."),
    (
        "merge",
        'Literal["concat", "sum", "mean", "mul"]',
        '"concat"',
        '"concat", "sum", "mean" or "mul"',
        "How the outputs of two directions become one.",
    ),
    (
        "share",
        "str | list[str] | None",
        "None",
        "str or list of str",
        'Parameters of the cell that both directions share: "all", or their names.',
    ),
    (
        "dropout",
        "float | Mapping[str, Any]",
        "0.0",
        "float or mapping",
        "A rate between layers, or rates by kind: `input`, `between`, `output`, `recurrent`, `weight`, `zoneout`; "
        "`variational: True` draws one mask per sequence for the first three.",
    ),
    (
        "norm",
        "str | Mapping[str, Any] | None",
        "None",
        "str or mapping",
        'A norm on each layer\'s output: "layer", "rms" or "batch"; or a mapping with its options.',
    ),
    ("residual", "bool", "False", "bool", "Add each layer's input to its output; their widths must be equal."),
    (
        "output_projection",
        "int | Mapping[str, Any] | None",
        "None",
        "int or mapping",
        "A linear map of each layer's output to this width, or a mapping of `size` and `bias`.",
    ),
    ("reverse", "bool", "False", "bool", "Run from the last step to the first."),
    (
        "initial_state",
        'Literal["zeros", "learned"]',
        '"zeros"',
        '"zeros" or "learned"',
        "The state before the first step.",
    ),
    (
        "init",
        "str | Mapping[str, Any] | None",
        "None",
        "str or mapping",
        'How parameters are initialised, as "orthogonal"; the cell\'s own paper if not given.',
    ),
)
MADE: Final = (
    ("seed", "int | None", "None", "int", "Of the parameters; torch's global random state if not given."),
    ("device", "str | torch.device | None", "None", "str or torch.device", "Where the parameters live."),
    ("dtype", "torch.dtype | None", "None", "torch.dtype", "Of the parameters; torch's default if not given."),
    (
        "engine",
        "str",
        '"auto"',
        "str",
        'How the recurrence runs: "auto", "fused", "linear", "loop", "compile" or "scan"; all give the same numbers.',
    ),
    ("memory_limit", "int | None", "4 * GIBIBYTE", "int", "Bytes that parameters may take; None for no limit."),
)


def arguments(record: CellType, *, maps: bool = False) -> tuple[Argument, ...]:
    """The arguments in order; the first three may be given by position. maps: the cell reads maps, and no features."""
    first = (Argument(*(_MAPS if maps else _FEATURES)), *(Argument(*row) for row in _MODEL))
    around = [Argument(*row) for row in AROUND]
    made = [Argument(*row) for row in MADE]
    taken = {one.name for one in (*first, *around, *made)}
    return (*first, *_options(record, taken), *around, *made)


def _options(record: CellType, taken: Iterable[str]) -> Iterator[Argument]:
    """The cell's own options; one that is called as an argument of every class has `cell_` in front."""
    for name, field in record.options.model_fields.items():
        key = field.alias or name
        other = key in taken
        yield Argument(
            name=f"cell_{key}" if other else key,
            type=type_text(field.annotation),
            default=REQUIRED if field.is_required() else literal(field.get_default(call_default_factory=True)),
            said=_said(field),
            meaning=f"The cell's own `{key}`. {field.description or ''}" if other else field.description or "",
            option=key,
        )


def type_text(annotation: Any) -> str:
    """A type as source code."""
    origin, members = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_text(members[0])
    if origin is Literal:
        return f"Literal[{', '.join(map(literal, members))}]"
    if _is_union(origin):
        return " | ".join("None" if one is types.NoneType else type_text(one) for one in members)
    return annotation.__name__ if isinstance(annotation, type) and origin is None else "Any"


def literal(value: Any) -> str:
    """A value as source code, with the quotes that the formatter writes."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)


def _said(field: FieldInfo) -> str:
    """A type and its bounds in words."""
    return ", ".join([_words(field.annotation), *_bounds(field.annotation, field.metadata)])


def _words(annotation: Any) -> str:
    origin, members = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _words(members[0])
    if origin is Literal:
        return _either([literal(one) for one in members])
    if _is_union(origin):
        return _either([_words(one) for one in members if one is not types.NoneType])
    return annotation.__name__ if isinstance(annotation, type) and origin is None else str(annotation)


def _either(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]


def _bounds(annotation: Any, metadata: Iterable[Any]) -> Iterator[str]:
    for one in metadata:
        if isinstance(one, FieldInfo):
            yield from _bounds(None, one.metadata)
        for name, words in BOUNDS.items():
            bound = getattr(one, name, None)
            if bound is not None:
                yield f"{words} {bound:g}" if isinstance(bound, float) else f"{words} {bound}"
    for member in get_args(annotation) if _is_union(get_origin(annotation)) else ():
        if get_origin(member) is Annotated:
            yield from _bounds(None, get_args(member)[1:])


def _is_union(origin: Any) -> bool:
    return origin in (typing.Union, types.UnionType)
