"""The catalogue of what is installed: read once per process, when it is first asked for.

This is the only global state of `zoo`.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from zoo.components import Offer
from zoo.errors import PluginError
from zoo.plugin.catalogue import BUILTIN, Catalogue, Plugin
from zoo.plugin.discovery import GROUP, discover
from zoo.plugin.loading import Source, load

_lock = threading.RLock()
_current: Catalogue | None = None
_others: tuple[tuple[Plugin, ...], tuple[str, ...]] | None = None
"""The installed plugins and the notes on them, where they were asked for before the whole catalogue."""
_loading = False
_sealed = False


def catalogue() -> Catalogue:
    """The built-in plugin and every installed one. A plugin that does not work is in it, with its cause.

    Raises:
        PluginError: asked for by a plugin while it is being loaded.
    """
    global _current
    with _lock:
        if _current is None and _others is not None and not (_loading or _sealed):
            with _reading():
                _current = _of((*load([builtin()]), *_others[0]), _others[1])
        elif _current is None or _loading:  # while loading, to be refused there
            _current = read_installed()
        return _current


def read_installed() -> Catalogue:
    """What is installed now, read afresh: `catalogue` keeps it. A module imported before is not imported again.

    Raises:
        PluginError: asked for by a plugin while it is being loaded, or where a test has closed discovery.
    """
    with _lock, _reading():
        sources, notes = discover()
        return _assemble([builtin(), *sources], notes)


def others() -> tuple[Plugin, ...] | None:
    """Every plugin but the built-in one, which takes most of the time that the whole catalogue does.

    What `catalogue` gives later has the same ones: none is loaded twice. None where the catalogue is there already,
    as in a process that was given another one.
    """
    global _others
    with _lock:
        if _current is not None or _sealed or _loading:
            return None
        if _others is None:
            with _reading():
                sources, notes = discover()
                if any(source.module.partition(":")[0].strip() == "zoo.builtin" for source in sources):
                    return None  # which of the two is the built-in one shows only when both are loaded
                _others = tuple(_without_twins(load(sources))), tuple(notes)
        return _others[0]


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """While plugins are loaded, none of them may ask for the catalogue."""
    global _loading
    if _sealed:
        raise PluginError("discovery is closed: only the plugins that this test was given are registered")
    if _loading:
        raise PluginError("the catalogue is not available while plugins are loaded: use it later, not at import")
    _loading = True
    try:
        yield
    finally:
        _loading = False


@contextlib.contextmanager
def using(other: Catalogue, *, sealed: bool = False) -> Iterator[Catalogue]:
    """Have the whole process use another catalogue while the block runs: for tests of plugins.

    A catalogue from `isolated` needs no installation. If `sealed`, what is installed cannot even be asked
    for meanwhile.
    """
    global _current, _sealed
    with _lock:
        before = _current, _sealed
        _current, _sealed = other, sealed
    try:
        yield other
    finally:
        with _lock:
            _current, _sealed = before


def isolated(*sources: Source, with_builtin: bool = True) -> Catalogue:
    """A catalogue of the built-in plugin and of the given ones, whatever is installed; `given` makes a source."""
    return _assemble([*([builtin()] if with_builtin else []), *sources])


def given(plugin: Any, *, distribution: str, version: str = "0", name: str | None = None) -> Source:
    """A plugin that need not be installed.

    Args:
        plugin: A module, or any object with hooks as its methods.
        distribution: Name of its distribution.
        version: Of the distribution.
        name: Its own name. Defaults to that of the distribution.
    """
    module = getattr(plugin, "__name__", type(plugin).__name__)
    return Source(
        name=name or distribution, distribution=distribution, version=version, module=module, load=lambda: plugin
    )


ENTRY: Final = importlib.metadata.EntryPoint(name="builtin", value="zoo.builtin", group=GROUP)
"""That of the built-in plugin, written here and not in the distribution's metadata, which a source tree has none of."""


def builtin() -> Source:
    """The built-in components, found and loaded as a stranger's are: by their entry point."""
    try:
        version = importlib.metadata.version(BUILTIN)
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    return Source(
        name=ENTRY.name,
        distribution=BUILTIN,
        version=version,
        module=ENTRY.value,
        load=ENTRY.load,
    )


def _assemble(sources: Iterable[Source], notes: Iterable[str] = ()) -> Catalogue:
    return _of(load(sources), notes)


def _of(loaded: Iterable[Plugin], notes: Iterable[str]) -> Catalogue:
    plugins = _without_twins(loaded)
    rivals = _rivals(plugins)
    return Catalogue(
        tuple(replace(p, notes=(*p.notes, *_clashes(p, rivals))) if p.status == "ok" else p for p in plugins),
        tuple(notes),
    )


def _without_twins(plugins: Iterable[Plugin]) -> list[Plugin]:
    """Two plugins of one distribution cannot offer one name: nothing could tell their components apart."""
    taken: dict[tuple[str, str], Plugin] = {}
    kept = []
    for plugin in plugins:
        offers = {(offer.record.kind, offer.qualified): plugin for offer in _offers(plugin)}
        twins = sorted(offers.keys() & taken.keys())
        if plugin.status == "ok" and twins:
            kind, name = twins[0]
            cause = f"{kind} {name!r} is offered by plugin {taken[kind, name].name} of the same distribution too"
            plugin = replace(plugin, status="broken", cause=cause)
        elif plugin.status == "ok":
            taken |= offers
        kept.append(plugin)
    return kept


def _offers(plugin: Plugin) -> tuple[Offer[Any], ...]:
    return (*plugin.components, *plugin.checks, *plugin.languages)


def _rivals(plugins: Iterable[Plugin]) -> dict[tuple[str, str], list[str]]:
    """Which distributions offer each kind and name."""
    found: dict[tuple[str, str], list[str]] = {}
    for plugin in plugins:
        if plugin.status == "ok":
            for offer in _offers(plugin):
                found.setdefault((offer.record.kind, offer.record.name), []).append(offer.distribution)
    return found


def _clashes(plugin: Plugin, rivals: dict[tuple[str, str], list[str]]) -> Iterator[str]:
    """What the user must write where a plugin's name alone does not mean its component."""
    for offer in _offers(plugin) if plugin.distribution != BUILTIN else ():
        label = f"{offer.record.kind} {offer.record.name!r}"
        others = sorted(set(rivals[offer.record.kind, offer.record.name]) - {plugin.distribution})
        if BUILTIN in others:
            yield f"{label} is a built-in's name: write {offer.qualified!r}"
        elif others:
            yield f"{label} is offered by {' and '.join(others)} too: write {offer.qualified!r}"
