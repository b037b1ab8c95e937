"""The command that lists the models of the library. It imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from zoo.cli import completion
from zoo.cli.output import note, table, write_json
from zoo.cli.specs import Json
from zoo.errors import ZooError, one_of

if TYPE_CHECKING:
    from zoo.spec.listing import Listing
    from zoo.spec.wanted import Listed

_FIGURES: Final = {"parameters": "parameters", "macs": "multiply-adds", "year": "year"}
"""Keys of a model that are numbers, and the heads of their columns."""


def register(app: typer.Typer) -> None:
    app.command("list", epilog="Example: [bold]zoo list --tag language-model --needs tied --sort parameters[/]")(
        list_models
    )


def list_models(
    pattern: Annotated[
        str, typer.Argument(help="List only names that contain this text, or match this pattern, as in 'rnn*'.")
    ] = "*",
    tag: Annotated[
        list[str] | None,
        typer.Option(help="List only models with this tag; may be repeated.", autocompletion=completion.tags),
    ] = None,
    needs: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COMPONENT",
            help="List only models that use this cell, layer, head, ...; may be repeated.",
            autocompletion=completion.used_components,
        ),
    ] = None,
    sort: Annotated[
        str,
        typer.Option(
            help="Sort by 'name', 'parameters', 'macs' (multiply-adds per step) or 'year' (of the paper).",
            autocompletion=completion.model_sorts,
        ),
    ] = "name",
    as_json: Json = False,
) -> None:
    """List the models of the library, variants included, with their parameters, tags and origin."""
    from zoo.spec.listing import listing
    from zoo.spec.wanted import Wanted

    one_of("--sort", sort, completion.MODEL_SORTS)
    wanted = Wanted(pattern, tuple(tag or ()), tuple(needs or ()))
    found = listing(wanted.may_hold)
    named, models = wanted.among(found)
    if sort != "name":
        models.sort(key=lambda model: (getattr(model, sort) is None, getattr(model, sort)))
    if as_json:
        write_json([model.to_json() for model in models])
    elif models:
        _table(models, sort)
    _tell(found)
    if not models and not found.broken:
        raise ZooError(wanted.missed(named))


def _tell(found: Listing) -> None:
    """What is wrong with specs and plugins, behind all that could be listed."""
    for diagnostic in found.broken:
        note(str(diagnostic))
    for plugin in found.plugins:
        if plugin.status in ("broken", "incompatible"):
            note(f"plugin {plugin.name} ({plugin.distribution} {plugin.version}) is {plugin.status}: {plugin.cause}")


def _table(models: Sequence[Listed], sort: str) -> None:
    figures = list(dict.fromkeys(["parameters", *([sort] if sort in _FIGURES else [])]))
    heads = [_FIGURES[figure] for figure in figures]
    rows = (
        (
            model.name,
            *(_shown(figure, getattr(model, figure)) for figure in figures),
            ", ".join(model.row.tags),
            model.row.description,
            f"{model.entry.distribution} {model.entry.version}",
        )
        for model in models
    )
    table(("name", *heads, "tags", "description", "from"), rows, right=heads)


def _shown(figure: str, value: int | None) -> str:
    if value is None:
        return "unknown"
    return str(value) if figure == "year" else f"{value:,}"
