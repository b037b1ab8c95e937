"""The facts beside the Python names: hooks, the command line, checks, components and their options, pytest, ..."""

from __future__ import annotations

import ast
import functools
import inspect
import json
import re
import tomllib
import typing
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pluggy
import typer.main
from api_facts import Fact, read, write
from api_python import PythonNames
from api_types import spelled
from pydantic import BaseModel
from pydantic.json_schema import PydanticJsonSchemaWarning

import zoo
from zoo.cli.main import app
from zoo.components import API_VERSION
from zoo.plugin import hookspecs
from zoo.plugin.discovery import GROUP
from zoo.plugin.manager import isolated
from zoo.renamed import RENAMED
from zoo.spec.file import SCHEMA_VERSION, ExpectEntry, SpecFile
from zoo.spec.model import RecurrentEntry
from zoo.spec.rates import DropoutEntry
from zoo.spec.schema import KINDS
from zoo.testing import pytest_plugin

ROOT = Path(__file__).parents[2]
VARIABLE = re.compile(r"ZOO_[A-Z]+")
FILES: Mapping[str, type[BaseModel]] = {
    "spec": SpecFile,
    "spec layer": RecurrentEntry,
    "spec dropout": DropoutEntry,
    "spec expect": ExpectEntry,
}


def public_facts() -> dict[str, Fact]:
    """Everything that is public, as the code says it now. What is installed beside this package is no matter."""
    parts = (_deprecated(), _hooks(), _command("zoo", typer.main.get_command(app)), _checks(), _format(), _around())
    found = PythonNames().collect() | {subject: fact for part in parts for subject, fact in part}
    return read(write(found))


def _deprecated() -> Iterator[tuple[str, Fact]]:
    for name, entry in zoo._DEPRECATED.items():
        yield f"deprecated zoo.{name}", Fact("until", type=f"use {entry.instead}", default=entry.removed_in)
    for owner, members in RENAMED.items():
        for old, renamed in members.items():
            yield (
                f"deprecated zoo.{owner}.{old}",
                Fact("until", type=f"use {renamed.instead}", default=renamed.removed_in),
            )


def _hooks() -> Iterator[tuple[str, Fact]]:
    manager = pluggy.PluginManager("zoo")
    manager.add_hookspecs(hookspecs)
    for name, caller in manager.hook.__dict__.items():
        if isinstance(caller, pluggy.HookCaller):
            assert caller.spec is not None
            options = [option for option in ("firstresult", "historic") if caller.spec.opts[option]]
            returns = str(inspect.get_annotations(caller.spec.function)["return"])
            yield f"hook {name}", Fact("hook", type=" ".join([returns, *options]))
            for argument in caller.spec.argnames:
                yield f"hook {name}({argument})", Fact("hook argument")


def _command(name: str, command: Any) -> Iterator[tuple[str, Fact]]:
    """A command, its options by every flag, its arguments by their number, and the commands below it."""
    yield name, Fact("hidden command" if command.hidden else "command")
    hints = typing.get_type_hints(inspect.unwrap(command.callback)) if command.callback else {}
    index = 0
    for one in command.params:
        # typer's own options, as --install-completion, are none of the function's.
        typed = spelled(hints[one.name]) if one.name in hints else ""
        default = (
            None if one.required else repr(one.default).replace("PosixPath", "Path").replace("WindowsPath", "Path")
        )
        flags = [*one.opts, *one.secondary_opts]
        if flags[0].startswith("-"):
            for flag in flags:
                yield f"{name} {flag}", Fact("option", type=typed, default=default)
        else:
            yield f"{name} [{index}]", Fact("command argument", type=typed, default=default)
            index += 1
    for below, inner in getattr(command, "commands", {}).items():
        yield from _command(f"{name} {below}", inner)


def _checks() -> Iterator[tuple[str, Fact]]:
    for provided in isolated().checks:
        yield f"check {provided.record.name}", Fact("check", default="slow" if provided.record.slow else "always")


def _format() -> Iterator[tuple[str, Fact]]:
    """What a spec file can say."""
    yield "spec", Fact("version", default=str(SCHEMA_VERSION))
    yield "spec layer", Fact("entry")
    for name, model in FILES.items():
        yield from _keys(name, model)
    for kind in KINDS:
        for provided in isolated().all(kind):
            yield f"{kind} {provided.record.name}", Fact("component")
            yield from _keys(f"{kind} {provided.record.name}", provided.record.options)


def _keys(name: str, model: type[BaseModel]) -> Iterator[tuple[str, Fact]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PydanticJsonSchemaWarning)  # of defaults that JSON has no words for
        schema = model.model_json_schema(by_alias=True)
    for key, found in schema.get("properties", {}).items():
        default = None if key in schema.get("required", ()) else json.dumps(found.pop("default", None))
        yield f"{name} {key}", Fact("key", type=json.dumps(_bare(found), sort_keys=True), default=default)


def _bare(schema: Any) -> Any:
    """A schema without what only people read."""
    if isinstance(schema, dict):
        return {key: _bare(value) for key, value in schema.items() if key not in ("description", "title")}
    return [_bare(one) for one in schema] if isinstance(schema, list) else schema


def _around() -> Iterator[tuple[str, Fact]]:
    yield "plugin API", Fact("version", default=str(API_VERSION))
    yield f"entry points {GROUP}", Fact("group")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    yield "distribution", Fact("name", default=project["name"])
    groups = {"console_scripts": project["scripts"], **project.get("entry-points", {})}
    for group, entries in groups.items():
        for entry in entries:
            yield f"entry point {group} {entry}", Fact("entry point")
    for name in _variables():
        yield f"environment {name}", Fact("variable")
    yield from _pytest_options()


@functools.cache
def _variables() -> frozenset[str]:
    """Names of environment variables, wherever in the package they stand. Read once: it is what takes longest."""
    return frozenset(
        node.value
        for path in (ROOT / "zoo").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and VARIABLE.fullmatch(node.value)
    )


class _Options:
    """Takes the place of pytest's parser, to hear what is asked of it."""

    def __init__(self) -> None:
        self.found: list[tuple[str, Fact]] = []

    def getgroup(self, name: str, description: str) -> _Options:
        return self

    def addoption(self, *names: str, **attributes: Any) -> None:
        default = repr(attributes.get("default"))
        self.found += [
            (f"pytest {name}", Fact("option", type=attributes.get("action", "store"), default=default))
            for name in names
        ]


def _pytest_options() -> list[tuple[str, Fact]]:
    options = _Options()
    pytest_plugin.pytest_addoption(options)  # type: ignore[arg-type]
    return options.found
