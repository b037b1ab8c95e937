"""From one stack as written to its canonical form: what stands on the stack is spelled out on each recurrent layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from zoo.components import Part
from zoo.engine.around import Dropout
from zoo.plugin.catalogue import Catalogue
from zoo.spec.file import StackEntry
from zoo.spec.model import INHERITED_BY_LAYERS, LayerEntries, LayerEntry, RecurrentEntry
from zoo.spec.places import HeadEntry, HeadsEntry, NormEntry
from zoo.spec.problems import Path, Problem
from zoo.spec.rates import DropoutEntry
from zoo.spec.tree import Component, Head, Layer, Norm, Recurrent, Stack, dotted, inherits, replaced

Written = tuple[Path, RecurrentEntry]


def recurrent_entries(stack: StackEntry) -> list[Written]:
    """Every recurrent layer of a stack with where it was written below it, in order, those inside other layers too."""
    return [(written, entry) for _, written, entry in _entries(stack.layers, ("layers",), ("layers",))]


def _entries(layers: LayerEntries, path: Path, written: Path) -> Iterator[tuple[Path, Path, RecurrentEntry]]:
    """Those that take keys from the stack, each with its canonical path and where it was written."""
    for index, entry in enumerate(layers.entries):
        here, there = (*path, index), (*written, entry.written)
        if isinstance(entry.layer, RecurrentEntry):
            yield here, there, entry.layer
        elif inherits(entry.layer):
            for inner, found in _layers_inside(entry.layer):
                yield from _entries(found, (*here, *inner), (*there, *inner))


def _layers_inside(layer: Part) -> list[tuple[Path, LayerEntries]]:
    found: list[tuple[Path, LayerEntries]] = []

    def note(at: Path, value: LayerEntries) -> LayerEntries:
        found.append((at, value))
        return value

    replaced(layer.options, LayerEntries, note)
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
        recurrent = list(_entries(self.stack.layers, ("layers",), ("layers",)))
        self.first, self.last = (recurrent[0][0], recurrent[-1][0]) if recurrent else ((), ())
        layers = self._layers(self.stack.layers, ("layers",), ("layers",), self.stack)
        source = self._inside(self.stack.input, ("input",), ("input",), None)
        if self.problems:
            return None
        head, heads = self.stack.head, self.stack.heads
        given = self.stack.model_fields_set
        self.origins |= {(*self.at, key): (*self.at, key) for key in ("input", "head", "heads") if key in given}
        self.origins[*self.at, "init"] = (*self.at, "init")
        return Stack(
            name=".".join(map(str, self.at)),
            input=source,
            init=self.stack.init or default(self.catalogue, "init", "paper"),
            layers=layers,
            head=_head(head) if isinstance(head, HeadEntry) else None,
            heads=tuple(_head(one, name) for name, one in heads.heads.items()) if isinstance(heads, HeadsEntry) else (),
            merge=heads.merge if isinstance(heads, HeadsEntry) else None,
        )

    def _layers(self, layers: LayerEntries, path: Path, written: Path, above: StackEntry | None) -> tuple[Layer, ...]:
        """Layers at a canonical path. above: what says the keys that recurrent ones of them lack, if anything does."""
        found: list[Layer] = []
        for index, entry in enumerate(layers.entries):
            # A count of layers has no entries that could be pointed at.
            there = written[:-1] if layers.counted else (*written, entry.written)
            layer = self._layer(entry, (*path, index), there, above)
            if layer is not None:
                found.append(layer)
        return tuple(found)

    def _layer(self, entry: LayerEntry, path: Path, written: Path, above: StackEntry | None) -> Layer | None:
        if isinstance(entry.layer, RecurrentEntry):
            return self._recurrent(entry, entry.layer, path, written, above)
        self.origins[*self.at, *path] = (*self.at, *written)
        part = self._inside(entry.layer, path, written, above if inherits(entry.layer) else None)
        return Component(part=part, name=entry.name, of=entry.of)

    def _inside(self, part: Part, path: Path, written: Path, above: StackEntry | None) -> Part:
        """A component with the layers in its options in canonical form."""
        options = replaced(
            part.options,
            LayerEntries,
            lambda inner, found: self._layers(found, (*path, *inner), (*written, *inner), above),
        )
        return part if options is part.options else part.with_options(options)

    def _recurrent(
        self, placed: LayerEntry, entry: RecurrentEntry, path: Path, place: Path, above: StackEntry | None
    ) -> Recurrent | None:
        written = self._written(entry, path, place, above)
        missing = [key for key in ("cell", "hidden_size") if key not in written]
        if missing:
            where = (*self.at, *place)
            self.problems += [
                Problem(where, "missing", f"missing key {key!r}", context={"key": key}) for key in missing
            ]
            return None
        self.origins[*self.at, *path] = (*self.at, *place)
        self.origins |= {(*self.at, *path, key): (*self.at, *at) for key, at in written.items()}

        def value(key: str) -> Any:
            return getattr(above if above is not None and len(written.get(key, ())) == 1 else entry, key)

        norm, dropout = value("norm"), value("dropout") or DropoutEntry()
        projection = entry.output_projection
        return Recurrent(
            cell=value("cell"),
            hidden_size=value("hidden_size"),
            bidirectional=value("bidirectional"),
            merge=value("merge") if value("bidirectional") else "concat",
            share=(value("share") or ()) if value("bidirectional") else (),
            reverse=entry.reverse,
            dropout=self._dropout(dropout, path, of_stack=len(written.get("dropout", ())) == 1),
            norm=Norm(part=norm.part, position=norm.position) if isinstance(norm, NormEntry) else None,
            residual=value("residual") if len(path) == 2 else entry.residual,
            output_projection=None if projection is None else projection.size,
            projection_bias=projection is None or projection.bias,
            initial_state=entry.initial_state,
            init=value("init") or default(self.catalogue, "init", "paper"),
            name=placed.name,
            of=placed.of,
        )

    def _written(self, entry: RecurrentEntry, path: Path, place: Path, above: StackEntry | None) -> Mapping[str, Path]:
        """Which of a layer's keys were written, and where below the stack: on the layer, or on the stack."""
        given = {key: (key,) for key in INHERITED_BY_LAYERS if above is not None and key in above.model_fields_set}
        if len(path) > 2:  # what a stack says of its layers' sums is not said of the layers inside them
            given.pop("residual", None)
        return given | {key: (*place, key) for key in entry.model_fields_set}

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


def _head(entry: HeadEntry, name: str = "") -> Head:
    return Head(name=name, of=entry.of, part=entry.part, pool=entry.pool)


def alike(stack: Stack, name: str, catalogue: Catalogue) -> Stack:
    """What a file has that leaves a stack out which is like another: that one again, behind the same input."""
    provided = catalogue.find("input", "same")
    source = Part(provided, provided.record.options.model_validate({"of": dotted((*stack.path, "input"))}))
    return replace(stack, name=name, input=source, head=None, heads=(), merge=None)


def default(catalogue: Catalogue, kind: str, name: str) -> Part:
    """A component with its options as they come."""
    provided = catalogue.find(kind, name)
    return Part(provided, provided.record.options())
