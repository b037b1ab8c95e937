"""Commands that build a model, and so import torch: summary and test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli.completion import check_names, devices, engines, spec_names
from zoo.cli.output import Doing, note, write, write_json
from zoo.cli.specs import Changes, Json, SpecArgument
from zoo.errors import CheckFailure, ZooError

if TYPE_CHECKING:
    from zoo.checks.report import Report
    from zoo.checks.workers import Choice, Job


def register(app: typer.Typer) -> None:
    app.command("summary", epilog="Example: [bold]zoo summary specs/lstm.yaml --seq-len 100[/]")(summary)
    app.command("test", epilog="Example: [bold]zoo test lstm zaremba-lm --check chunked[/]")(hold)


def summary(
    spec: SpecArgument,
    batch_size: Annotated[int, typer.Option(min=1, help="Batch size of the random input.")] = 3,
    seq_len: Annotated[
        int | None,
        typer.Option(
            min=1, help="Number of time steps of the random input.", show_default="15, or what the layers need"
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, mps or meta; chosen by size if not given.", autocompletion=devices)
    ] = None,
    depth: Annotated[int, typer.Option(min=1, help="Number of module levels to show.")] = 3,
    changes: Changes = None,
    as_json: Json = False,
) -> None:
    """Show a model's modules, shapes, parameters and cost."""
    from zoo.spec import library
    from zoo.spec.changes import of_texts

    found = library.load(
        spec, changes=of_texts(changes or ())
    ).spec  # before torch is imported: a mistake shows at once
    from zoo.inspect.summary import summarise

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
            help="Names, paths or folders; the whole library if none is given.",
            autocompletion=spec_names,
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="cpu, cuda or mps; an available GPU, else the CPU, if not given.", autocompletion=devices),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            help="Engine that runs the recurrences: auto, fused, linear, loop, compile or scan.", autocompletion=engines
        ),
    ] = "auto",
    check: Annotated[
        list[str] | None, typer.Option(help="Run only this check; may be repeated.", autocompletion=check_names)
    ] = None,
    slow: Annotated[bool, typer.Option("--slow", help="Run the slow checks too.")] = False,
    jobs: Annotated[
        str, typer.Option("--jobs", "-j", help="Number of models tested in parallel, or 'auto' for one per CPU.")
    ] = "auto",
    exit_first: Annotated[
        bool, typer.Option("--exitfirst", "-x", help="Stop after the first model with a failure.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print one line for each check, with its time and details.")
    ] = False,
    traceback: Annotated[bool, typer.Option("--traceback", help="Show the traceback of each failure.")] = False,
    changes: Changes = None,
    as_json: Json = False,
) -> None:
    """Run the conformance checks on models: a spec's name covers its variants too. Exit status 1 if a check fails."""
    from zoo.checks import workers
    from zoo.checks.choice import select
    from zoo.spec import library
    from zoo.spec.changes import of_texts

    made = of_texts(changes or ())
    references: list[str | Path] = []
    for name in specs or [entry.qualified for entry in library.entries()]:
        references += library.files_in(name) or [name]
    tasks = [
        workers.Job(model.spec.id, reference, index)
        for reference in references
        for index, model in enumerate(library.models(reference, changes=made))
    ]
    if not tasks:
        raise ZooError("there is no spec to test")
    select(check, slow=slow)  # a check that is not there is known before any process is started
    choice = workers.Choice(device, engine, None if check is None else tuple(check), slow, tuple(changes or ()))
    processes = workers.count(len(tasks), jobs)
    reports: list[Report] = []
    with Doing(len(tasks), "testing") as doing:
        for report in _reports(tasks, processes, choice, doing):
            reports.append(report)
            doing.done(report.name)
            if not as_json:
                doing.clear()
                write(report.text(verbose=verbose, traceback=traceback))
            if exit_first and not report.ok:
                break
    left = len(tasks) - len(reports)
    if as_json:
        write_json([report.to_json() for report in reports])
    else:
        write(_counted(reports) + (f"; {left} not tested because of --exitfirst" if left else ""))
    failed = [report for report in reports if not report.ok]
    if failed:
        names_of = ", ".join(report.name for report in failed)
        note(f"zoo: conformance checks failed for {names_of}")
        raise typer.Exit(CheckFailure.exit_status)


def _reports(tasks: Sequence[Job], processes: int, choice: Choice, doing: Doing) -> Iterator[Report]:
    """Each model's report, in order: from this process where one is enough, so that a debugger works."""
    from zoo.checks import workers
    from zoo.spec import library

    if processes > 1:
        with contextlib.closing(workers.run(tasks, processes, choice, doing.at)) as found:
            yield from found
        return
    from zoo.checks.run import check
    from zoo.spec.changes import of_texts

    for task in tasks:
        yield check(
            library.models(task.reference, changes=of_texts(choice.changes))[task.index].spec,
            device=choice.device,
            engine=choice.engine,
            checks=choice.checks,
            slow=choice.slow,
            at=partial(doing.at, task.name),
        )


def _counted(reports: Sequence[Report]) -> str:
    counts = {what: sum(getattr(r, what) for r in reports) for what in ("passed", "skipped", "failed", "not_run")}
    shown = [f"{count} {what.replace('_', ' ')}" for what, count in counts.items() if count or what != "not_run"]
    return f"{len(reports)} {'model' if len(reports) == 1 else 'models'}: {', '.join(shown)}"
