"""What is installed: every plugin, what it provides, and which names a spec may write for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from zoo.components import Provided, ProvidedCheck, ProvidedLanguage
from zoo.errors import ZooError, did_you_mean, nearest
from zoo.plugin.requirements import why_missing

BUILTIN: Final = "recurrent-zoo"
UNPACKAGED: Final = "unpackaged"
"""In place of a distribution, of a component that this process has and no package: no file can name it."""
"""The distribution whose components' names are reserved."""

MAPS: Final = "weights"
"""The folder in a folder of specs that holds maps of weights, and no specs."""

Status = Literal["ok", "broken", "incompatible", "disabled"]
_Offer = TypeVar("_Offer", Provided, ProvidedCheck)
_SHOWN: Final = 20
"""Names that a message lists; of a kind that has more, it says how to see them."""
_COMPARED: Final = 60
_REMEMBERED: Final = 1000
_DISTRIBUTION: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,58}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class SpecFolder:
    """A folder of spec files, and who provided it."""

    path: Path
    distribution: str
    version: str

    @property
    def specs(self) -> list[Path]:
        """Every spec in it, sorted."""
        maps = self.path / MAPS
        return [path for path in sorted(self.path.rglob("*.yaml")) if not path.is_relative_to(maps)]

    @property
    def maps(self) -> list[Path]:
        """Every map of weights in it, sorted."""
        return sorted((self.path / MAPS).rglob("*.yaml"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """One plugin as it was found. Only what an "ok" one offers can be used.

    Attributes:
        name: Its entry point's.
        distribution: Normalised, as in `zoo-acme`.
        module: What the entry point names.
        cause: One line on why it is not "ok".
        traceback: The same in full, where there is one.
        notes: What its user should know although it works.
        load_seconds: How long the import and the hooks took.
        components: What its hooks returned; of a plugin that is not "ok", as far as they came.
        checks: What its hooks returned; of a plugin that is not "ok", as far as they came.
        languages: What its hooks returned; of a plugin that is not "ok", as far as they came.
        spec_folders: What its hooks returned; of a plugin that is not "ok", as far as they came.
    """

    name: str
    distribution: str
    version: str
    module: str
    status: Status = "ok"
    cause: str = ""
    traceback: str = ""
    notes: tuple[str, ...] = ()
    load_seconds: float = 0.0
    components: tuple[Provided, ...] = ()
    checks: tuple[ProvidedCheck, ...] = ()
    languages: tuple[ProvidedLanguage, ...] = ()
    spec_folders: tuple[SpecFolder, ...] = ()

    def __str__(self) -> str:
        return f"plugin {self.name} ({self.distribution} {self.version})"

    @property
    def trouble(self) -> str:
        """The plugin, its status and the cause, on one line."""
        return f"{self} is {self.status}: {self.cause}"

    @property
    def offered(self) -> dict[str, tuple[str, ...]]:
        """Sorted names by kind, whether they can be used or not."""
        names: dict[str, list[str]] = {}
        offers: tuple[Provided | ProvidedCheck | ProvidedLanguage, ...] = (
            *self.components,
            *self.checks,
            *self.languages,
        )
        for offer in offers:
            names.setdefault(offer.record.kind, []).append(offer.record.name)
        return {kind: tuple(sorted(names[kind])) for kind in sorted(names)}

    @property
    def provides(self) -> Mapping[str, tuple[str, ...]]:
        """Sorted names by kind, those of its spec files under "spec"; empty unless the plugin is "ok"."""
        if self.status != "ok":
            return {}
        specs = sorted(path.stem for folder in self.spec_folders for path in folder.specs)
        return {**self.offered, "spec": tuple(specs)} if specs else self.offered


def normalise(distribution: str) -> str:
    """One spelling for each distribution: `Zoo_Acme` is `zoo-acme`."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


@dataclass(frozen=True)
class Catalogue:
    """Every plugin, sorted by name with the built-in one first, and what can be used of them.

    Attributes:
        notes: What the user should know about the installation as a whole.
    """

    plugins: tuple[Plugin, ...]
    notes: tuple[str, ...] = ()

    def find(self, kind: str, name: str) -> Provided:
        """The component that a spec means by a name: `lstm`, `acme` or `zoo-acme/acme`.

        Raises:
            ZooError: no such component, or two plugins offer it; says what would be right.
        """
        return self._found(self._components.get(kind, {}), self.all(kind), kind, name)

    def find_check(self, name: str) -> ProvidedCheck:
        """The check of a name; the rules and the errors are those of `find`."""
        return self._found(self._checks, self.checks, "check", name)

    def all(self, kind: str) -> tuple[Provided, ...]:
        """Every component of a kind, sorted by name, then by distribution."""
        return self._by_kind.get(kind, ())

    def names(self, kind: str) -> tuple[str, ...]:
        """Every name that a spec may write for a component of a kind, sorted: bare where it has one meaning."""
        return tuple(sorted(self._components.get(kind, {})))

    def spelling(self, offer: Provided | ProvidedCheck) -> str:
        """The shortest name that means this component or check: bare where that has one meaning."""
        kind, name = offer.record.kind, offer.record.name
        bare = self._checks.get(name) if kind == "check" else self._components.get(kind, {}).get(name)
        return name if bare is offer else offer.qualified

    @cached_property
    def checks(self) -> tuple[ProvidedCheck, ...]:
        """Every check: the built-in ones in their own order, then those of plugins by distribution and name."""
        found = [check for plugin in self._usable for check in plugin.checks]
        own = [check for check in found if check.distribution == BUILTIN]
        others = [check for check in found if check.distribution != BUILTIN]
        return (*own, *sorted(others, key=lambda check: (check.distribution, check.record.name)))

    @cached_property
    def languages(self) -> tuple[ProvidedLanguage, ...]:
        """Every language that a spec can be written from, sorted by name, then by distribution."""
        found = [language for plugin in self._usable for language in plugin.languages]
        return tuple(sorted(found, key=lambda language: (language.record.name, language.distribution)))

    @cached_property
    def spec_folders(self) -> tuple[SpecFolder, ...]:
        """Every folder of spec files, in the order of the plugins."""
        return tuple(folder for plugin in self._usable for folder in plugin.spec_folders)

    def why_missing(self, requirement: str) -> str | None:
        """Why an entry of a spec's `requires`, as in `zoo-acme>=0.2`, is not met and how to mend it; None if it is."""
        asked = self._requirements
        if requirement not in asked:
            if len(asked) >= _REMEMBERED:
                asked.clear()
            idle = {plugin.distribution: plugin.trouble for plugin in self.plugins if plugin.status != "ok"}
            asked[requirement] = why_missing(requirement, self._versions, idle)
        return asked[requirement]

    @cached_property
    def _versions(self) -> dict[str, str]:
        """Of the plugins' distributions, and of others that were looked up."""
        return {plugin.distribution: plugin.version for plugin in self.plugins}

    @cached_property
    def _requirements(self) -> dict[str, str | None]:
        """What `why_missing` found: looking a version up takes a millisecond, and many specs ask for the same."""
        return {}

    @property
    def _usable(self) -> tuple[Plugin, ...]:
        return tuple(plugin for plugin in self.plugins if plugin.status == "ok")

    @cached_property
    def _by_kind(self) -> dict[str, tuple[Provided, ...]]:
        kinds: dict[str, list[Provided]] = {}
        for plugin in self._usable:
            for offer in plugin.components:
                kinds.setdefault(offer.record.kind, []).append(offer)
        return {
            kind: tuple(sorted(offers, key=lambda offer: (offer.record.name, offer.distribution)))
            for kind, offers in kinds.items()
        }

    @cached_property
    def _components(self) -> dict[str, dict[str, Provided]]:
        return {kind: _spellings(offers) for kind, offers in self._by_kind.items()}

    @cached_property
    def _checks(self) -> dict[str, ProvidedCheck]:
        return _spellings(self.checks)

    def _found(self, known: Mapping[str, _Offer], offers: tuple[_Offer, ...], kind: str, name: str) -> _Offer:
        distribution, slash, bare = name.rpartition("/")
        found = known.get(name) or (known.get(f"{normalise(distribution)}/{bare}") if slash else None)
        if found is not None:
            return found
        clashing = [repr(offer.qualified) for offer in offers if offer.record.name == name]
        if clashing:
            count = "two" if len(clashing) == 2 else str(len(clashing))
            article = "an" if kind[0] in "aeiou" else "a"
            raise ZooError(f"{count} plugins offer {article} {kind} {name!r}: write {' or '.join(clashing)}")
        shown = name if len(name) <= _COMPARED else f"{name[: _COMPARED - 3]}..."
        raise ZooError(f"unknown {kind} {shown!r}{self._hint(known, kind, name)}")

    def _hint(self, known: Mapping[str, Any], kind: str, name: str) -> str:
        """Why a name is unknown: its plugin does not work, it is misspelt, or it is not installed."""
        distribution, _, bare = name.rpartition("/")
        distribution = normalise(distribution)
        idle = [plugin for plugin in self.plugins if plugin.status != "ok"]
        mine = [plugin for plugin in idle if distribution in ("", plugin.distribution)]
        sure = [plugin.trouble for plugin in mine if bare in plugin.offered.get(kind, ())]
        likely = [plugin.trouble for plugin in mine if distribution or bare in (plugin.name, plugin.distribution)]
        if sure or likely:
            return f"; {'; '.join(sure or likely)}"
        installed = sorted({plugin.distribution for plugin in self.plugins})
        if distribution in installed:
            return self._offered_instead(distribution, kind, bare)
        if distribution:
            meant = nearest(distribution, installed)
            if meant and f"{meant}/{bare}" in known:
                return f"; did you mean '{meant}/{bare}'?"
            if not _DISTRIBUTION.fullmatch(distribution):
                return f"; no plugin of {distribution[:_COMPARED]!r} is installed"
            if _is_there(distribution):
                return f"; {distribution} is installed, but is not a plugin"
            return f"; no plugin of {distribution!r} is installed: pip install {distribution}"
        hint = did_you_mean(name, known)
        if hint:
            return hint
        listed = [spelt for spelt in sorted(known) if "/" not in spelt or spelt.split("/")[1] not in known]
        if len(listed) > _SHOWN and kind != "check":
            hint = f"; `zoo components --kind {kind}` shows the {len(listed)} that are installed"
        else:
            hint = f"; known: {', '.join(listed)}" if listed else "; none is installed"
        unloaded = ", ".join(f"{plugin.name} is {plugin.status}" for plugin in idle)
        return f"{hint} (and {unloaded}: see zoo plugins)" if unloaded else hint

    def _offered_instead(self, distribution: str, kind: str, bare: str) -> str:
        """What a distribution that works has in place of a component that it does not offer, or not any more."""
        mine = [plugin for plugin in self._usable if plugin.distribution == distribution]
        names = sorted({name for plugin in mine for name in plugin.offered.get(kind, ())})
        meant = nearest(bare, names)
        if meant is not None:
            return f"; did you mean '{distribution}/{meant}'?"
        version = next((plugin.version for plugin in self.plugins if plugin.distribution == distribution), "?")
        more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        listed = f"no {kind} but {', '.join(names[:_SHOWN])}{more}" if names else f"no {kind}"
        return f"; {distribution} {version} offers {listed}"


def _is_there(distribution: str) -> bool:
    """Whether it is installed, whatever it is."""
    import importlib.metadata

    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _spellings(offers: Iterable[_Offer]) -> dict[str, _Offer]:
    """Each name with one meaning: every qualified one, and a bare one if it is built in or only one plugin's."""
    named: dict[str, list[_Offer]] = {}
    for offer in offers:
        named.setdefault(offer.record.name, []).append(offer)
    meanings: dict[str, _Offer] = {}
    for name, rivals in named.items():
        meanings |= {rival.qualified: rival for rival in rivals}
        own = [rival for rival in rivals if rival.distribution == BUILTIN]
        if len(rivals) == 1 or own:
            meanings[name] = (own or rivals)[0]
    return meanings
