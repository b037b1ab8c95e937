"""From one stack as written to its canonical form: what stands on the stack is spelled out on each recurrent layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.components import Part
from zoo.engine.around import Dropout
from zoo.plugin.catalogue import Catalogue
from zoo.spec.model import INHERITED_BY_LAYERS, DropoutEntry, LayerEntries, RecurrentEntry, StackEntry
from zoo.spec.places import HeadEntry, HeadsEntry, NormEntry
from zoo.spec.problems import Path, Problem
from zoo.spec.tree import Component, Head, Layer, Norm, Recurrent, Stack, replaced

Written = tuple[Path, RecurrentEntry]


def recurrent_entries(stack: StackEntry) -> list[Written]:
    """Every recurrent layer of a stack with its place below the stack, in order, those inside other layers too."""
    return list(_entries(stack.layers, ("layers",)))


def _entries(layers: LayerEntries, path: Path) -> Iterator[Written]:
    for index, entry in enumerate(layers.entries):
        if isinstance(entry, RecurrentEntry):
            yield (*path, index), entry
            continue
        for where, found in _layers_inside(entry, (*path, index)):
            yield from _entries(found, where)


def _layers_inside(layer: Part, path: Path) -> list[tuple[Path, LayerEntries]]:
    found: list[tuple[Path, LayerEntries]] = []

    def note(at: Path, value: LayerEntries) -> LayerEntries:
        found.append((at, value))
        return value

    replaced(layer.options, LayerEntries, note, path)
    return found


@dataclass
class Resolving:
    """One stack on its way.

    Attributes:
        origins: Where in the file each canonical path was written, of those that were.
    """

    stack: StackEntry
    at: Path
    catalogue: Catalogue
    problems: list[Problem] = field(default_factory=list)
    origins: dict[Path, Path] = field(default_factory=dict)

    def resolve(self) -> Stack | None:
        """The canonical stack; None where `problems` says why there is none."""
        recurrent = recurrent_entries(self.stack)
        self.first, self.last = (recurrent[0][0], recurrent[-1][0]) if recurrent else ((), ())
        layers = self._layers(self.stack.layers, ("layers",))
        if self.problems:
            return None
        head, heads = self.stack.head, self.stack.heads
        given = self.stack.model_fields_set
        self.origins |= {(*self.at, key): (*self.at, key) for key in ("input", "head", "heads") if key in given}
        self.origins[*self.at, "init"] = (*self.at, "init")
        return Stack(
            name=".".join(map(str, self.at)),
            input=self.stack.input,
            init=self.stack.init or default(self.catalogue, "init", "paper"),
            layers=layers,
            head=Head(part=head.part, pool=head.pool) if isinstance(head, HeadEntry) else None,
            heads=tuple(Head(name=name, part=one.part, pool=one.pool) for name, one in heads.heads.items())
            if isinstance(heads, HeadsEntry)
            else (),
            merge=heads.merge if isinstance(heads, HeadsEntry) else None,
        )

    def _layers(self, layers: LayerEntries, path: Path) -> tuple[Layer, ...]:
        found = (self._layer(entry, (*path, index), layers) for index, entry in enumerate(layers.entries))
        return tuple(layer for layer in found if layer is not None)

    def _layer(self, entry: RecurrentEntry | Part, path: Path, among: LayerEntries) -> Layer | None:
        if isinstance(entry, RecurrentEntry):
            # A count of layers has no entries that could be pointed at.
            return self._recurrent(entry, path, path[:-2] if among.counted else path)
        self.origins[*self.at, *path] = (*self.at, *path)
        options = replaced(entry.options, LayerEntries, lambda at, found: self._layers(found, at), path)
        return Component(part=entry if options is entry.options else entry.with_options(options))

    def _recurrent(self, entry: RecurrentEntry, path: Path, place: Path) -> Recurrent | None:
        written = self._written(entry, path)
        missing = [key for key in ("cell", "hidden_size") if key not in written]
        if missing:
            where = (*self.at, *place)
            self.problems += [
                Problem(where, "missing", f"missing key {key!r}", context={"key": key}) for key in missing
            ]
            return None
        self.origins |= {(*self.at, *path, key): (*self.at, *at) for key, at in written.items()}

        def value(key: str) -> Any:
            return getattr(entry if len(written.get(key, ())) > 1 else self.stack, key)

        norm, dropout = value("norm"), value("dropout") or DropoutEntry()
        return Recurrent(
            cell=value("cell"),
            hidden_size=value("hidden_size"),
            bidirectional=value("bidirectional"),
            merge=value("merge") if value("bidirectional") else "concat",
            reverse=entry.reverse,
            dropout=self._dropout(dropout, path, of_stack=len(written.get("dropout", ())) == 1),
            norm=Norm(part=norm.part, position=norm.position) if isinstance(norm, NormEntry) else None,
            residual=value("residual") if len(path) == 2 else entry.residual,
            output_projection=entry.output_projection,
            initial_state=entry.initial_state,
            init=value("init") or default(self.catalogue, "init", "paper"),
        )

    def _written(self, entry: RecurrentEntry, path: Path) -> Mapping[str, Path]:
        """Which of a layer's keys were written, and where below the stack: on the layer, or on the stack."""
        given = {key: (key,) for key in INHERITED_BY_LAYERS if key in self.stack.model_fields_set}
        if len(path) > 2:  # what a stack says of its layers' sums is not said of the layers inside them
            given.pop("residual", None)
        return given | {key: (*path, key) for key in entry.model_fields_set}

    def _dropout(self, entry: DropoutEntry, path: Path, *, of_stack: bool) -> Dropout:
        """A layer's own rates. Those given on the stack act on it: its input, between its layers, its output."""
        rates = {
            "input": 0.0 if of_stack and path != self.first else entry.input,
            "between": 0.0 if of_stack and path == self.last else entry.between,
            "output": 0.0 if of_stack and path != self.last else entry.output,
        }
        return Dropout(
            **rates,
            variational=entry.variational and any(rates.values()),
            recurrent=entry.recurrent,
            weight=entry.weight,
            zoneout=entry.zoneout,
        )


def default(catalogue: Catalogue, kind: str, name: str) -> Part:
    """A component with its options as they come."""
    provided = catalogue.find(kind, name)
    return Part(provided, provided.record.options())
