"""From the nodes of a file to the canonical form: extends, variants, shorthands and defaults, resolved once.

    root Node -> merged Node -> file as written -> Spec

Every mistake of the file and of all its variants is collected, and raised as one SpecError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath

from pydantic import ValidationError

from zoo.components import ArchitectureType
from zoo.errors import SpecError, ZooError
from zoo.plugin.catalogue import Catalogue
from zoo.spec import rules
from zoo.spec.canonical import Expect, Spec
from zoo.spec.changes import changed
from zoo.spec.describe import ModelDescription, figures
from zoo.spec.diagnostics import diagnose, in_order
from zoo.spec.document import Node
from zoo.spec.fields import MOST_MISTAKES
from zoo.spec.file import file_type, stacks_of
from zoo.spec.inherit import variants, with_bases, with_variant
from zoo.spec.limits import too_much
from zoo.spec.model import INHERITED_BY_LAYERS
from zoo.spec.problems import Path, Problem, flatten, keys_of
from zoo.spec.stacks import Resolving, alike, default
from zoo.spec.tree import Stack

Names = Sequence[str | None]
"""Of models of a file: None is the bare one, a text a variant."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A canonical spec, its figures, and where its values were written.

    Attributes:
        document: The merged mapping.
        written: The path in it of each canonical path, for those that may stand there.
    """

    spec: Spec
    description: ModelDescription
    document: Node
    written: Mapping[Path, Path]

    @property
    def origins(self) -> dict[Path, Node]:
        """The node of each canonical path, as in `("layers", 0, "hidden_size")`; a value without one is a default."""
        return {path: self.document.at(at) for path, at in self.written.items() if _stands(self.document, at)}


def resolve(
    root: Node, catalogue: Catalogue, file: FilePath | None = None, *, changes: Node | None = None, only: Names = ()
) -> dict[str | None, Resolved]:
    """Every model that a file describes: the bare spec under None, and each variant under its name.

    Args:
        root: what `document.read` or `document.parse` gave.
        catalogue: the components that are installed.
        file: where root was read, for `extends`.
        changes: made to each model, see `zoo.spec.changes`.
        only: the models to look at; all of them if empty.

    Raises:
        SpecError: with every mistake of the file and its variants, each once, in the order of the file.
    """
    merged = with_bases(root, file, catalogue)
    resolved: dict[str | None, Resolved] = {}
    overlays, found = variants(merged)
    names = [name for name in (None, *overlays) if not only or name in only]
    nodes: dict[str | None, Node] = {}
    for name in names:
        try:
            nodes[name] = with_variant(merged, overlays[name] if name else None)
        except SpecError as error:
            found += error.diagnostics
    if changes is not None:
        nodes = {name: changed(node, changes) for name, node in nodes.items()}
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
    record = _architecture(node, catalogue)
    written = file_type(record)
    try:
        file = written.model_validate(node.plain(), context={"catalogue": catalogue})
    except ValidationError as error:
        raise SpecError(diagnose(flatten(error, keys_of(written)), node, catalogue)) from None
    problems = [*rules.of_file(file, catalogue)]
    origins: dict[Path, Path] = {
        (key,): (key,) for key in keys_of(written) if key in _entries(node) and key not in INHERITED_BY_LAYERS
    }
    stacks = []
    for name, entry in stacks_of(file).items():
        resolving = Resolving(entry, (name,) if name else (), catalogue)
        stacks.append(resolving.resolve())
        problems += resolving.problems
        origins |= resolving.origins
    if problems:
        raise SpecError(diagnose(problems, node, catalogue))
    whole = _with_alike([stack for stack in stacks if stack is not None], record, origins, catalogue)

    spec = Spec(
        name=file.name,
        variant=variant,
        description=file.description,
        paper=file.paper,
        tags=file.tags,
        requires=file.requires,
        architecture=file.architecture or default(catalogue, "architecture", "stack"),
        stacks=whole,
        expect=None if file.expect is None else Expect(parameters=file.expect.parameters, frozen=file.expect.frozen),
    )
    repeated = {stack.name for stack in whole} - {stack.name for stack in stacks if stack is not None}
    description, mismatches = figures(spec)
    problems = [
        Problem(_document_path(mismatch.path, origins), "misfit", mismatch.message)
        for mismatch in mismatches
        if mismatch.path[0] not in repeated  # where the same is said of the stack that it is like
    ]
    problems += rules.of_spec(spec, description, lambda path: _document_path(path, origins))
    if problems:
        raise SpecError(diagnose(dict.fromkeys(problems), node, catalogue))
    return Resolved(spec, description, node, origins)


def _with_alike(
    stacks: Sequence[Stack], record: ArchitectureType, origins: dict[Path, Path], catalogue: Catalogue
) -> tuple[Stack, ...]:
    """All stacks, in the order of the architecture, with those that the file leaves out: they stand where others do."""
    found = {stack.name: stack for stack in stacks}
    for asked in record.stacks:
        if asked.like is not None and asked.name not in found:
            found[asked.name] = alike(found[asked.like], asked.name, catalogue)
            origins |= {(asked.name, *path[1:]): at for path, at in origins.items() if path[0] == asked.like}
    return tuple(found[stack.name] for stack in record.stacks) or tuple(stacks)


def _architecture(node: Node, catalogue: Catalogue) -> ArchitectureType:
    """The architecture that a file names, which says what stacks it may have; a wrong name is found when it is read."""
    written = node.below("architecture")
    name = None if written is None else written.plain()
    name = name.get("kind") if isinstance(name, Mapping) else name
    try:
        record = catalogue.find("architecture", name if isinstance(name, str) else "stack").record
    except ZooError:
        record = catalogue.find("architecture", "stack").record
    assert isinstance(record, ArchitectureType)
    return record


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
