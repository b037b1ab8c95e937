"""Names that a new plugin cannot have, because something that is installed has them."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable

from zoo.errors import ZooError
from zoo.plugin.manager import catalogue
from zoo.scaffold.names import Names
from zoo.spec import library


def refuse_taken(found: Names, kind: str, specs: Iterable[str]) -> None:
    """Raise a ZooError where the plugin's name, its component's or one of its specs' is taken.

    Args:
        found: The new plugin's names.
        kind: Of its component; "specs" has none.
        specs: What follows the plugin's name in those of its specs.
    """
    name, known = found.name, catalogue()
    if kind == "layer" and name == "recurrent":
        raise ZooError("'recurrent' is the format's own kind of layer: choose another name")
    for offer in known.all(kind):
        if offer.record.name == name:
            origin = f"{offer.distribution} {offer.version}"
            raise ZooError(f"{kind} {name!r} exists already, from {origin}: choose another name")
    for plugin in known.plugins:
        if name == plugin.name or found.distribution == plugin.distribution:
            raise ZooError(f"{plugin} is installed already: choose another name")
    try:
        version = importlib.metadata.version(found.distribution)
    except importlib.metadata.PackageNotFoundError:
        pass
    else:
        raise ZooError(f"{found.distribution} {version} is installed already: choose another name")
    planned = {f"{name}-{one}" for one in specs}
    for entry in library.entries():
        if entry.name in planned:
            origin = f"{entry.distribution} {entry.version}"
            raise ZooError(f"the spec {entry.name!r} exists already, from {origin}: choose another name")
