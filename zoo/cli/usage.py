"""A command that is used wrongly is one line on standard error, and help shows no type where there is no value."""

from __future__ import annotations

import re
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from zoo.cli.output import note
from zoo.errors import did_you_mean


def run(app: typer.Typer) -> Any:
    """Run the application. Gives the exit status, or None for 0; errors of the commands themselves come through."""
    try:
        return app(prog_name="zoo", standalone_mode=False)
    except typer.Abort:
        note("zoo: aborted")
        return 1
    except Exception as error:
        # The parser's errors have no public base class; a command without arguments shows its help instead.
        status = getattr(error, "exit_code", None)
        if not hasattr(error, "format_message") or status is None:
            raise
        if type(error).__name__ != "NoArgsIsHelpError":
            note(f"zoo: {_line(error)}")
        return status


def _line(error: Any) -> str:
    """What is wrong, what was probably meant, and where to read on."""
    context = getattr(error, "ctx", None)
    text = " ".join(str(error.format_message()).split()).rstrip(".")
    option = getattr(error, "option_name", None)
    if option is not None and text.startswith("No such option"):
        text = f"no such option {option!r}"
        known = [name for param in context.command.get_params(context) for name in param.opts] if context else []
        text += did_you_mean(option, [name for name in known if name.startswith("--")])
    unknown = re.match(r"No such command '([^']*)'", text)
    if unknown is not None and context is not None:
        text = f"no such command {unknown[1]!r}" + did_you_mean(unknown[1], context.command.list_commands(context))
    text = re.sub(r"Invalid value for '?([^']*)'?: Input should be ", r"\1 must be ", text)
    text = re.sub(r"must be (greater|less) than or equal to ", _bound, text)
    text = re.sub(r"must be a valid (\w+), unable to parse .*", _kind, text)
    where = "" if context is None else f" (see `{context.command_path} --help`)"
    return f"{text[:1].lower()}{text[1:]}{where}"


def _kind(found: re.Match[str]) -> str:
    return f"must be {'an' if found[1] == 'integer' else 'a'} {found[1]}"


def _bound(found: re.Match[str]) -> str:
    return f"must be at {'least' if found[1] == 'greater' else 'most'} "


class _Flags:
    """The options of a command; a flag takes no value, so that help shows no type for it."""

    def get_params(self, ctx: Any) -> list[Any]:
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if getattr(param, "is_flag", False) and param.metavar is None:
                param.metavar = ""
        return params


class Command(_Flags, TyperCommand):
    pass


class _Group(_Flags, TyperGroup):
    pass


def without_types_of_flags(app: typer.Typer) -> None:
    """Have every command and group of an application show no type for its flags."""
    app.info.cls = _Group
    for command in app.registered_commands:
        if command.cls is None or not issubclass(command.cls, Command):
            command.cls = Command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            without_types_of_flags(group.typer_instance)
