"""What the shell offers for a half-typed word: nothing, rather than a traceback, where the installation is broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from zoo.engine.names import ENGINES
from zoo.errors import ZooError

FORMS: Final = ("zoo", "torch", "keras", "onnx", "torchrecurrent")
DEVICES: Final = ("cpu", "cuda", "mps", "meta")
SORTS: Final = ("name", "parameters")
MODEL_SORTS: Final = (*SORTS, "macs", "year")
FORMATS: Final = ("text", "json", "github")


def _one_of(names: tuple[str, ...]) -> Callable[[str], list[str]]:
    def offered(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return offered


engines = _one_of(ENGINES)
forms = _one_of(FORMS)
devices = _one_of(DEVICES)
sorts = _one_of(SORTS)
model_sorts = _one_of(MODEL_SORTS)
cell_sorts = _one_of((*SORTS, "forward", "training"))
formats = _one_of(FORMATS)
nonlinearities = _one_of(("tanh", "relu"))


def suites(incomplete: str) -> list[str]:
    from zoo.bench.suites.registry import SUITES

    return [name for name in SUITES if name.startswith(incomplete)]


def spec_names(incomplete: str) -> list[str]:
    """Library names, and `name@variant` once the name is typed out."""
    try:
        if "@" in incomplete:
            from zoo.spec import library

            name = incomplete.partition("@")[0]
            offered = [f"{name}@{variant}" for variant in library.read_all(name) if variant]
        else:
            from zoo.spec.listing import names

            offered = list(names())
    except ZooError:
        return []
    return [name for name in offered if name.startswith(incomplete)]


def map_names(incomplete: str) -> list[str]:
    """The names of the library's maps of weights."""
    try:
        from zoo.plugin.manager import catalogue
        from zoo.spec.entries import maps_in

        offered = [entry.name for entry in maps_in(catalogue().spec_folders)]
    except ZooError:
        return []
    return [name for name in offered if name.startswith(incomplete)]


def tags(incomplete: str) -> list[str]:
    """The tags of the library's specs."""
    from zoo.spec.listing import listing

    found = {tag for _, row in listing().rows for tag in row.tags}
    return sorted(tag for tag in found if tag.startswith(incomplete))


def used_components(incomplete: str) -> list[str]:
    """The names of the components that the library's models are made of."""
    from zoo.spec.listing import listing, used

    return [name for name in used(row for _, row in listing().rows) if name.startswith(incomplete)]


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
