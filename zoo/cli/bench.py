"""Commands that measure: `zoo bench startup`. What is measured runs in processes of its own, so none imports torch."""

from __future__ import annotations

from typing import Annotated

import typer

from zoo.cli.output import progress, table, write, write_json
from zoo.cli.specs import Json


def register(app: typer.Typer) -> None:
    bench = typer.Typer(help="Measure how fast it is, here.", no_args_is_help=True)
    bench.command("startup", epilog="Example: [bold]zoo bench startup --rounds 20[/]")(startup)
    bench.callback()(lambda: None)
    app.add_typer(bench, name="bench")


def startup(
    rounds: Annotated[int, typer.Option(min=1, help="How often each command is run.")] = 10,
    as_json: Json = False,
) -> None:
    """How long commands take to start, beside the bare imports that they cannot do without."""
    from zoo.bench.startup import measure

    found = measure(rounds, lambda several: progress(several, "measuring"))
    if as_json:
        write_json(found.to_json())
        return
    table(
        ("command", "seconds", "beside", "seconds", "figure", "quartiles", "goal", "met"),
        (result.row() for result in found.results),
        right=("seconds", "figure", "quartiles", "goal"),
    )
    for line in found.remarks():
        write(line)
