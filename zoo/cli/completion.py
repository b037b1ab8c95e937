"""What the shell offers for a half-typed word: nothing, rather than a traceback, where the installation is broken."""

from __future__ import annotations

from zoo.errors import ZooError


def spec_names(incomplete: str) -> list[str]:
    """Library names, and `name@variant` once the name is typed out."""
    from zoo.spec import library

    try:
        if "@" in incomplete:
            name = incomplete.partition("@")[0]
            offered = [f"{name}@{variant}" for variant in library.read_all(name) if variant]
        else:
            offered = [entry.name for entry in library.entries()]
    except ZooError:
        return []
    return [name for name in offered if name.startswith(incomplete)]


def component_kinds(incomplete: str) -> list[str]:
    from zoo.spec.schema import KINDS

    return [kind for kind in KINDS if kind.startswith(incomplete)]


def cell_names(incomplete: str) -> list[str]:
    """Names of cells, as a spec can write them."""
    from zoo.plugin.manager import catalogue

    known = catalogue()
    return [name for one in known.all("cell") if (name := known.spelling(one)).startswith(incomplete)]


def check_names(incomplete: str) -> list[str]:
    from zoo.plugin.manager import catalogue

    return [check.record.name for check in catalogue().checks if check.record.name.startswith(incomplete)]


def plugin_names(incomplete: str) -> list[str]:
    from zoo.plugin.manager import catalogue

    return [plugin.name for plugin in catalogue().plugins if plugin.name.startswith(incomplete)]
