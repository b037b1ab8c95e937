"""A first spec for a new model: short, valid, and with the next things to try as comments."""

from __future__ import annotations

import re
from pathlib import Path

from zoo.errors import ZooError
from zoo.plugin.manager import catalogue
from zoo.spec.model import NAME_PATTERN

_TEMPLATE = """\
schema: 1
name: {name}
description: A {cell} model.
input: 10                 # features per step; or {{kind: tokens, vocabulary: 1000, size: 64}}
cell: {cell}
hidden_size: 20
layers: 1                 # a count, or a list of layers
# bidirectional: true
# head: {{kind: linear, size: 1, pool: last}}
"""


def write_new(name: str, cell: str, folder: Path) -> Path:
    """Write `folder/name.yaml` and return its path.

    Raises:
        ZooError: a name that a spec cannot have, an unknown cell, an existing file, a folder that cannot be written.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise ZooError(f"{name!r} cannot be a spec's name: use lower case letters, digits, '.', '_' and '-'")
    catalogue().find("cell", cell)
    path = folder / f"{name}.yaml"
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_TEMPLATE.format(name=name, cell=cell))
    except FileExistsError:
        raise ZooError(f"{path} exists already and is left as it is; choose another name") from None
    except OSError as error:
        raise ZooError(f"{path}: cannot be written: {error.strerror}") from None
    return path
