"""Which models of the library a list is to show, and what was probably meant where there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from zoo.errors import did_you_mean
from zoo.spec.entries import LibraryEntry
from zoo.spec.index import Row
from zoo.spec.listing import Listing, names, used, uses, year


@dataclass(frozen=True, slots=True)
class Listed:
    """A model of the library, as a line of the list."""

    entry: LibraryEntry
    row: Row

    @property
    def name(self) -> str:
        """How a command names it: `zaremba-lm@medium`."""
        return self.entry.name if self.row.variant is None else f"{self.entry.name}@{self.row.variant}"

    @property
    def parameters(self) -> int | None:
        return self.row.parameters

    @property
    def macs(self) -> int | None:
        return self.row.macs

    @property
    def year(self) -> int | None:
        return year(self.row.paper)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "variant": self.row.variant,
            "parameters": self.parameters,
            "macs": self.macs,
            "description": self.row.description,
            "tags": list(self.row.tags),
            "paper": self.row.paper,
            "year": self.year,
            "components": list(self.row.components),
            "distribution": self.entry.distribution,
            "version": self.entry.version,
            "path": str(self.entry.path),
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the models of a list have in common.

    Attributes:
        pattern: Which their names match, or which is in their names.
        tags: All of which they have.
        needs: Names of components, all of which they use.
    """

    pattern: str = "*"
    tags: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def _glob(self) -> str:
        return self.pattern if set(self.pattern) & set("*?[") else f"*{self.pattern}*"

    def may_hold(self, name: str) -> bool:
        """Whether one of the models of a spec of this name may be wanted, so that it has to be read."""
        return fnmatchcase(name, self._glob.partition("@")[0])

    def among(self, found: Listing) -> tuple[list[Listed], list[Listed]]:
        """Those whose name is wanted, and those of them that have the rest."""
        models = [Listed(entry, row) for entry, row in found.rows]
        # Without a variant in it, a pattern means whole files.
        if "@" in self.pattern:
            models = [model for model in models if fnmatchcase(model.name, self._glob)]
        return models, [model for model in models if self._takes(model.row)]

    def _takes(self, row: Row) -> bool:
        return set(self.tags) <= set(row.tags) and all(uses(row, name) for name in self.needs)

    def missed(self, models: Sequence[Listed]) -> str:
        """Why none of these, whose name is wanted, has the rest."""
        rows = [model.row for model in models]
        if not rows:
            hint = did_you_mean(self.pattern, names()) or "; `zoo list` shows them all"
            return f"no spec of the library is called {self.pattern!r}{hint}"
        known = sorted({each for row in rows for each in row.tags})
        for tag in self.tags:
            if tag not in known:
                return f"no spec has the tag {tag!r}{did_you_mean(tag, known) or '; tags: ' + ', '.join(known)}"
        for name in self.needs:
            if not any(uses(row, name) for row in rows):
                return _unused(name, rows)
        wanted = [*(f"the tag {tag!r}" for tag in self.tags), *(f"the component {name!r}" for name in self.needs)]
        return f"no spec has {' and '.join(wanted)} together"


def _unused(name: str, rows: Sequence[Row]) -> str:
    """Of a component that none of the models has: whether there is one of that name at all."""
    from zoo.plugin.manager import catalogue
    from zoo.spec.schema import KINDS

    known = [one for kind in KINDS for one in catalogue().all(kind)]
    if any(name in (one.qualified, one.record.name) for one in known):
        return f"no spec uses the component {name!r}; `zoo list` shows them all"
    offered = {*used(rows), *(one.record.name for one in known)}
    hint = did_you_mean(name, offered) or "; `zoo components` shows them all"
    return f"unknown component {name!r}{hint}"
