"""The pages of the cells and their index, as text."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import torch

from catalogue import diagram, latex
from catalogue.cells import ROOT, Known, cells
from catalogue.markdown import NOTE, plain
from catalogue.steps import Steps
from zoo.checks.subject import TOLERANCE
from zoo.spec.listing import year

BOUND: Final = TOLERANCE[torch.float64]
"""What the check `reference` allows."""
HERE: Final = ROOT / "docs" / "cells"
BOUNDED: Final = {
    True: "yes: outputs stay within a bound, however large the input and long the sequence",
    False: "no: outputs can grow with the input or the length",
}
"""What `Traits.bounded` says of a cell."""
Keys = Callable[[Any], Iterator[str]]
"""A table of the keys of a pydantic model, line by line."""
FAMILIES: Final = {
    "cells": "torch's own",
    "gated": "gated",
    "memory": "with a memory",
    "linear": "linear in the state",
    "matrix": "with a matrix memory",
    "structured": "structured",
    "spatial": "over maps",
    "dynamics": "of differential equations",
}


def pages(keys: Keys) -> dict[Path, str]:
    """Every page and picture, by path."""
    found: dict[Path, str] = {}
    for cell in cells():
        name = cell.record.name
        found[HERE / f"{name}.md"] = "\n".join(_page(cell, keys)) + "\n"
        picture = diagram.graph(cell.equations, cell.symbols, cell.output, cell.inputs)
        found[HERE / f"{name}.svg"] = diagram.drawn(picture, f"One step of the cell {name}")
    found[HERE / "README.md"] = "\n".join(_index()) + "\n"
    found[HERE / "index.html"] = _sortable()
    return found


def family(cell: Known) -> str:
    """In words, by the folder that the cell's code is in."""
    return FAMILIES[Path(cell.source).parent.name]


def _page(cell: Known, keys: Keys) -> Iterator[str]:
    record = cell.record
    yield f"# `{record.name}`"
    yield ""
    yield NOTE
    yield ""
    yield f"{record.summary}. {record.paper}."
    yield ""
    yield f"![One step of {record.name}: what each value is made of]({record.name}.svg)"
    yield ""
    yield "## Equations"
    yield ""
    yield "$$"
    yield latex.display(cell.equations, cell.symbols, cell.inputs)
    yield "$$"
    yield ""
    (given,) = Steps(cell.equations, cell.symbols).inputs
    yield f"{given} is the input of a step, σ the logistic function, ⊙ the product element by element. Whatever"
    yield "neither the equations nor the text explains is a parameter: capitals are matrices, small letters vectors. In"
    yield "the symbols of the code:"
    for text in cell.docstrings:
        yield ""
        for line in text.split("Source:")[0].split("Sources:")[0].strip().splitlines():
            yield f"> {plain(line)}".rstrip()
    yield ""
    yield "## Source, deviations, parameters"
    for text in cell.docstrings:
        rest = re.split(r"(?=Sources?:)", text, maxsplit=1)[1:]
        for paragraph in rest:
            yield ""
            yield plain(" ".join(paragraph.split()))
    yield ""
    yield "## Initialisation"
    yield ""
    yield "Initial values of the parameters with `init: paper`, the default:"
    yield ""
    yield plain(" ".join(cell.start.split()))
    yield ""
    yield "## Evidence"
    yield ""
    yield "| kind | what |"
    yield "|---|---|"
    yield f"| equations | {plain(record.authority or '')}; {plain(record.paper or '')} |"
    module, _, function = (record.reference or "").partition(":")
    path = f"{module.replace('.', '/')}.py"
    by = f"plain NumPy in float64, written independently; all options agree to {BOUND:.0e}"
    yield f"| reference | [`{function}`](../../{path}) in {path}: {by} |"
    golden, numbers = f"[{cell.golden.name}](../../tests/cells/golden/{cell.golden.name})", _numbers(cell.golden)
    yield f"| golden | {golden}: {numbers} numbers of the reference, to 1e-12 |"
    for oracle in cell.oracles:
        yield (
            f"| oracle | {plain(oracle['what'])}; {oracle['package']} {oracle['version']}, weights copied, "
            f"to {oracle['tolerance']:.0e} |"
        )
    yield f"| conformance | `zoo test cells/{record.name}`: every check, with every engine |"
    yield ""
    yield "## Cost"
    yield ""
    yield "One layer, 64 features in and 64 out, for one sequence:"
    yield ""
    yield "| | |"
    yield "|---|---|"
    shapes = ", ".join(f"{name} {_shape(shape)}" for name, shape in cell.description.state.items())
    for title, value in (
        ("parameters", f"{cell.description.parameters:,}"),
        ("multiply-adds per step", f"{cell.description.macs_per_step:,}"),
        ("state", f"{shapes}: {_bytes(cell):,} bytes in float32"),
        ("sequential depth per step", f"{cell.description.sequential_depth}"),
        ("streamable", "yes" if cell.traits.streamable else "no"),
        ("bounded", BOUNDED[cell.traits.bounded]),
        ("linear in its state", "yes: it can be run as a scan" if cell.linear else "no"),
        ("engines", ", ".join(engines(cell))),
    ):
        yield f"| {title} | {value} |"
    if record.options.model_fields:
        yield ""
        yield "## Options"
        yield ""
        yield from keys(record.options)
    yield ""
    yield "## Spec"
    yield ""
    path = f"specs/cells/{record.name}.yaml"
    yield f"[{path}](../../{path}), or `zoo show cells/{record.name} --source`:"
    yield ""
    yield "```yaml"
    text = (ROOT / "specs" / "cells" / f"{record.name}.yaml").read_text(encoding="utf-8")
    yield from (line for line in text.splitlines() if not line.startswith("#"))
    yield "```"
    yield ""
    yield from _used(cell)


def _used(cell: Known) -> Iterator[str]:
    """How to run it, as code that a test runs, and the shape that comes out."""
    yield "From Python:"
    yield ""
    yield "```python"
    yield "import zoo"
    yield ""
    yield f'model = zoo.build("cells/{cell.record.name}", seed=0)'
    given = "output, state" if cell.spec.head is None else "output"
    yield f"{given} = model(model.example_input(batch=2, steps=5))"
    yield "print(tuple(output.shape))"
    yield "```"
    yield ""
    yield "```text"
    yield f"{(2, 5, *cell.output_shape)}"
    yield "```"


def engines(cell: Known) -> tuple[str, ...]:
    """The engines that run the cell, the one that is chosen by itself first."""
    first = ("fused",) if cell.fused else ("linear",) if cell.linear else ()
    return (*first, "loop", "compile", "scan")


def _index() -> Iterator[str]:
    yield "# The cells"
    yield ""
    yield NOTE
    yield ""
    yield f"{len(cells())} recurrent cells, each with its paper. `cell: NAME` selects one, in the same five lines:"
    yield ""
    yield "```yaml"
    yield "schema: 1"
    yield "name: mine"
    yield "input: 10"
    yield "cell: mgu"
    yield "hidden_size: 20"
    yield "```"
    yield ""
    yield "`zoo summary cells/NAME` shows one layer. Costs are for 64 features in and 64 out, per sequence."
    yield "[index.html](index.html) is the same table for a browser, sortable and with a filter."
    yield "[Write a cell](write-a-cell.md) says how to add one."
    yield ""
    heads = ("cell", "what it is", "family", "parameters", "multiply-adds", "state bytes", "depth", "linear")
    yield f"| {' | '.join((*heads, 'reference', 'golden', 'oracle'))} |"
    yield "|---|---|---|--:|--:|--:|--:|---|---|---|---|"
    for cell in cells():
        yield "| " + " | ".join(_row(cell)) + " |"
    yield ""
    yield "The last three columns: a **reference** is the cell's equations in plain NumPy, written independently"
    yield "of the cell and compared with it over all options; **golden** numbers are outputs of that reference, stored"
    yield "in a file, so that cell and reference cannot change together unnoticed; an **oracle** is an outside"
    yield "implementation that gives the same outputs with the same weights."
    yield ""
    yield "Where a page says *from a secondary source*, the paper itself was not opened: its equations are as"
    yield "descriptions and other implementations state them."


def _row(cell: Known) -> tuple[str, ...]:
    proofs = ("yes" if kind in cell.proofs else "" for kind in ("reference", "golden"))
    oracle = ", ".join(dict.fromkeys(str(one["package"]) for one in cell.oracles))
    return (
        f"[`{cell.record.name}`]({cell.record.name}.md)",
        plain(cell.record.summary),
        family(cell),
        f"{cell.description.parameters:,}",
        f"{cell.description.macs_per_step:,}",
        f"{_bytes(cell):,}",
        str(cell.description.sequential_depth),
        "yes" if cell.linear else "",
        *proofs,
        oracle,
    )


_COLUMNS: Final = (
    ("cell", "text"),
    ("what it is", "text"),
    ("family", "text"),
    ("year", "number"),
    ("parameters", "number"),
    ("multiply-adds", "number"),
    ("state bytes", "number"),
    ("depth", "number"),
    ("linear", "text"),
    ("proofs", "text"),
)


def _sortable() -> str:
    """A page that needs nothing but itself: a table whose heads sort and whose field filters."""
    rows = []
    for cell in cells():
        name, record = cell.record.name, cell.record
        values = (
            f'<a href="{name}.md">{name}</a>',
            html.escape(record.summary),
            family(cell),
            str(year(record.paper) or ""),
            f"{cell.description.parameters:,}",
            f"{cell.description.macs_per_step:,}",
            f"{_bytes(cell):,}",
            str(cell.description.sequential_depth),
            "linear" if cell.linear else "",
            ", ".join(cell.proofs),
        )
        rows.append("<tr>" + "".join(f"<td>{value}</td>" for value in values) + "</tr>")
    heads = "".join(
        f'<th data-kind="{kind}" aria-sort="none"><button type="button">{title}</button></th>'
        for title, kind in _COLUMNS
    )
    template = (Path(__file__).parent / "index.template").read_text(encoding="utf-8")
    return template.replace("{{heads}}", heads).replace("{{rows}}", "\n".join(rows))


def _bytes(cell: Known) -> int:
    return 4 * sum(math.prod(shape) for shape in cell.description.state.values())


def _shape(shape: tuple[int, ...]) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def _numbers(golden: Path) -> int:
    def count(value: Any) -> int:
        return sum(map(count, value)) if isinstance(value, list) else 1

    return count(json.loads(golden.read_text(encoding="utf-8"))["y"])
