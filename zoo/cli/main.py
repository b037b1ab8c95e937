"""The command `zoo`: the list of commands, and what happens to errors. A command's own imports wait until it runs."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import typer
from typer.models import CommandInfo

from zoo.cli import bench, components, convert, doctor, generate, listed, models, new, shown, specs, usage, weights
from zoo.cli.output import alone, guarded, note
from zoo.errors import SpecError, ZooError, one_line

app = typer.Typer(
    name="zoo",
    help="Recurrent models from YAML specs: list, show, validate, summarise and test them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (listed, shown, specs, new, models, generate, doctor, convert, weights, components, bench):
    module.register(app)
usage.without_types_of_flags(app)


def _commands(part: typer.Typer) -> Iterator[CommandInfo]:
    yield from part.registered_commands
    for group in part.registered_groups:
        if group.typer_instance is not None:
            yield from _commands(group.typer_instance)


for command in _commands(app):
    if command.callback is not None:
        command.callback = alone(command.callback)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("recurrent-zoo"))
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: bool = typer.Option(
        False, "--version", help="Print the version and exit.", is_eager=True, callback=_version
    ),
    root: str | None = typer.Option(
        None,
        metavar="FOLDER",
        help="Refuse specs outside this folder, except the library's. Same as the environment variable ZOO_SPEC_ROOT.",
    ),
) -> None:
    """What stands before a command; its help is the application's."""
    if root is not None:
        context.with_resource(_confined(root))


@contextlib.contextmanager
def _confined(root: str) -> Iterator[None]:
    """By the environment, which other processes of the command have too."""
    before = os.environ.get("ZOO_SPEC_ROOT")
    os.environ["ZOO_SPEC_ROOT"] = str(Path(root).absolute())
    try:
        yield
    finally:
        if before is None:
            del os.environ["ZOO_SPEC_ROOT"]
        else:
            os.environ["ZOO_SPEC_ROOT"] = before


def main() -> None:
    """Run the command line. Exit status: 0 good, 1 a check failed or specs differ, 2 wrong input, 130 interrupted."""
    if sys.stdout is None or sys.stderr is None:  # closed by the shell: zoo list >&-
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
            sys.exit(_status())
    sys.exit(_status())


def _status() -> int | str | None:
    """What the command line ends with, once all output is out."""
    with guarded():
        status = _run()
        try:
            sys.stdout.flush()
        except OSError as error:
            status = _refused(error)
            _drop_output()
        return status


def _run() -> int | str | None:
    try:
        return usage.run(app)  # type: ignore[no-any-return]
    except SystemExit as end:
        return end.code
    except SpecError as error:
        note(str(error))
        return error.exit_status
    except ZooError as error:
        note(f"zoo: {' '.join(str(error).splitlines())}")
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        return _refused(error)
    except MemoryError:
        note("zoo: not enough memory")
        return 2
    except Exception as error:
        if _is_memory(error):
            note(f"zoo: not enough memory: {one_line(str(error).splitlines()[0])}")
            return 2
        note("".join(traceback.format_exception(error)).rstrip())
        return 1
    return 0


def _is_memory(error: Exception) -> bool:
    """Whether torch, which has no error of its own for it on a CPU, got no memory."""
    return isinstance(error, RuntimeError) and re.search("allocate memory|out of memory", str(error)) is not None


def _refused(error: OSError) -> int:
    what = error.filename or "the output cannot be written"
    note(f"zoo: {one_line(str(what))}: {error.strerror or error}")
    return 2


def _drop_output() -> None:
    """Python flushes standard output once more as it ends, which must not fail a second time."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
