"""The command that shows a model: on one screen, as its spec, or as a picture. It imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zoo import atomic
from zoo.cli.output import table, write, write_json
from zoo.cli.specs import Changes, Json, SpecArgument
from zoo.errors import ZooError, one_line

if TYPE_CHECKING:
    from zoo.spec.resolve import Resolved


def register(app: typer.Typer) -> None:
    app.command("show", epilog="Example: [bold]zoo show zaremba-lm@medium --svg picture.svg[/]")(show)


def show(
    spec: SpecArgument,
    source: Annotated[bool, typer.Option("--source", help="Show the file as it is written.")] = False,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Show the canonical form, with the origin of each value.")
    ] = False,
    svg: Annotated[
        Path | None,
        typer.Option("--svg", metavar="FILE", help="Write a picture of the architecture to this file instead."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a picture that exists.")] = False,
    changes: Changes = None,
    as_json: Json = False,
) -> None:
    """Show what a model is: its source, its layers with their sizes, and its cost. --json gives the canonical form."""
    from zoo.spec import library
    from zoo.spec.changes import of_texts
    from zoo.spec.document import recorded

    chosen = {"--source": source, "--resolved": resolved, "--svg": svg is not None}
    given = [option for option, is_given in chosen.items() if is_given]
    if len(given) > 1:
        raise ZooError(f"{' and '.join(given)} are different ways to show a spec: choose one")
    if source and changes:
        raise ZooError("--source shows a file as it is written, and --set changes nothing in it: leave one out")
    with recorded() as files:
        found = library.load(spec, changes=of_texts(changes or ()))
    if svg is not None:
        _draw(found, svg, force=force, inputs=[Path(file) for file in files])
    elif as_json:
        from zoo.spec.dump import to_data

        write_json(to_data(found.spec))
    elif resolved:
        from zoo.spec.dump import annotated

        write(annotated(found.spec, found.origins))
    elif source:
        path, variant = library.locate(spec)
        write(f"# {_origin(path)}" + (f", variant {variant}" if variant else ""))
        write(path.read_text(encoding="utf-8-sig").rstrip("\n"))
    else:
        _card(found, spec)


def _draw(found: Resolved, file: Path, *, force: bool, inputs: list[Path]) -> None:
    from zoo.browse.svg import drawn

    atomic.check_free([file], force=force, inputs=inputs)
    atomic.write(file, drawn(found.spec).encode(), force=force)
    write(str(file))


def _card(found: Resolved, reference: str) -> None:
    from zoo.browse import card
    from zoo.spec import library

    spec = found.spec
    path, _ = library.locate(reference)
    known = [
        ("paper", spec.paper),
        ("tags", ", ".join(spec.tags)),
        ("requires", ", ".join(spec.requires)),
        ("variants", ", ".join(name for name in library.read_all(path) if name)),
        ("file", _origin(path)),
    ]
    write(spec.id)
    if spec.description:
        write(one_line(spec.description))
    write("")
    for name, text in known:
        if text:
            write(f"{name:<18}{one_line(text)}")
    write("")
    table(card.COLUMNS, card.rows(spec), right=card.NUMBERS)
    if card.folds(spec):
        write("A line that says N x has the figures of all N, and so have the lines inside it.")
    write("")
    for name, text in card.totals(spec, found.description):
        write(f"{name:<18}{text}")


def _origin(path: Path) -> str:
    """A spec's file, and the distribution of the library that it is in."""
    from zoo.spec import library

    source = next((entry for entry in library.entries() if entry.path == path), None)
    return f"{path} ({source.distribution} {source.version})" if source else str(path)
