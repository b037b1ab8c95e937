"""A checkpoint of a model of this zoo: our own names and shapes, wherever in the file they stand."""

from __future__ import annotations

from zoo.errors import ZooError
from zoo.model.base import Model
from zoo.weights.filled import Filled, Made, real_pairs, shape_of, share
from zoo.weights.matching import SHOWN, unlike
from zoo.weights.reading import Found
from zoo.weights.scope import place_of
from zoo.weights.tied import owners


def by_name(model: Model, found: Found, prefix: str | None) -> Filled:
    """Our own names and shapes, wherever in the file they stand.

    Raises:
        ZooError: Something is missing, unused or of another shape.
    """
    owner = owners(model)
    wanted = {name: shape_of(one) for name, one in model.state_dict().items()}
    scope = place_of(found, list(dict.fromkeys(owner.values())), prefix)
    given = {name: shape_of(one.array) for name, one in scope.arrays.items()}
    real_pairs(model, given)
    odd = [name for name in scope.odd if name in wanted]
    if odd:
        raise ZooError(f"{odd[0]} is a {scope.odd[odd[0]]}: only ordinary tensors can be read")
    present = {owner[name] for name in given if name in owner}
    there = {name: shape for name, shape in wanted.items() if name in given or owner[name] not in present}
    text = unlike(there, {**given, **dict.fromkeys(scope.odd, ())})
    if text is not None:
        at_place = f" at {scope.place!r}" if scope.place else ""
        raise ZooError(f"not the weights of {model.spec.id}{at_place}: {text}")
    arrays = {name: Made(one.array, one.dtype) for name, one in scope.arrays.items()}
    share(arrays, list(wanted), owner)
    left = [name for name in (*found.arrays, *found.odd) if name not in scope.whole]
    notes = (f"read at {scope.place!r}; left out: {few(left)}",) if left else ()
    return Filled(arrays, notes=notes, record=found.records.get(f"{scope.place}." if scope.place else ""))


def few(names: list[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest:,} more" if rest > 0 else "")
