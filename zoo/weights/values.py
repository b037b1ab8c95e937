"""What a map says one tensor of ours is: a tensor of theirs, several of them joined or added, or a number."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from zoo.errors import ZooError, did_you_mean
from zoo.spec.problems import Problem, collecting, mistake, show, wrap
from zoo.weights import steps
from zoo.weights.patterns import mistake_in
from zoo.weights.steps import Step, read_step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

KINDS: Final = ("from", "join", "sum", "value")
DEEPEST: Final = 4
MOST_PARTS: Final = 1000
MOST_STEPS: Final = 20
FEW: Final = 2**20
"""Numbers that a value may have in between, whatever it is made of and for."""


@dataclass(frozen=True, slots=True)
class Value:
    """What a tensor is made of.

    Attributes:
        kind: One of `KINDS`.
        name: Of a tensor of theirs, perhaps with places to fill in; "" where it is none.
        parts: What is joined or added.
        number: Of a constant.
        axis: Along which parts are joined.
        do: The steps that follow.
    """

    kind: str
    name: str = ""
    parts: tuple[Value, ...] = ()
    number: float = 0.0
    axis: int = 0
    do: tuple[Step, ...] = ()

    def reads(self) -> Iterator[str]:
        """Every name of theirs in it."""
        if self.kind == "from":
            yield self.name
        for part in self.parts:
            yield from part.reads()
        for step in self.do:
            yield from step.reads

    @property
    def computes(self) -> bool:
        """Whether it makes new numbers, and does not only move them."""
        return self.kind == "sum" or any(part.computes for part in self.parts) or any(step.computes for step in self.do)


def read_value(given: Any, depth: int = 0) -> Value:
    """A value as a map says it: a name, or a mapping.

    Raises:
        PydanticCustomError: It is none; says what.
    """
    if isinstance(given, str):
        wrong = mistake_in(given, offsets=True)
        if wrong is not None:
            raise mistake("weights_name", wrong)
        return Value("from", given)
    if not isinstance(given, Mapping):
        raise mistake("weights_value", f"must be the name of a tensor of theirs, or a mapping, not {show(given)}")
    if depth > DEEPEST:
        raise mistake("weights_value", f"must not have values within values more than {DEEPEST} deep")
    kinds = [kind for kind in KINDS if kind in given]
    found: list[Problem] = []
    allowed = (*KINDS, "do", *(("axis",) if "join" in kinds else ()))
    for key in given:
        if key not in allowed:
            text = (
                f"unknown key {str(key)!r:.60}{did_you_mean(str(key), allowed) or f'; known here: {_listed(allowed)}'}"
            )
            found.append(Problem((str(key),), "weights_key", text))
    if len(kinds) != 1:
        said = f"has {' and '.join(map(repr, kinds))}" if kinds else "has none of them"
        found.append(Problem((), "weights_value", f"must have one of {_listed(KINDS)}, and {said}"))
        raise wrap(found)
    (kind,) = kinds
    name, number = "", 0.0
    parts: tuple[Value, ...] = ()
    with collecting(found, kind):
        if kind == "from":
            name = _read_name(given[kind])
        elif kind == "value":
            number = _read_number(given[kind])
        else:
            parts = _read_parts(given[kind], depth)
    axis = given.get("axis", 0) if kind == "join" else 0
    if type(axis) is not int or not -steps.MOST_AXES <= axis < steps.MOST_AXES:
        found.append(Problem(("axis",), "weights_value", f"'axis' must be the number of an axis, not {show(axis)}"))
    do: tuple[Step, ...] = ()
    with collecting(found, "do"):
        do = _read_steps(given.get("do", []))
    if kind == "value" and do:
        found.append(Problem(("do",), "weights_value", "'do' has nothing to do with a constant: leave it out"))
    if found:
        raise wrap(found)
    return Value(kind, name, parts, number, axis, do)


def compute(value: Value, shape: tuple[int, ...], read: Callable[[str], Array]) -> Array:
    """What a value is.

    Args:
        value: Names in it have no places left.
        shape: Of the tensor of ours.
        read: The tensor of theirs that has a name.

    Raises:
        ZooError: Shapes do not fit one another; says which. Or it grows beyond what it is made of and for.
    """
    held = sum(read(name).size for name in set(value.reads()))
    return _compute(value, shape, read, max(FEW, 2 * (held + math.prod(shape))))


def _compute(value: Value, shape: tuple[int, ...], read: Callable[[str], Array], most: int) -> Array:
    import numpy as np

    if value.kind == "value":
        return np.full(shape, value.number)
    if value.kind == "from":
        found = read(value.name)
    elif value.kind == "sum":
        found = _sum(value.parts, shape, read, most)
    else:
        parts, count = [], 0
        for part in value.parts:
            parts.append(_compute(part, shape, read, most))
            count += parts[-1].size
            steps.refuse_more("join", count, most)
        try:
            found = np.concatenate(parts, value.axis)
        except ValueError:
            shapes = " and ".join(dict.fromkeys(str(part.shape) for part in parts))
            raise ZooError(f"join along axis {value.axis} does not fit the shapes {shapes}") from None
    for step in value.do:
        found = steps.apply(step, found, shape, read, most)
    return found


def _sum(parts: tuple[Value, ...], shape: tuple[int, ...], read: Callable[[str], Array], most: int) -> Array:
    """One part after the other, so that no more than two are there at once."""
    import numpy as np

    found = _compute(parts[0], shape, read, most).astype(np.float64)
    for part in parts[1:]:
        more = _compute(part, shape, read, most)
        if more.shape != found.shape:
            raise ZooError(f"sum is of the shapes {found.shape} and {more.shape}, which are not one")
        found += more
    return found


def _read_name(given: Any) -> str:
    if not isinstance(given, str):
        raise mistake("weights_name", f"must be the name of a tensor of theirs, not {show(given)}")
    return read_value(given).name


def _read_number(given: Any) -> float:
    if type(given) not in (int, float) or not math.isfinite(given):
        raise mistake("weights_value", f"must be a number, not {show(given)}")
    return float(given)


def _read_parts(given: Any, depth: int) -> tuple[Value, ...]:
    if not isinstance(given, list | tuple) or not 1 <= len(given) <= MOST_PARTS:
        raise mistake("weights_value", f"must be a list of names or values, not {show(given)}")
    found: list[Problem] = []
    parts = []
    for index, one in enumerate(given):
        with collecting(found, index):
            parts.append(read_value(one, depth + 1))
    if found:
        raise wrap(found)
    return tuple(parts)


def _read_steps(given: Any) -> tuple[Step, ...]:
    listed = given if isinstance(given, list | tuple) else [given]
    if len(listed) > MOST_STEPS:
        raise mistake("step", f"must have at most {MOST_STEPS} steps")
    found: list[Problem] = []
    made = []
    for index, one in enumerate(listed):
        with collecting(found, *((index,) if listed is given else ())):
            made.append(read_step(one))
    if found:
        raise wrap(found)
    return tuple(made)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names)
