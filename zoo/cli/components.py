"""Commands about what is installed: components, plugins, schema. None imports torch."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from zoo import atomic
from zoo.cli.completion import SORTS, component_kinds, plugin_names, sorts
from zoo.cli.output import is_terminal, note, table, write, write_json
from zoo.cli.specs import Json
from zoo.errors import ZooError, did_you_mean, one_of

if TYPE_CHECKING:
    from pydantic import BaseModel

    from zoo.components import Description
    from zoo.plugin.catalogue import Catalogue, Plugin

_SHOWN: Final = 8
"""Names of one kind in a row of the table; `zoo components` and `--json` have them all."""
_NARROW: Final = 110
"""Columns of a terminal below which half as many are shown."""
_SLOW: Final = 0.25
"""Seconds to load from which a plugin is said to be slow."""


def register(app: typer.Typer) -> None:
    app.command("components", epilog="Example: [bold]zoo components --kind cell[/]")(components)
    app.command("plugins", epilog="Example: [bold]zoo plugins --traceback acme[/]")(plugins)
    app.command("schema", epilog="Example: [bold]zoo schema > spec.schema.json[/]")(schema)


def components(
    kind: Annotated[
        str | None, typer.Option(help="Show only this kind: cell, head, ...", autocompletion=component_kinds)
    ] = None,
    sort: Annotated[str, typer.Option(help="Sort by 'name', or cells by 'parameters'.", autocompletion=sorts)] = "name",
    as_json: Json = False,
) -> None:
    """List the components that a spec can name, with their options and origin.

    Of cells also the cost at one size, 64 features in and 64 out.
    """
    from zoo.plugin.manager import catalogue
    from zoo.spec.schema import KINDS

    one_of("--sort", sort, SORTS)
    if sort == "parameters" and kind != "cell":
        raise ZooError("--sort parameters compares cells: add --kind cell")
    if kind is not None and kind not in KINDS:
        raise ZooError(f"unknown kind {kind!r}{did_you_mean(kind, KINDS) or '; kinds: ' + ', '.join(KINDS)}")
    known = catalogue()
    found = [one for each in ([kind] if kind else KINDS) for one in known.all(each)]
    costs = _costs(known) if kind == "cell" else {}
    if sort == "parameters":
        found.sort(key=lambda one: costs[one.qualified].parameters if one.qualified in costs else math.inf)
    if as_json:
        write_json(
            [
                {
                    "kind": one.record.kind,
                    "name": one.record.name,
                    "qualified": one.qualified,
                    "summary": one.record.summary,
                    "paper": one.record.paper,
                    "authority": one.record.authority,
                    "options": _options(one.record.options),
                    **_cost_of(costs.get(one.qualified)),
                    "distribution": one.distribution,
                    "version": one.version,
                }
                for one in found
            ]
        )
        return
    if kind == "cell":
        table(
            ("name", *COSTS.values(), "summary", "paper", "from"),
            (
                (
                    known.spelling(one),
                    *_said_of(costs.get(one.qualified)),
                    one.record.summary,
                    one.record.paper or "",
                    f"{one.distribution} {one.version}",
                )
                for one in found
            ),
            right=tuple(COSTS.values()),
        )
        return
    table(
        ("kind", "name", "options", "summary", "from"),
        (
            (
                one.record.kind,
                known.spelling(one),  # a name that a spec can write
                ", ".join(one.record.options.model_fields),
                one.record.summary,
                f"{one.distribution} {one.version}",
            )
            for one in found
        ),
    )


COSTS: Final = {
    "parameters": "parameters",
    "macs_per_step": "multiply-adds",
    "state_bytes": "state bytes",
    "sequential_depth": "depth",
}


def _costs(known: Catalogue) -> dict[str, Description]:
    from zoo.spec.comparable import rows

    found = rows(known.all("cell"), known)
    return {name: row.description for name, row in found.items() if row.description is not None}


def _cost_of(cell: Description | None) -> dict[str, int]:
    """A cell's figures by the keys of `COSTS`; state in float32."""
    if cell is None:
        return {}
    state = sum(math.prod(shape) for shape in cell.state.values())
    figures = (cell.parameters, cell.macs_per_step, 4 * state, cell.sequential_depth)
    return dict(zip(COSTS, figures, strict=True))


def _said_of(cell: Description | None) -> list[str]:
    figures = _cost_of(cell)
    return [f"{figures[key]:,}" if figures else "unknown" for key in COSTS]


def _options(options: type[BaseModel]) -> dict[str, Any]:
    """Each option's JSON Schema; an empty one where an option is of a type that JSON has no words for."""
    from pydantic.errors import PydanticUserError

    try:
        found: dict[str, Any] = options.model_json_schema().get("properties", {})
    except PydanticUserError:
        return {name: {} for name in options.model_fields}
    return found


def plugins(
    traceback: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Show the full traceback of this broken plugin.", autocompletion=plugin_names
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the installed plugins: what each provides, how long it took to load, and why one does not work."""
    from zoo.plugin.manager import catalogue

    known = catalogue()
    found = known.plugins
    for text in known.notes:
        note(text)
    if traceback is not None:
        named = [plugin for plugin in found if traceback in (plugin.name, plugin.distribution)]
        if not named:
            raise ZooError(f"no plugin {traceback!r}; installed: {', '.join(plugin.name for plugin in found)}")
        for plugin in named:
            write(plugin.traceback.rstrip() or (f"{plugin} has no error" if plugin.status == "ok" else plugin.trouble))
        return
    if as_json:
        write_json(
            [
                {
                    "name": plugin.name,
                    "distribution": plugin.distribution,
                    "version": plugin.version,
                    "module": plugin.module,
                    "status": plugin.status,
                    "cause": plugin.cause,
                    "notes": list(plugin.notes),
                    "load_seconds": round(plugin.load_seconds, 6),
                    "provides": {kind: list(names) for kind, names in plugin.provides.items()},
                }
                for plugin in found
            ]
        )
        return
    narrow = is_terminal() and shutil.get_terminal_size().columns < _NARROW
    shown = _SHOWN // 2 if narrow else _SHOWN
    table(
        ("plugin", "from", "status", "load ms", "provides"),
        (
            (
                plugin.name,
                f"{plugin.distribution} {plugin.version}",
                plugin.status,
                f"{1000 * plugin.load_seconds:.1f}",
                "; ".join(_said(plugin, shown)),
            )
            for plugin in found
        ),
        right=("load ms",),
    )
    idle = [plugin.name for plugin in found if plugin.status in ("broken", "incompatible")]
    if idle:
        note(
            f"{len(idle)} of {len(found)} do not work: {', '.join(idle)}; zoo plugins --traceback NAME says why in full"
        )


def _said(plugin: Plugin, most: int) -> Iterator[str]:
    """What a plugin provides, or why it does not, and what its user should know."""
    for kind, names in plugin.provides.items():
        shown = names if len(names) <= most else (*names[: most - 1], f"and {len(names) - most + 1} more")
        yield f"{kind}: {', '.join(shown)}"
    if plugin.cause:
        yield plugin.cause
    yield from plugin.notes
    if plugin.load_seconds > _SLOW:
        yield f"every command waits {plugin.load_seconds:.1f} s for it"


def schema(
    output: Annotated[Path | None, typer.Option(help="Write it to this file instead of printing it.")] = None,
    weights: Annotated[bool, typer.Option("--weights", help="That of maps of weights instead.")] = False,
) -> None:
    """Print the JSON Schema (draft 7) of the spec format, with all installed components, for editors."""
    import json

    from zoo.plugin.manager import catalogue
    from zoo.spec.schema import json_schema

    if weights:
        from zoo.weights.map_file import json_schema as of_maps

        data = of_maps()
    else:
        data = json_schema(catalogue())
    if output is None:
        write_json(data)
        return
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    atomic.write(output, text.encode(), force=True)  # a file that was named
