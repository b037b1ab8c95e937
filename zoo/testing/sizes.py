"""Small models for tests: the tiny copy of a spec, and a spec of one layer around a cell."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from zoo.errors import ZooError
from zoo.spec import library
from zoo.spec.canonical import Spec
from zoo.spec.shrink import shrink

SpecLike = str | os.PathLike[str] | Mapping[str, Any] | Spec
CellLike = str | Mapping[str, Any]


def loaded(spec: SpecLike) -> Spec:
    """A spec in its canonical form, however it was given."""
    if isinstance(spec, Spec):
        return spec
    if not isinstance(spec, str | os.PathLike | Mapping):
        raise ZooError(f"a spec is a name, a path, a mapping or a loaded spec, not {spec!r:.60}")
    return library.load(spec).spec


def tiny(spec: SpecLike) -> Spec:
    """The small copy of a spec that checks run on: the same structure, widths that are small and distinct.

    Args:
        spec: A name, a path, a mapping or a loaded spec.

    Returns:
        A canonical spec.

    Raises:
        SpecError: If the spec is wrong.
        ZooError: If there is no such spec.

    Example:
        >>> zoo.testing.tiny("lstm").recurrent[0].hidden_size
        17
    """
    return shrink(loaded(spec))


def tiny_spec(cell: CellLike, *, input: Any = 5, hidden_size: int = 7, **keys: Any) -> Spec:
    """A spec of one layer of a cell, for tests.

    Args:
        cell: As a spec writes it: `"acme"`, or `{"kind": "acme", "gain": 2.0}`.
        input: As in a spec file.
        hidden_size: Units of the cell.
        **keys: Any other key of a spec file: `layers=2`, `bidirectional=True`, `head={...}`. Without a `name` among
            them the spec has the cell's.

    Returns:
        A canonical spec.

    Raises:
        SpecError: If a spec file with these keys would be wrong.
        ZooError: If the cell is no name and no mapping with a name.

    Example:
        >>> zoo.testing.tiny_spec("gru", layers=2).recurrent[1].hidden_size
        7
    """
    kind = cell.get("kind") if isinstance(cell, Mapping) else cell
    if not isinstance(kind, str):
        raise ZooError(f"a cell is a name, or a mapping with a name as its 'kind', not {cell!r:.60}")
    named = {"name": kind.rpartition("/")[2], **keys}
    return loaded({"schema": 1, **named, "input": input, "cell": cell, "hidden_size": hidden_size})
