"""The command that looks at how a model starts: `zoo doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from zoo.cli.output import table, write, write_json
from zoo.cli.specs import Changes, Json, SpecArgument


def register(app: typer.Typer) -> None:
    app.command("doctor", epilog="Example: [bold]zoo doctor lstm --length 100[/]")(doctor)


def doctor(
    spec: SpecArgument,
    length: Annotated[
        list[int] | None, typer.Option(min=2, help="Number of steps to follow gradients back in time; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed of the parameters and the input.")] = 0,
    changes: Changes = None,
    as_json: Json = False,
) -> None:
    """Examine an untrained model: gradients over many steps, saturated gates, dead units, denormal numbers."""
    from zoo import api
    from zoo.spec import library
    from zoo.spec.changes import of_texts

    found = api.doctor(library.load(spec, changes=of_texts(changes or ())).spec, lengths=length or (64, 512), seed=seed)
    if as_json:
        write_json(found.to_json())
        return
    columns = found.columns()
    table(columns, (layer.cells() for layer in found.layers), right=columns[2:])
    for line in found.verdict():
        write(line)
