"""Commands that measure: `zoo bench startup`, `engine` and `cells`. What they measure is imported when they run."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli import completion
from zoo.cli.output import is_terminal, note, progress, table, write, write_json
from zoo.cli.specs import Json
from zoo.cli.tables import GAP


def register(app: typer.Typer) -> None:
    bench = typer.Typer(help="Measure speed and memory on this machine.", no_args_is_help=True)
    bench.command("startup", epilog="Example: [bold]zoo bench startup --rounds 20[/]")(startup)
    bench.command("engine", epilog="Example: [bold]zoo bench engine --suite kernels --only '*/small/*'[/]")(engine)
    bench.command("cells", epilog="Example: [bold]zoo bench cells --only '*gru*' --sort training[/]")(cells)
    bench.callback()(lambda: None)
    app.add_typer(bench, name="bench")


def startup(
    rounds: Annotated[int, typer.Option(min=1, help="Number of runs of each command.")] = 10,
    as_json: Json = False,
) -> None:
    """Measure how long commands take to start, against the bare imports that they need."""
    from zoo.bench.startup import measure

    found = measure(rounds, lambda several: progress(several, "measuring"))
    if as_json:
        write_json(found.to_json())
        return
    _wide_table(
        ("command", "seconds", "baseline", "seconds", "result", "quartiles", "goal", "met"),
        (result.row() for result in found.results),
        right=("seconds", "result", "quartiles", "goal"),
    )
    for line in found.remarks():
        write(line)


def engine(
    suite: Annotated[
        list[str] | None,
        typer.Option(
            help="Run only this suite; may be repeated.",
            autocompletion=completion.suites,
        ),
    ] = None,
    only: Annotated[
        str | None, typer.Option(help="Run only benchmarks whose name matches, as in 'lstm/small'.")
    ] = None,
    rounds: Annotated[
        int, typer.Option(min=1, help="Undisturbed measurement rounds of each benchmark, if time allows.")
    ] = 10,
    seconds: Annotated[
        float, typer.Option(min=0, help="Approximate total time in seconds; at least three rounds are run.")
    ] = 480,
    threads: Annotated[int, typer.Option(min=1, help="Number of threads that torch uses.")] = 1,
    plot: Annotated[Path | None, typer.Option(help="Plot the results to this file: .svg, .pdf or .png.")] = None,
    as_list: Annotated[bool, typer.Option("--list", help="List the benchmarks and their goals, and exit.")] = False,
    as_json: Json = False,
) -> None:
    """Measure the speed of models against torch.nn and other installed libraries, in turn in one process."""
    from zoo.bench.contests import chosen, installed
    from zoo.bench.suites import registry

    heats = chosen(registry.heats(suite or ()), only)
    if as_list:
        contests = [contest for heat in heats for contest in heat.contests]
        if as_json:
            write_json([contest.to_json() for contest in contests])
        else:
            table(("benchmark", "baseline", "goal"), ((each.name, each.beside, each.bound) for each in contests))
        return
    if plot is not None:
        from zoo.bench import plot as picture

        picture.check(plot)
    able, skipped = installed(heats)
    from zoo.bench.engine import measure

    found = measure(
        able,
        rounds=rounds,
        seconds=seconds,
        threads=threads,
        skipped=skipped,
        progress=lambda several: progress(several, "measuring"),
    )
    if as_json:
        write_json(found.to_json())
    else:
        _wide_table(
            ("benchmark", "ms", "baseline", "ms", "ratio", "quartiles", "rounds", "goal", "met"),
            (result.row() for result in found.results),
            right=("ms", "ratio", "quartiles", "rounds", "goal"),
        )
        for line in found.remarks():
            write(line)
    if plot is not None:
        picture.draw(found, plot)
        note(f"drawn: {plot}")


def cells(
    only: Annotated[
        str | None,
        typer.Option(help="Measure only cells whose name matches, as in 'min*'.", autocompletion=completion.cell_names),
    ] = None,
    sort: Annotated[
        str,
        typer.Option(help="Sort by name, parameters, forward or training.", autocompletion=completion.cell_sorts),
    ] = "name",
    batch: Annotated[int, typer.Option(min=1, help="Batch size of the input.")] = 16,
    steps: Annotated[int, typer.Option(min=1, help="Number of time steps of the input.")] = 64,
    rounds: Annotated[
        int, typer.Option(min=1, help="Undisturbed measurement rounds of each cell, if time allows.")
    ] = 10,
    seconds: Annotated[
        float, typer.Option(min=0, help="Approximate total time in seconds; at least three rounds are run.")
    ] = 300,
    threads: Annotated[int, typer.Option(min=1, help="Number of threads that torch uses.")] = 1,
    as_json: Json = False,
) -> None:
    """Measure each cell at one size: parameters, time relative to the LSTM, memory; forward and training."""
    from zoo.bench import cells as bench
    from zoo.plugin.manager import catalogue

    bench.ordered((), sort)  # a mistake shows before minutes are spent
    found = bench.measure(
        catalogue(),
        only=only,
        batch=batch,
        steps=steps,
        rounds=rounds,
        seconds=seconds,
        threads=threads,
        progress=lambda several: progress(several, "measuring"),
    )
    if as_json:
        write_json(found.to_json())
        return
    _wide_table(bench.COLUMNS, (row.cells() for row in bench.ordered(found.rows, sort)), right=bench.COLUMNS[1:])
    for line in found.remarks():
        write(line)


def _wide_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str]) -> None:
    """A table of many columns. On a terminal that is too narrow for them it goes on below, by the same first column."""
    lines = [tuple(row) for row in rows]
    if not is_terminal():
        table(columns, lines, right=right)
        return
    widths = [max(map(len, texts)) for texts in zip(columns, *lines, strict=True)]
    for number, chosen in enumerate(_blocks(widths, shutil.get_terminal_size().columns)):
        if number:
            write("")
        picked = [columns[index] for index in chosen]
        table(picked, ([line[index] for index in chosen] for line in lines), right=right)


def _blocks(widths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Which columns stand side by side: as many as fit beside the first, and at least one."""
    block, used = [0], widths[0]
    for index, width in enumerate(widths[1:], start=1):
        if len(block) > 1 and used + GAP + width > most:
            yield block
            block, used = [0], widths[0]
        block.append(index)
        used += GAP + width
    yield block
