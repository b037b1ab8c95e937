"""A process that knows the given plugins alone, whatever is installed: for tests of plugins."""

from __future__ import annotations

import contextlib
import importlib.metadata
from collections.abc import Iterator
from typing import Any

from zoo.errors import PluginError
from zoo.plugin.catalogue import Catalogue, normalise
from zoo.plugin.loading import Source
from zoo.plugin.manager import given, isolated, using


@contextlib.contextmanager
def isolated_plugins(*plugins: Any) -> Iterator[Catalogue]:
    """While the block runs, only the built-in components and those of these plugins are there.

    Nothing is discovered: asking for what is installed is an error inside. A plugin that does not work is an error at
    once, rather than a line in a list.

    Args:
        *plugins: Modules, or any objects with hooks as their methods. A module's name stands for its distribution's,
            `zoo_acme` for `zoo-acme`, with the version that is installed, or 0; `zoo.plugin.manager.given` makes one
            with another name or version.

    Yields:
        The catalogue of what is there.

    Raises:
        PluginError: If a plugin does not work. It says why.

    Example:
        >>> with zoo.testing.isolated_plugins():
        ...     model = zoo.build("lstm", seed=0)
    """
    found = isolated(*(plugin if isinstance(plugin, Source) else _named(plugin) for plugin in plugins))
    for plugin in found.plugins:
        if plugin.status != "ok":
            raise PluginError(plugin.trouble)
    with using(found, sealed=True):
        yield found


def _named(plugin: Any) -> Source:
    if isinstance(plugin, str | type):
        raise PluginError(f"a plugin is a module, or an object with hooks as its methods, not {plugin!r:.60}")
    name = normalise((getattr(plugin, "__name__", None) or type(plugin).__name__).partition(".")[0])
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        version = "0"
    return given(plugin, distribution=name, version=version)
