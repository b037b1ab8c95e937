"""What is done to a tensor of a checkpoint before it is one of ours: each step by its name, on arrays of NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from zoo.errors import ZooError, did_you_mean
from zoo.spec.problems import mistake, show
from zoo.weights.patterns import mistake_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

MOST_AXES: Final = 8
MOST_INDICES: Final = 10_000
NAMES: Final = (
    *("transpose", "reshape", "slice", "blocks", "take", "flip"),
    *("negate", "exp", "log", "add", "scale", "weight_norm"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        name: One of `NAMES`.
        given: What stands behind the name: numbers, a name of theirs, or None.
        axis: Along which it goes.
        of: Into how many blocks an axis is cut.
    """

    name: str
    given: Any = None
    axis: int = 0
    of: int = 1

    @property
    def reads(self) -> tuple[str, ...]:
        """The names of tensors of theirs that it reads."""
        return (self.given,) if self.name == "weight_norm" else ()

    @property
    def computes(self) -> bool:
        """Whether it makes new numbers, and does not only move them."""
        return self.name in ("exp", "log", "add", "scale", "weight_norm")


def read_step(value: Any) -> Step:
    """A step as a map says it: a name, or a mapping that begins with it.

    Raises:
        PydanticCustomError: It is none; says what.
    """
    if isinstance(value, str):
        given: Mapping[str, Any] = {value: None}
    elif isinstance(value, Mapping) and value:
        given = value
    else:
        raise mistake("step", f"must be the name of a step, or a mapping that begins with one, not {show(value)}")
    name = next((str(key) for key in given if key in NAMES), None)
    if name is None:
        first = str(next(iter(given)))
        raise mistake("step", f"unknown step {first!r:.60}{did_you_mean(first, NAMES) or f'; known: {_NAMED}'}")
    others = {"axis"} if name in ("slice", "blocks", "take", "flip", "weight_norm") else set()
    others |= {"of"} if name == "blocks" else set()
    for key in given:
        if key != name and key not in others:
            more = f"; beside it stand {' and '.join(sorted(others))}" if others else ""
            raise mistake("weights_key", f"unknown key {str(key)!r:.60} beside {name!r}{more}", str(key))
    axis = 0 if name == "flip" else given.get("axis", 0)
    found = Step(name, _GIVEN[name](name, given[name]), axis, given.get("of", 1))
    if type(axis) is not int or not -MOST_AXES <= axis < MOST_AXES:
        raise mistake("step", f"'axis' must be the number of an axis, not {show(axis)}", "axis")
    if name == "blocks":
        _blocks(given, found)
    return found


def refuse_more(name: str, count: int, most: int) -> None:
    """Refuse a step whose result nothing needs.

    Raises:
        ZooError: It has more numbers than that.
    """
    if count > most:
        raise ZooError(f"{name} makes {count:,} numbers, where {most:,} are more than enough")


def apply(step: Step, array: Array, shape: tuple[int, ...], other: Callable[[str], Array], most: int) -> Array:
    """A step, done.

    Args:
        step: Which one.
        array: On what.
        shape: Of the tensor of ours, for a `reshape` that says none.
        other: The tensor of theirs that has a name.
        most: How many numbers there may be then.

    Raises:
        ZooError: It does not fit the array's shape; says how.
    """
    import numpy as np

    try:
        if step.name == "weight_norm":
            return _weight_norm(array, other(step.given), step.axis)
        if step.name in ("take", "blocks"):  # the only ones that can give more than they are given
            rows = array.shape[step.axis]
            of = rows if step.name == "take" else step.of
            refuse_more(step.name, array.size // max(of, 1) * len(step.given), most)
        if step.computes and not np.issubdtype(array.dtype, np.floating):
            raise ZooError(f"{step.name} needs real numbers, and they are {array.dtype}")
        with np.errstate(all="ignore"):  # what is no number then is refused by who asked
            found: Array = _APPLY[step.name](np, array, step, shape)
            return found
    except (ValueError, IndexError, TypeError) as error:
        text = " ".join(str(error).split())[:120]
        raise ZooError(f"{step.name} does not fit the shape {array.shape}: {text}") from None


def _cut(np: Any, array: Array, step: Step, _: Any) -> Array:
    if array.shape[step.axis] % step.of:
        raise ZooError(f"axis {step.axis} of the shape {array.shape} has no {step.of} equal blocks")
    pieces = np.split(array, step.of, step.axis)
    found: Array = np.concatenate([pieces[index] for index in step.given], step.axis)
    return found


def _slice(np: Any, array: Array, step: Step, _: Any) -> Array:
    size = array.shape[step.axis]
    start, stop = (*step.given, size)[:2]
    if not 0 <= start < stop <= size:
        raise ZooError(f"slice {list(step.given)} leaves the {size} numbers of axis {step.axis}, shape {array.shape}")
    found: Array = np.take(array, range(start, stop), step.axis)
    return found


def _taken(np: Any, array: Array, step: Step, _: Any) -> Array:
    found: Array = np.take(array, step.given, step.axis)
    return found


def _weight_norm(v: Array, g: Array, axis: int) -> Array:
    """Salimans and Kingma 2016, arXiv:1602.07868: one length g for each slice of v along an axis."""
    import numpy as np

    direction, length = v.astype(np.float64), g.astype(np.float64).reshape(-1)
    rest = tuple(index for index in range(v.ndim) if index != axis % v.ndim)
    shape = [1] * v.ndim
    shape[axis] = -1
    if length.size != v.shape[axis]:
        raise ZooError(f"weight_norm has {length.size} lengths for the {v.shape[axis]} slices of {v.shape}")
    found: Array = direction * (length.reshape(shape) / np.sqrt((direction**2).sum(rest, keepdims=True)))
    return found


_APPLY: Final[Mapping[str, Callable[[Any, Any, Step, tuple[int, ...]], Any]]] = {
    "transpose": lambda np, array, step, shape: np.transpose(array, step.given),
    "reshape": lambda np, array, step, shape: array.reshape(shape if step.given is None else step.given),
    "slice": _slice,
    "blocks": _cut,
    "take": _taken,
    "flip": lambda np, array, step, shape: np.flip(array, step.given),
    "negate": lambda np, array, step, shape: -array,
    "exp": lambda np, array, step, shape: np.exp(array.astype(np.float64)),
    "log": lambda np, array, step, shape: np.log(array.astype(np.float64)),
    "add": lambda np, array, step, shape: array.astype(np.float64) + step.given,
    "scale": lambda np, array, step, shape: array.astype(np.float64) * step.given,
}


def _nothing(name: str, value: Any) -> None:
    if value is not None:
        raise mistake("step", f"{name!r} stands alone, without {show(value)}", name)


def _integers(least: int, most: int, what: str, *, optional: bool = False) -> Callable[[str, Any], Any]:
    def read(name: str, value: Any) -> Any:
        if value is None and optional:
            return None
        right = isinstance(value, list | tuple) and least <= len(value) <= most
        if not right or any(type(one) is not int or abs(one) > 2**31 for one in value):
            said = "alone, or with " if optional else ""
            raise mistake("step", f"{name!r} must be {said}{what}, not {show(value)}", name)
        return tuple(value)

    return read


def _number(name: str, value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise mistake("step", f"{name!r} must be a number, not {show(value)}", name)
    return float(value)


def _axis(name: str, value: Any) -> int:
    if type(value) is not int or not -MOST_AXES <= value < MOST_AXES:
        raise mistake("step", f"{name!r} must be the number of an axis, not {show(value)}", name)
    return value


def _name(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise mistake("step", f"{name!r} must be the name of a tensor of lengths, not {show(value)}", name)
    wrong = mistake_in(value, offsets=True)
    if wrong is not None:
        raise mistake("step", f"{name!r} {wrong}", name)
    return value


def _blocks(given: Mapping[str, Any], step: Step) -> None:
    of = given.get("of")
    if type(of) is not int or not 1 <= of <= MOST_INDICES:
        raise mistake("step", f"'blocks' needs 'of', into how many blocks the axis is cut, not {show(of)}", "blocks")
    if any(not 0 <= one < of for one in step.given):
        raise mistake("step", f"'blocks' must be numbers from 0 to {of - 1}, not {list(step.given)}", "blocks")


_NAMED: Final = ", ".join(NAMES)
_GIVEN: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "transpose": _integers(1, MOST_AXES, "a list of axes", optional=True),
    "reshape": _integers(0, MOST_AXES, "a list of sizes", optional=True),
    "slice": _integers(1, 2, "[start, stop], or [start]"),
    "blocks": _integers(1, MOST_INDICES, "a list of numbers of blocks"),
    "take": _integers(1, MOST_INDICES, "a list of indices"),
    "flip": _axis,
    "negate": _nothing,
    "exp": _nothing,
    "log": _nothing,
    "add": _number,
    "scale": _number,
    "weight_norm": _name,
}
