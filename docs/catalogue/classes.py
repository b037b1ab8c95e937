"""The classes of `zoo.nn` as source code: one for each built-in cell, in a file for each family."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import torch

import zoo
from catalogue.cells import ROOT, Known, cells
from zoo.errors import ZooError
from zoo.nn.arguments import AROUND, MADE, REQUIRED, Argument, arguments
from zoo.nn.docstrings import docstring, shapes_of
from zoo.plugin.catalogue import BUILTIN
from zoo.spec.tree import Recurrent

HERE: Final = ROOT / "zoo" / "nn"
CLASSIC: Final = "classic"
"""The file of the cells that belong to no family: those that torch has too."""
NOTE: Final = "Written by docs/generate.py from the cells' records and docstrings: change those."
SIZES: Final[tuple[tuple[Any, int], ...]] = ((10, 20), (20, 20), ((3, 8, 8), 4))
"""Of the examples: input and state; the first that the cell takes."""

MOST_NAMES: Final = 100
"""Characters of the names of a state that an example shows."""


def sources() -> dict[Path, str]:
    """Every generated file of `zoo.nn`, by path."""
    families: dict[str, list[Known]] = {}
    for cell in cells():
        folder = Path(cell.source).parent.name
        families.setdefault(CLASSIC if folder == "cells" else folder, []).append(cell)
    found = {HERE / f"{name}.py": _file(name, known) for name, known in families.items()}
    return {**found, HERE / "__init__.py": _face(families)}


def class_name(cell: Known) -> str:
    """That of the cell's own class."""
    return type(_sized(cell.record.name)[3].layers[0].cell).__name__


def _face(families: dict[str, list[Known]]) -> str:
    lines = ['"""Every cell as people know `torch.nn`: `znn.GRU(10, 20)` is a `torch.nn.Module`.', ""]
    lines += ["    from zoo import nn as znn", ""]
    lines += ["    layer = znn.MinGRU(64, 128, num_layers=2, bidirectional=True, dropout=0.1)"]
    lines += ["    y, state = layer(x)  # x (B, T, 64)", ""]
    lines += [
        "A class for each built-in cell; `cell` for the cells of plugins; `Recurrent` for a cell's class of your own."
    ]
    lines += ["", NOTE, '"""', ""]
    own = {"layer": ["CellModel"], "plugins": ["cell"], "recurrent": ["Recurrent"]}
    modules = {**own, **{family: [class_name(one) for one in known] for family, known in families.items()}}
    names = []
    for module in sorted(modules):
        inside = sorted(modules[module], key=_isort)
        names += inside
        short = f"from zoo.nn.{module} import {', '.join(inside)}"
        lines += (
            [short] if len(short) <= 120 else [f"from zoo.nn.{module} import (", *(f"    {n}," for n in inside), ")"]
        )
    lines += ["", "__all__ = [", *(f'    "{name}",' for name in sorted(names, key=str.casefold)), "]"]
    return "\n".join(lines) + "\n"


def _isort(name: str) -> tuple[int, str]:
    """Constants, classes, then functions, as the linter sorts what is imported."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2, name.casefold())


def _file(family: str, known: Sequence[Known]) -> str:
    bodies = [_class(cell) for cell in known]
    text = "\n\n\n".join(bodies)
    typing = [name for name in ("Any", "Literal") if f"{name}[" in text or f" {name}]" in text]
    head = [f'"""The classes of the {family} cells.', "", NOTE, '"""', ""]
    head += ["from collections.abc import Mapping", f"from typing import {', '.join(typing)}", ""]
    head += ["import torch", "", "from zoo.model.limits import GIBIBYTE"]
    head += ["from zoo.nn.keys import Around", "from zoo.nn.layer import CellModel, Made", "", "", ""]
    return "\n".join(head) + text + "\n"


def _class(cell: Known) -> str:
    """One class. Its file evaluates annotations when it is imported, so that `help` shows them as they are read."""
    record, maps = cell.record, cell.spec.input.record.name == "maps"
    known = arguments(record, maps=maps)
    name = class_name(cell)
    text = docstring(
        record,
        known,
        (one.strip() for one in cell.docstrings),
        shapes=shapes_of(
            record,
            maps=maps,
            width=_width(cell),
            states=cell.states,
            stacked=_sized(record.name)[3].state_layout == "torch",
        ),
        example=_example(name, cell),
    )
    assert "\\" not in text, f"the docstring of {record.name} cannot stand in source as it is"
    lines = [f"class {name}(CellModel):", *textwrap.indent(f'"""{text}\n"""', "    ").splitlines(), ""]
    lines += [f'    cell_name = "{_layer(cell).cell.provided.qualified}"', "", "    def __init__(", "        self,"]
    for index, one in enumerate(known):
        lines += ["        *,"] if index == 3 else []
        lines += [f"        {one.name}: {one.type}{'' if one.default == REQUIRED else f' = {one.default}'},"]
    lines += ["    ) -> None:", *_body(known)]
    return "\n".join(line.rstrip() for line in lines)


def _body(known: Sequence[Argument]) -> Iterator[str]:
    options = [f'"{one.option}": {one.name}' for one in known if one.option]
    typed = "options" if options else "options: dict[str, Any]"
    mapping = f"        {typed} = {{{', '.join(options)}}}"
    if len(mapping) <= 120:
        yield mapping
    else:
        yield f"        {typed} = {{"
        yield from (f"            {one}," for one in options)
        yield "        }"
    yield "        around = Around("
    yield f"            {', '.join(row[0] for row in AROUND)}"
    yield "        )"
    yield f"        made = Made({', '.join(row[0] for row in MADE)})"
    yield "        super().__init__(input_size, hidden_size, num_layers, options, around, made)"


def _example(name: str, cell: Known) -> Iterator[str]:
    """Two layers if they fit each other, run: what an interpreter shows."""
    size, hidden, layers, model = _sized(cell.record.name)
    shape = size if isinstance(size, tuple) else (size,)
    more = "" if layers == 1 else f", num_layers={layers}"
    yield ">>> import torch"
    yield ">>> from zoo import nn as znn"
    yield f">>> layer = znn.{name}({size}, {hidden}{more})"
    yield f">>> y, state = layer(torch.randn({', '.join(map(str, (3, 15, *shape)))}))"
    with torch.no_grad():
        y, state = model(torch.zeros(3, 15, *shape))
    yield ">>> y.shape"
    yield repr(y.shape)
    if isinstance(state, torch.Tensor):
        yield ">>> state.shape"
        yield repr(state.shape)
    elif isinstance(state, tuple):
        yield ">>> [one.shape for one in state]"
        yield repr([one.shape for one in state])
    else:
        names = repr(list(state))
        yield ">>> list(state)" if len(names) <= MOST_NAMES else ">>> len(state)"
        yield names if len(names) <= MOST_NAMES else str(len(state))


@cache
def _sized(name: str) -> tuple[Any, int, int, Any]:
    """The sizes and the number of layers that an example of a cell has, and its model."""
    for layers in (2, 1):
        for size, hidden in SIZES:
            source: Any = size
            if isinstance(size, tuple):
                source = {"kind": "maps", **dict(zip(("channels", "height", "width"), size, strict=True))}
            keys = {"input": source, "cell": f"{BUILTIN}/{name}", "hidden_size": hidden, "layers": layers}
            try:
                return size, hidden, layers, zoo.build(keys, seed=0)
            except ZooError:
                continue
    raise AssertionError(f"no example for {name}")


def _width(cell: Known) -> str:
    """Of the output: that of the state, unless the cell's options or the cell itself have it otherwise."""
    if "projection" in cell.record.options.model_fields:
        return "H or projection"
    return "H" if cell.description.output_shape[0] == _layer(cell).hidden_size else "width of the output"


def _layer(cell: Known) -> Recurrent:
    (layer,) = cell.spec.recurrent
    return layer
