"""Commands that start something: `zoo new spec` and `zoo new plugin`. None imports torch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from zoo.cli.completion import cell_names
from zoo.cli.output import note, write
from zoo.cli.usage import Command
from zoo.errors import ZooError

LINES: Final = "zoo.lines"
"""Where a run of the command keeps lines in other languages."""


def register(app: typer.Typer) -> None:
    new = typer.Typer(help="Write the files of a new spec or plugin.", no_args_is_help=True)
    new.command("spec", cls=FromLanguages, epilog="Example: [bold]zoo new spec my-model --cell gru[/]")(spec)
    new.command("plugin", epilog="Example: [bold]zoo new plugin acme --kind head --licence MIT[/]")(plugin)
    new.callback()(lambda: None)
    app.add_typer(new, name="new")


class FromLanguages(Command):
    """A command with one option for each language that a plugin reads. They are looked up when it is used."""

    def get_params(self, ctx: Any) -> Any:
        from zoo.spec.foreign import languages

        found = languages().items()
        return [*super().get_params(ctx), *(_from(name, language.record.summary) for name, language in found)]


def _from(name: str, summary: str) -> Any:
    """The option of a language, made as typer makes those of a command's arguments."""

    def remember(context: typer.Context, line: str | None) -> None:
        if line is not None:
            context.meta.setdefault(LINES, {})[name] = line

    option = typer.Option(
        f"--from-{name}",
        metavar="LINE",
        help=f"Write the spec that a line says. {summary}".strip(),
        expose_value=False,
        callback=remember,
    )

    def only(line: str | None = None) -> None: ...

    only.__annotations__["line"] = Annotated[str | None, option]
    app = typer.Typer(add_completion=False)
    app.command()(only)
    made = typer.main.get_command(app).params[0]
    made.name = f"from_{name}"  # what is given is kept under it, and there may be several languages
    return made


def spec(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="The model's name; the file is NAME.yaml.")] = None,
    cell: Annotated[str, typer.Option(help="The cell that the spec uses.", autocompletion=cell_names)] = "lstm",
    folder: Annotated[Path, typer.Option(help="Folder to write the file to.")] = Path(),
) -> None:
    """Write a small example spec, or what a line in another language says. An existing file is never overwritten."""
    from zoo.spec.template import write_new

    lines: dict[str, str] = context.meta.get(LINES, {})
    if len(lines) > 1:
        raise ZooError(f"{' and '.join(f'--from-{one}' for one in sorted(lines))} cannot be given together")
    if lines:
        from zoo.spec.foreign import languages, write_from

        ((language, line),) = lines.items()
        if getattr(context.get_parameter_source("cell"), "name", "DEFAULT") != "DEFAULT":
            raise ZooError(f"--cell cannot be given beside --from-{language}: the line says the cells")
        path = write_from(languages()[language], line, name or language, folder)
    elif name is None:
        raise ZooError("missing argument 'NAME' (see `zoo new spec --help`)")
    else:
        path = write_new(name, cell, folder)
    write(f"wrote {path}; look at it with: zoo summary {path}")


def _kinds(incomplete: str) -> list[str]:
    from zoo.scaffold.kinds import KINDS

    return [kind for kind in KINDS if kind.startswith(incomplete)]


def _licences(incomplete: str) -> list[str]:
    from zoo.scaffold.kinds import LICENCES

    return [licence for licence in LICENCES if licence.startswith(incomplete)]


def plugin(
    name: Annotated[str, typer.Argument(help="The plugin's name, and its component's; the package is zoo-NAME.")],
    kind: Annotated[
        str, typer.Option(help="'cell', 'layer', 'head', 'input', or 'specs' for specs only.", autocompletion=_kinds)
    ] = "cell",
    folder: Annotated[Path, typer.Option(help="Folder to create the package's folder in.")] = Path(),
    licence: Annotated[
        str | None,
        typer.Option(
            help="'MIT', 'BSD-3-Clause', 'Apache-2.0' or 'none'; asked for on a terminal.", autocompletion=_licences
        ),
    ] = None,
) -> None:
    """Write a complete package with one component, a spec and passing tests. An existing folder is never changed."""
    import shlex

    from zoo.scaffold.kinds import LICENCES
    from zoo.scaffold.package import checked, write_package

    checked(name, kind, licence, folder)  # before anything is asked
    asked = licence is not None or sys.stdin.isatty()
    made = write_package(name, kind, licence or (_chosen(LICENCES) if asked else LICENCES[0]), folder)
    what = "specs" if kind == "specs" else f"the {kind} {made.names.name!r}"
    write(f"wrote {made.folder}, a package with {what}, tests, and the spec {made.specs[0]}; next:")
    write(f"  cd {shlex.quote(str(made.folder))}")
    write("  pip install -e '.[dev]'")
    write(f"  pytest && zoo summary {made.specs[0]}")
    if not asked:
        note(f"the licence is {LICENCES[0]}, as this is not a terminal; --licence chooses one of {', '.join(LICENCES)}")


def _chosen(licences: tuple[str, ...]) -> str:
    """The licence that somebody types, whole or its beginning; the first one for an empty line."""
    while True:
        sys.stderr.write(f"licence: {', '.join(licences)} [{licences[0]}]? ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise ZooError("no licence was chosen, and nothing was written")
        typed = line.strip().lower()
        found = [licence for licence in licences if licence.lower().startswith(typed)]
        if len(found) == 1 or not typed:
            return found[0]
        note(f"{line.strip()!r} is none of them")
