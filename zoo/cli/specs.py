"""Commands about spec files: validate, diff. None imports torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.cli import completion
from zoo.cli.completion import spec_names
from zoo.cli.output import progress, table, write, write_json
from zoo.errors import Diagnostic, SpecError, one_of

SpecArgument = Annotated[
    str,
    typer.Argument(metavar="SPEC", help="A path, a library name or a variant (name@size).", autocompletion=spec_names),
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Another value in place of the spec's, as hidden_size=30 or layers.0.hidden_size=30; may be repeated.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    app.command("validate", epilog="Example: [bold]zoo validate specs my-model.yaml --format github[/]")(validate)
    app.command("diff", epilog="Example: [bold]zoo diff gru lstm[/]")(diff)


def validate(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Files, folders or library names.", autocompletion=spec_names)
    ],
    format: Annotated[
        str,
        typer.Option(
            help="Output format: 'text', 'json', or 'github' for annotations.", autocompletion=completion.formats
        ),
    ] = "text",
    changes: Changes = None,
) -> None:
    """Check specs and maps of weights, and report every mistake with its position. Exit status 2 if there is one."""
    from zoo.spec import library
    from zoo.spec.changes import of_texts
    from zoo.spec.document import is_map
    from zoo.weights import maps

    one_of("--format", format, completion.FORMATS)
    made = of_texts(changes or ())
    files = [file for path in paths for file in _files(path)]
    found: list[Diagnostic] = []
    wrong = count = 0
    for file in progress(files, "validating"):
        try:
            if is_map(file):
                count += 1
                maps.check(maps.read(file))
            else:
                library.read_all(file, changes=made)
        except SpecError as error:
            found += error.diagnostics
            wrong += 1
    found = list(dict.fromkeys(found))
    if format == "json":
        keys = ("file", "line", "column", "code", "message")
        write_json([{key: getattr(d, key) for key in keys} for d in found])
    elif format == "github":
        for d in found:
            place = f"file={_escape_property(d.file)},line={max(d.line, 1)},col={max(d.column, 1)}"
            write(f"::error {place}::{_escape(d.message)}")
    else:
        for d in found:
            write(str(d))
        specs = _counted(len(files) - count, count)
        mistakes = "1 mistake" if len(found) == 1 else f"{len(found)} mistakes"
        write(f"{mistakes} in {wrong} of {specs}" if found else f"{specs} valid")
    if found:
        raise typer.Exit(2)


def _counted(specs: int, maps: int) -> str:
    """What was looked at, each by its name."""
    said = [f"{n} {name}{'s' * (n != 1)}" for n, name in ((specs, "spec"), (maps, "map")) if n]
    return " and ".join(said)


def _escape(text: str) -> str:
    """As GitHub's workflow commands want it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    """The same for what stands between commas in front of the text."""
    return _escape(text).replace(":", "%3A").replace(",", "%2C")


def _files(path: str) -> list[Path]:
    from zoo.spec import library

    return library.files_in(path, maps=True) or [library.locate(path)[0]]


def diff(a: SpecArgument, b: SpecArgument, as_json: Json = False) -> None:
    """Show what differs between two specs, in their layers, parameters and cost. Exit status 1 if anything does."""
    from zoo.spec import library
    from zoo.spec.compare import compare

    left, right = library.load(a), library.load(b)
    rows = compare(left, right)
    if as_json:
        write_json([row.to_json() for row in rows])
    elif not rows:
        write(f"{left.spec.id} and {right.spec.id} are equal")
    else:
        heads = ("key", "change", left.spec.id, right.spec.id)
        table(heads, ((row.key, row.change, _cell(row.a), _cell(row.b)) for row in rows))
    if rows:
        raise typer.Exit(1)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return _mapping(value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _mapping(value: dict[str, Any]) -> str:
    """A layer or a component that one side has: its name, and what is said of it in a word or a number."""
    kind = value.get("cell", value.get("kind"))
    name = kind.get("kind") if isinstance(kind, dict) else kind
    others = {key: one for key, one in value.items() if key not in ("cell", "kind") and one is not False}
    plain = [f"{key} {_cell(one)}" for key, one in others.items() if isinstance(one, int | float)]
    layers = [f"{len(one)} {key}" for key, one in others.items() if isinstance(one, list)]
    return ", ".join([*([str(name).rpartition("/")[2]] if name else []), *plain, *layers]) or "yes"
