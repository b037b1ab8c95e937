"""A first spec for a new model: short, valid, and with the next things to try as comments."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from zoo import atomic
from zoo.errors import Diagnostic, SpecError, ZooError
from zoo.plugin.manager import catalogue
from zoo.spec.document import parse
from zoo.spec.events import is_text
from zoo.spec.fields import NAME_PATTERN
from zoo.spec.resolve import resolve

_TEMPLATE: Final = """\
schema: 1
name: {name}
description: A {plain} model.
input: {input}
cell: {cell}
hidden_size: 20
layers: 1                 # a count, or a list of layers
# bidirectional: true
# head: {{kind: linear, size: 1, pool: last}}
"""
_INPUTS: Final = (
    "10                 # features per step; or {kind: tokens, vocabulary: 1000, size: 64}",
    "{kind: maps, channels: 3, height: 16, width: 16}",
    "20                 # features per step, as many as hidden_size",
)


def write_new(name: str, cell: str, folder: Path) -> Path:
    """Write `folder/name.yaml` and return its path.

    Raises:
        ZooError: a name that a spec cannot have, an unknown cell, or one that no short spec can start with; an existing
            file; a folder that cannot be written. Then nothing is written.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise ZooError(f"{name!r} cannot be a spec's name: use lower case letters, digits, '.', '_' and '-'")
    catalogue().find("cell", cell)
    path = folder / f"{name}.yaml"
    text = _text(name, cell)
    if os.path.lexists(path):
        raise ZooError(f"{path} exists already and is left as it is; choose another name")
    atomic.write(path, text.encode())
    return path


def _text(name: str, cell: str) -> str:
    """The first of the texts that is a valid spec: what comes in depends on the cell."""
    refusals: list[Diagnostic] = []
    for comes_in in _INPUTS:
        text = _TEMPLATE.format(name=_quoted(name), cell=_quoted(cell), plain=cell, input=comes_in)
        try:
            resolve(parse(text.encode(), f"{name}.yaml"), catalogue())
        except SpecError as error:
            refusals += error.diagnostics
        else:
            return text
    raise ZooError(f"cell {cell!r} has required options that a first spec cannot fill in: {refusals[0].message}")


def _quoted(text: str) -> str:
    """A name as YAML takes it for text: `1.5` and `null` are something else without quotes."""
    return text if is_text(text) else f"'{text}'"
