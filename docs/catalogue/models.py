"""The pages of the published models and their index, as text."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from catalogue.cells import ROOT
from catalogue.markdown import NOTE, plain
from zoo.browse import card
from zoo.browse.svg import drawn
from zoo.plugin.catalogue import Catalogue
from zoo.spec import library
from zoo.spec.bundled import folder
from zoo.spec.entries import LibraryEntry
from zoo.spec.listing import year
from zoo.spec.resolve import Resolved

HERE: Final = ROOT / "docs" / "models"
CELLS: Final = "cells/"
LARGEST_PICTURE: Final = 20_000
"""Bytes of a picture that stands beside its page."""
SMALL: Final = 2_000_000
"""Parameters of a model that its page builds as it is; a larger one is built on meta."""
FIELDS: Final = {
    "": "Beginnings and classics",
    "language": "Language",
    "speech": "Speech",
    "vision": "Vision",
    "series": "Time series",
    "music": "Music and sound",
    "control": "Control and reinforcement learning",
    "biology": "Biology",
}
"""What the folders of the library are about; another one is called by its own name."""


@dataclass(frozen=True)
class Model:
    """A spec of the library with its variants.

    Attributes:
        models: The spec itself under None, and each variant under its name.
        page: Name of its page, without the ending.
    """

    entry: LibraryEntry
    models: Mapping[str | None, Resolved]
    page: str

    @property
    def bare(self) -> Resolved:
        return self.models[None]

    @property
    def field(self) -> str:
        """The folder that it is in."""
        return self.entry.name.rpartition("/")[0]

    @cached_property
    def picture(self) -> str | None:
        """None where it is too large for a page."""
        text = drawn(self.bare.spec)
        return text if len(text.encode()) < LARGEST_PICTURE else None


def pages(catalogue: Catalogue) -> dict[Path, str]:
    """Every page and picture, by path."""
    found: dict[Path, str] = {}
    known = models(catalogue)
    for model in known:
        found[HERE / f"{model.page}.md"] = "\n".join(_page(model)) + "\n"
        if model.picture is not None:
            found[HERE / f"{model.page}.svg"] = model.picture
    found[HERE / "README.md"] = "\n".join(_index(known)) + "\n"
    return found


def models(catalogue: Catalogue) -> list[Model]:
    """The models of this package's library, but for the specs that are there for one cell each."""
    own = [
        entry
        for entry in library.entries(catalogue)
        if entry.path.is_relative_to(folder()) and not entry.name.startswith(CELLS)
    ]
    count = Counter(entry.short for entry in own)
    return [
        Model(
            entry,
            library.read_all(entry.path, catalogue),
            entry.short if count[entry.short] == 1 else entry.name.replace("/", "-"),
        )
        for entry in own
    ]


def _page(model: Model) -> Iterator[str]:
    spec, name = model.bare.spec, model.entry.name
    yield f"# `{name}`"
    yield ""
    yield NOTE
    yield ""
    if spec.description:
        yield plain(spec.description)
        yield ""
    if spec.paper:
        yield f"Source: {plain(spec.paper)}."
        yield ""
    for paragraph in comments(model.entry.path.read_text(encoding="utf-8")):
        yield plain(paragraph)
        yield ""
    if spec.tags:
        yield f"Tags: {', '.join(f'`{tag}`' for tag in spec.tags)}."
        yield ""
    if model.picture is not None:
        yield f"![The architecture of {name}, from the input at the bottom to the output]({model.page}.svg)"
        yield ""
    yield "## Layers"
    yield ""
    yield f"| {' | '.join(card.COLUMNS)} |"
    yield f"|{'|'.join('--:' if column in card.NUMBERS else '---' for column in card.COLUMNS)}|"
    for part, what, *figures in card.rows(spec):
        deep = (len(part) - len(part.lstrip())) // len(card.INDENT)
        yield f"| {'&emsp;' * deep}`{part.strip()}` | {plain(what)} | {' | '.join(figures)} |"
    yield ""
    if card.folds(spec):
        yield "A line that says N x has the figures of all N, and so have the lines inside it."
    yield "Multiply-adds are those of matrix products for one step, state is in numbers for one sequence."
    yield ""
    yield "## Cost"
    yield ""
    yield "| | |"
    yield "|---|---|"
    for title, value in card.totals(spec, model.bare.description):
        yield f"| {title} | {plain(value)} |"
    yield ""
    if len(model.models) > 1:
        yield from _variants(model)
    yield from _built(model)
    yield ""
    path = os.path.relpath(model.entry.path, HERE)
    yield f"The spec is [specs/{name}.yaml]({path}); `zoo show {name} --source` prints it."


def comments(text: str) -> list[str]:
    """The paragraphs of the comment at the head of a spec, without what it says to editors."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("# yaml-language-server:") or not line.strip():
            continue
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return [" ".join(part.split("\n")) for part in "\n".join(lines).strip().split("\n\n") if part]


def _variants(model: Model) -> Iterator[str]:
    yield "## Variants"
    yield ""
    yield "| model | parameters | multiply-adds per step |"
    yield "|---|--:|--:|"
    for variant, one in model.models.items():
        name = model.entry.name if variant is None else f"{model.entry.name}@{variant}"
        figures = (one.description.parameters, one.description.macs_per_step)
        yield f"| `{name}` | {' | '.join('unknown' if one is None else f'{one:,}' for one in figures)} |"
    yield ""


def _built(model: Model) -> Iterator[str]:
    """How to build it, as code that a test runs, and the number of parameters that the built model has."""
    parameters = model.bare.description.parameters or 0
    yield "## Build it"
    yield ""
    if parameters > SMALL:
        yield 'On the device meta a model takes no memory; without `device="meta"` it is one with initial values:'
        yield ""
    yield "```python"
    yield "import zoo"
    yield ""
    where = ', device="meta"' if parameters > SMALL else ""
    yield f'model = zoo.build("{model.entry.name}", seed=0{where})'
    yield 'print(f"{sum(p.numel() for p in model.parameters() if p.requires_grad):,}")'
    yield "```"
    yield ""
    yield "```text"
    yield f"{parameters:,}"
    yield "```"


def _index(known: list[Model]) -> Iterator[str]:
    counted = sum(len(model.models) for model in known)
    yield "# The models"
    yield ""
    yield NOTE
    yield ""
    yield f"{len(known)} published models, {counted} with their sizes, by field. `zoo list` finds them by tag, size and"
    yield "components, `zoo show NAME` shows one, `zoo show NAME --svg FILE` draws it, and `zoo diff A B` says what"
    yield "sets two apart. From Python, by the same names:"
    yield ""
    yield "```python"
    yield "import zoo"
    yield ""
    largest = max(known, key=lambda model: (model.bare.description.parameters or 0, model.entry.name))
    yield f'spec = zoo.load("{largest.entry.name}")'
    yield 'print(f"{spec.id}: {zoo.describe(spec).parameters:,} parameters")'
    yield "```"
    yield ""
    yield "```text"
    yield f"{largest.bare.spec.id}: {largest.bare.description.parameters or 0:,} parameters"
    yield "```"
    fields = sorted({model.field for model in known}, key=lambda name: ([*FIELDS, name].index(name), name))
    for field in fields:
        yield ""
        yield f"## {FIELDS.get(field, field.capitalize())}"
        yield ""
        yield "| model | what it is | year | parameters |"
        yield "|---|---|--:|--:|"
        for model in known:
            if model.field == field:
                yield from _rows(model)


def _rows(model: Model) -> Iterator[str]:
    for variant, one in model.models.items():
        parameters = one.description.parameters
        name = model.entry.short if variant is None else f"{model.entry.short}@{variant}"
        cells = (
            f"[`{name}`]({model.page}.md)",
            plain(one.spec.description or "") if variant is None else "",
            str(year(one.spec.paper) or ""),
            "unknown" if parameters is None else f"{parameters:,}",
        )
        yield f"| {' | '.join(cells)} |"
