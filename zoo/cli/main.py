"""The command `zoo`: the list of commands, and what happens to errors. A command's own imports wait until it runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from zoo.cli import bench, components, convert, doctor, models, new, specs, usage
from zoo.cli.output import note
from zoo.errors import SpecError, ZooError

app = typer.Typer(
    name="zoo",
    help="Recurrent models from YAML specs: list, show, validate, summarise and test them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (specs, new, models, doctor, convert, components, bench):
    module.register(app)
usage.without_types_of_flags(app)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("recurrent-zoo"))
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", help="Print the version and exit.", is_eager=True, callback=_version
    ),
) -> None:
    """What stands before a command; its help is the application's."""


def main() -> None:
    """Run the command line. Exit status: 0 good, 1 a check failed, 2 the input is wrong, 130 interrupted."""
    if sys.stdout is None or sys.stderr is None:  # closed by the shell: zoo list >&-
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
            _finish(_run())
    _finish(_run())


def _finish(status: int | str | None) -> None:
    """End with this status once all output is out."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
    except OSError as error:
        status = _refused(error)
        _drop_output()
    sys.exit(status)


def _run() -> int | str | None:
    try:
        return usage.run(app)  # type: ignore[no-any-return]
    except SystemExit as end:
        return end.code
    except SpecError as error:
        note(str(error))
        return error.exit_status
    except ZooError as error:
        note(f"zoo: {error}")
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has left, as `head` does; nothing is wrong.
        _drop_output()
    except OSError as error:
        return _refused(error)
    return 0


def _refused(error: OSError) -> int:
    what = error.filename or "the output cannot be written"
    note(f"zoo: {what}: {error.strerror or error}")
    return 2


def _drop_output() -> None:
    """Python flushes standard output once more as it ends, which must not fail a second time."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
