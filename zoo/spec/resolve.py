"""From the nodes of a file to the canonical form: extends, variants, shorthands and defaults, resolved once.

    root Node -> merged Node -> SpecFile -> Spec

Every mistake of the file and of all its variants is collected, and raised as one SpecError.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from zoo.components import Part, Provided
from zoo.errors import SpecError
from zoo.plugin.catalogue import Catalogue
from zoo.spec import rules
from zoo.spec.canonical import Dropout, Expect, Head, Norm, Other, Recurrent, Spec
from zoo.spec.describe import ModelDescription, walk
from zoo.spec.diagnostics import diagnose, in_order
from zoo.spec.document import Node
from zoo.spec.inherit import variants, with_bases, with_variant
from zoo.spec.limits import too_much
from zoo.spec.model import (
    INHERITED_BY_LAYERS,
    MOST_MISTAKES,
    DropoutEntry,
    RecurrentEntry,
    SpecFile,
)
from zoo.spec.places import HeadEntry, NormEntry
from zoo.spec.problems import Path, Problem, flatten, keys_of


@dataclass(frozen=True, slots=True)
class Resolved:
    """A canonical spec, its figures, and where its values were written.

    document: the merged mapping. written: the path in it of each canonical path, for those that may stand there.
    """

    spec: Spec
    description: ModelDescription
    document: Node
    written: Mapping[Path, Path]

    @property
    def origins(self) -> dict[Path, Node]:
        """The node of each canonical path, as in `("layers", 0, "hidden_size")`; a value without one is a default."""
        return {path: self.document.at(at) for path, at in self.written.items() if _stands(self.document, at)}


def resolve(root: Node, catalogue: Catalogue, file: FilePath | None = None) -> dict[str | None, Resolved]:
    """Every model that a file describes: the bare spec under None, and each variant under its name.

    Args:
        root: what `document.read` or `document.parse` gave.
        catalogue: the components that are installed.
        file: where root was read, for `extends`.

    Raises:
        SpecError: with every mistake of the file and its variants, each once, in the order of the file.
    """
    merged = with_bases(root, file, catalogue)
    resolved: dict[str | None, Resolved] = {}
    overlays, found = variants(merged)
    nodes = {variant: with_variant(merged, overlays[variant] if variant else None) for variant in (None, *overlays)}
    excess = too_much(merged, nodes.values())
    if excess is not None:
        raise SpecError(in_order([*found, excess], root))
    for variant, node in nodes.items():
        if len(found) >= MOST_MISTAKES:
            break
        try:
            resolved[variant] = _resolve_one(node, variant, catalogue)
        except SpecError as error:
            found += error.diagnostics
    if found:
        raise SpecError(in_order(found, root))
    return resolved


def _resolve_one(node: Node, variant: str | None, catalogue: Catalogue) -> Resolved:
    try:
        file = SpecFile.model_validate(node.plain(), context={"catalogue": catalogue})
    except ValidationError as error:
        raise SpecError(diagnose(flatten(error, keys_of(SpecFile)), node, catalogue)) from None
    problems = [*rules.of_file(file, catalogue)]
    layers: list[Recurrent | Other] = []
    origins: dict[Path, Path] = {}
    entries = (RecurrentEntry(),) * file.layers if isinstance(file.layers, int) else file.layers
    last = max((i for i, entry in enumerate(entries) if isinstance(entry, RecurrentEntry)), default=-1)
    first = min((i for i, entry in enumerate(entries) if isinstance(entry, RecurrentEntry)), default=-1)
    for index, entry in enumerate(entries):
        if isinstance(entry, Part):
            layers.append(Other(part=entry))
            origins["layers", index] = ("layers", index)
            continue
        written = _written(file, entry, index)
        missing = [key for key in ("cell", "hidden_size") if key not in written]
        if missing:
            where: Path = ("layers", index) if isinstance(file.layers, tuple) else ()
            problems += [Problem(where, "missing", f"missing key {key!r}", context={"key": key}) for key in missing]
            continue
        layers.append(_recurrent(file, entry, written, catalogue, is_first=index == first, is_last=index == last))
        origins |= {("layers", index, key): path for key, path in written.items()}
    if problems:
        raise SpecError(diagnose(problems, node, catalogue))

    spec = _spec(file, variant, tuple(layers), catalogue)
    origins |= {(key,): (key,) for key in keys_of(SpecFile) if key in _entries(node) and key not in INHERITED_BY_LAYERS}
    origins[("init",)] = ("init",)
    description, misfits = walk(spec)
    problems = [Problem(_document_path(misfit.path, origins), "misfit", misfit.message) for misfit in misfits]
    problems += rules.of_spec(file, spec, description, lambda path: _document_path(path, origins))
    if problems:
        raise SpecError(diagnose(dict.fromkeys(problems), node, catalogue))
    return Resolved(spec, description, node, origins)


def _written(file: SpecFile, entry: RecurrentEntry, index: int) -> dict[str, Path]:
    """Which of a layer's keys were written, and where: on the layer, or on the model."""
    paths: dict[str, Path] = {key: (key,) for key in INHERITED_BY_LAYERS if key in file.model_fields_set}
    return paths | {key: ("layers", index, key) for key in entry.model_fields_set}


def _recurrent(
    file: SpecFile,
    entry: RecurrentEntry,
    written: Mapping[str, Path],
    catalogue: Catalogue,
    *,
    is_first: bool,
    is_last: bool,
) -> Recurrent:
    def value(key: str) -> Any:
        return getattr(entry if len(written.get(key, ())) > 1 else file, key)

    norm = value("norm")
    dropout = value("dropout") or DropoutEntry()
    from_model = len(written.get("dropout", ())) == 1
    return Recurrent(
        cell=value("cell"),
        hidden_size=value("hidden_size"),
        bidirectional=value("bidirectional"),
        merge=value("merge") if value("bidirectional") else "concat",
        reverse=entry.reverse,
        dropout=_dropout(dropout, from_model=from_model, is_first=is_first, is_last=is_last),
        norm=Norm(part=norm.part, position=norm.position) if isinstance(norm, NormEntry) else None,
        residual=value("residual"),
        output_projection=entry.output_projection,
        initial_state=entry.initial_state,
        init=value("init") or _default(catalogue, "init", "paper"),
    )


def _dropout(entry: DropoutEntry, *, from_model: bool, is_first: bool, is_last: bool) -> Dropout:
    """A layer's own rates. Those given on the model act on the stack: its input, between its layers, its output."""
    rates = {
        "input": 0.0 if from_model and not is_first else entry.input,
        "between": 0.0 if from_model and is_last else entry.between,
        "output": 0.0 if from_model and not is_last else entry.output,
    }
    return Dropout(
        **rates,
        variational=entry.variational and any(rates.values()),
        recurrent=entry.recurrent,
        weight=entry.weight,
        zoneout=entry.zoneout,
    )


def _spec(file: SpecFile, variant: str | None, layers: tuple[Recurrent | Other, ...], catalogue: Catalogue) -> Spec:
    head = file.head
    return Spec(
        name=file.name,
        variant=variant,
        description=file.description,
        paper=file.paper,
        tags=file.tags,
        requires=file.requires,
        architecture=file.architecture or _default(catalogue, "architecture", "stack"),
        input=file.input,
        layers=layers,
        head=Head(part=head.part, pool=head.pool) if isinstance(head, HeadEntry) else None,
        init=file.init or _default(catalogue, "init", "paper"),
        expect=None if file.expect is None else Expect(parameters=file.expect.parameters),
    )


def _default(catalogue: Catalogue, kind: str, name: str) -> Part:
    provided: Provided = catalogue.find(kind, name)
    return Part(provided, provided.record.options())


def _document_path(path: Path, origins: Mapping[Path, Path]) -> Path:
    """Where in the document a canonical path was written, or the nearest place above it."""
    for length in range(len(path), 0, -1):
        if path[:length] in origins:
            return (*origins[path[:length]], *path[length:])
    return path


def _entries(node: Node) -> Mapping[str, Node]:
    assert isinstance(node.value, dict)
    return node.value


def _stands(node: Node, path: Path) -> bool:
    """Whether the document says something at this path."""
    for step in path:
        value = node.value
        if isinstance(value, dict) and step in value:
            node = value[str(step)]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            node = value[step]
        else:
            return False
    return True
