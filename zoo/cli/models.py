"""Commands that build a model, and so import torch: summary and test."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.completion import check_names, devices, engines, spec_names
from zoo.cli.output import note, progress, write, write_json
from zoo.cli.specs import Json, SpecArgument
from zoo.errors import CheckFailure, ZooError


def register(app: typer.Typer) -> None:
    app.command("summary", epilog="Example: [bold]zoo summary specs/lstm.yaml --seq-len 100[/]")(summary)
    app.command("test", epilog="Example: [bold]zoo test lstm zaremba-lm --check chunked[/]")(hold)


def summary(
    spec: SpecArgument,
    batch_size: Annotated[int, typer.Option(min=1, help="Rows of the random input.")] = 3,
    seq_len: Annotated[int, typer.Option(min=1, help="Time steps of the random input.")] = 15,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, mps or meta; chosen by size if not given.", autocompletion=devices)
    ] = None,
    depth: Annotated[int, typer.Option(min=1, help="Levels of modules to show.")] = 3,
    as_json: Json = False,
) -> None:
    """A model's modules, shapes, parameters and cost."""
    from zoo.spec import library

    found = library.load(spec).spec  # before torch is imported: a mistake shows at once
    from zoo.summaries import summarise

    result = summarise(found, batch_size=batch_size, seq_len=seq_len, device=device, depth=depth)
    if as_json:
        write_json(result.to_json())
    else:
        write(str(result))


def hold(
    specs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SPEC]...",
            help="Names, paths or folders; all of the library if none is given.",
            autocompletion=spec_names,
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda or mps; the one available if not given.", autocompletion=devices)
    ] = None,
    engine: Annotated[
        str,
        typer.Option(help="How recurrences run: auto, fused, linear, loop, compile or scan.", autocompletion=engines),
    ] = "auto",
    check: Annotated[
        list[str] | None, typer.Option(help="Run only this check; may be repeated.", autocompletion=check_names)
    ] = None,
    slow: Annotated[bool, typer.Option("--slow", help="Run the slow checks too.")] = False,
    as_json: Json = False,
) -> None:
    """Hold models to the contract: a spec's name covers its variants too. Exit status 1 if a check fails."""
    from zoo.spec import library

    references: list[str | Path] = []
    for name in specs or [entry.qualified for entry in library.entries()]:
        references += library.files_in(name) or [name]
    models = [model.spec for reference in references for model in library.models(reference)]
    if not models:
        raise ZooError("there is no spec to test")
    from zoo.checks.run import check as run

    reports = []
    for model in progress(models, "testing"):
        reports.append(run(model, device=device, engine=engine, checks=check, slow=slow))
        if not as_json:
            write(str(reports[-1]))
    if as_json:
        write_json([report.to_json() for report in reports])
    else:
        counts = {what: sum(getattr(r, what) for r in reports) for what in ("passed", "skipped", "failed")}
        write(
            f"{len(reports)} {'model' if len(reports) == 1 else 'models'}: "
            + ", ".join(f"{count} {what}" for what, count in counts.items())
        )
    failed = [report for report in reports if not report.ok]
    if failed:
        names_of = ", ".join(report.name for report in failed)
        note(f"zoo: the contract does not hold for {names_of}")
        raise typer.Exit(CheckFailure.exit_status)
