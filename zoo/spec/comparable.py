"""Specs that make cells comparable: one for each, 64 numbers in and 64 out, in the library's `cells` folders."""

from __future__ import annotations

from typing import Final

from zoo.components import Provided
from zoo.errors import ZooError
from zoo.plugin.catalogue import Catalogue
from zoo.spec import library
from zoo.spec.canonical import Spec
from zoo.spec.describe import Row, describe

FOLDER: Final = "cells/"
WIDTH: Final = 64


def specs(catalogue: Catalogue) -> dict[str, Spec]:
    """The comparable spec of every cell that has one, by the cell's qualified name.

    Raises:
        SpecError: one of those files has a mistake.
    """
    found: dict[str, Spec] = {}
    for entry in library.entries(catalogue):
        if not entry.name.startswith(FOLDER):
            continue
        spec = library.load(entry.path, catalogue).spec
        for layer in spec.recurrent:
            found.setdefault(layer.cell.provided.qualified, spec)
    return found


def rows(cells: tuple[Provided, ...], catalogue: Catalogue) -> dict[str, Row]:
    """Each cell's layer in its comparable spec; in one of the cell's defaults where the library has none.

    A cell that cannot be described at that width is left out.
    """
    found = {}
    known = specs(catalogue)
    for cell in cells:
        try:
            spec = known.get(cell.qualified) or _plain(cell, catalogue)
            row = next(row for row in describe(spec).rows if row.part.provided == cell)
        except (ZooError, StopIteration):
            continue
        if row.description is not None:
            found[cell.qualified] = row
    return found


def _plain(cell: Provided, catalogue: Catalogue) -> Spec:
    keys = {"schema": 1, "name": "plain", "input": WIDTH, "cell": cell.qualified, "hidden_size": WIDTH}
    return library.load(keys, catalogue).spec
