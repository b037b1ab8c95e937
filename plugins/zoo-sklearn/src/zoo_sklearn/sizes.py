"""A spec in the sizes of the data: as wide an input and as many outputs as are needed, and the rest as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import ValidationError

import zoo


def vocabulary_of(spec: zoo.Spec) -> int | None:
    """How many symbols the spec's input takes; None for one of real numbers."""
    source = zoo.describe(spec).rows[0].description
    return None if source is None else source.vocabulary


def sized(spec: zoo.Spec, features: int | None, outputs: int) -> zoo.Spec:
    """The spec with the option `size` of its input and of its head changed, and without its published figures.

    Args:
        spec: With a head behind a pool.
        features: Numbers per step; None for symbols, whose input stays as it is.
        outputs: What the head gives per sequence.

    Raises:
        zoo.InputError: The spec has no pooled head, or a part of it refuses its size.
        zoo.ZooError: At these sizes its parts do not fit each other.
    """
    pooled_head(spec)
    head = spec.head
    assert head is not None
    source = spec.input if features is None else _with_size(spec, "input", spec.input, features)
    head = replace(head, part=_with_size(spec, "head", head.part, outputs))
    changed = replace(spec.with_stack(input=source, head=head), expect=None)
    zoo.describe(changed)
    return changed


def pooled_head(spec: zoo.Spec) -> None:
    """Raise zoo.InputError unless the spec gives one output per sequence."""
    if spec.head is None:
        lacks = "no head"
    elif spec.head.pool is None:
        lacks = "a head without a pool, which gives an output at every step"
    else:
        return
    raise zoo.InputError(
        f"{spec.id} has {lacks}; one output per sequence needs a pooled head, as in "
        "head: {kind: linear, size: 1, pool: last}"
    )


def _with_size(spec: zoo.Spec, place: str, part: Any, size: int) -> Any:
    """A part whose options have no `size` keeps its own; the built model is then held against the data."""
    options = part.options
    if "size" not in type(options).model_fields:
        return part
    try:
        # A dump and a fresh validation, so that the component's own rules hold for the new size too.
        return part.with_options(type(options).model_validate(options.model_dump(by_alias=True) | {"size": size}))
    except ValidationError as error:
        found = "; ".join(problem["msg"] for problem in error.errors())
        kind = part.record.name
        raise zoo.InputError(f"{spec.id}: {place} {kind!r} cannot have the size {size} of the data: {found}") from None
