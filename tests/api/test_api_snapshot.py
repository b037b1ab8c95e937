"""The code is what `public.txt` says is public: nothing that users build on changes unnoticed."""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
from api_around import public_facts
from api_breaking import breaking, changes
from api_changelog import entries, unnamed
from api_facts import SNAPSHOT, Fact, read, write
from each import each

import zoo
import zoo.nn
import zoo.testing
from zoo import components
from zoo.cli import main as cli
from zoo.plugin import hookspecs
from zoo.plugin.records import HOOKS
from zoo.testing import pytest_plugin

ROOT = Path(__file__).parents[2]
COMMITTED = read(SNAPSHOT.read_text(encoding="utf-8"))


def _command() -> ModuleType:
    """`python tests/api`, as a module."""
    spec = importlib.util.spec_from_file_location("api_command", Path(__file__).with_name("__main__.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


command = _command()
refresh = command.refresh


def test_the_code_is_what_the_snapshot_says() -> None:
    found = changes(COMMITTED, public_facts())
    if found:
        broken = sum(change.breaks for change in found)
        mend = f"{broken} of {len(found)} changes break users. If they are meant: python tests/api"
        pytest.fail("\n".join([*map(str, found), mend + " --breaking" * (broken > 0)]), pytrace=False)


def test_the_snapshot_is_as_it_would_be_written() -> None:
    assert SNAPSHOT.read_text(encoding="utf-8") == write(COMMITTED)


# What the snapshot must hold, by other ways than those that made it.


def test_every_public_name_is_there_with_everything_that_can_be_given() -> None:
    for face in (zoo, zoo.testing, zoo.nn):
        for name in face.__all__:
            assert f"{face.__name__}.{name}" in COMMITTED
            member = getattr(face, name)
            if inspect.isfunction(member):
                code = inspect.unwrap(member).__code__
                count = code.co_argcount + code.co_kwonlyargcount
                for argument in code.co_varnames[:count]:
                    assert f"{face.__name__}.{name}({argument})" in COMMITTED
            if inspect.isclass(member):
                fields = dataclasses.fields(member) if dataclasses.is_dataclass(member) else ()
                for field in [one.name for one in fields] + list(getattr(member, "_fields", ())):
                    assert COMMITTED[f"{face.__name__}.{name}.{field}"].kind == "field"


def test_every_hook_check_command_and_option_is_there() -> None:
    assert {f"hook {name}" for name in HOOKS} == {subject for subject, fact in COMMITTED.items() if fact.kind == "hook"}
    tree = ast.parse(inspect.getsource(hookspecs))
    assert {f"hook {node.name}" for node in tree.body if isinstance(node, ast.FunctionDef)} <= COMMITTED.keys()
    records = ast.parse((ROOT / "zoo" / "checks" / "records.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(records) if isinstance(node, ast.Call) and ast.unparse(node.func) == "_check"]
    names = [ast.literal_eval(call.args[0]) for call in calls]
    assert len(names) > 20
    assert {f"check {name}" for name in names} == {s for s, fact in COMMITTED.items() if fact.kind == "check"}
    for path in (ROOT / "zoo" / "cli").glob("*.py"):
        for option in re.findall(r"typer\.Option\([^)]*?\"(--[\w-]+)\"", path.read_text(encoding="utf-8")):
            assert any(subject.startswith("zoo ") and subject.endswith(f" {option}") for subject in COMMITTED), option
    assert COMMITTED["plugin API"].default == str(components.API_VERSION)
    assert {
        "entry points zoo.plugins",
        "entry point pytest11 zoo",
        "entry point console_scripts zoo",
    } <= COMMITTED.keys()
    assert {"environment ZOO_PLUGINS", "environment ZOO_DEVICE", "pytest --zoo-check"} <= COMMITTED.keys()


def test_some_facts_as_they_must_stand_there() -> None:
    assert COMMITTED["zoo.build"] == Fact("function", type="Model")
    assert COMMITTED["zoo.nn.GRU(reset_gate)"] == Fact("argument", "keyword", "Literal['after', 'before']", "'after'")
    assert COMMITTED["zoo.nn.Recurrent(num_layers)"] == Fact("argument", "position 3", "int", "1")
    assert COMMITTED["zoo.build(seed)"] == Fact("argument", "keyword", "int | None", "None")
    assert COMMITTED["zoo.StateSpec.complex"] == Fact("field", "position 1", "bool", "False")
    assert COMMITTED["zoo.CellType.deviations"] == Fact(
        "field", "keyword", "Mapping[str, str] | Callable[[Any], Mapping[str, str]]", "dict()"
    )
    assert COMMITTED["zoo.LayerOutput.final"] == Fact("field", "position 2", "Tensor | None", "None")
    assert COMMITTED["zoo.Cell.step"] == Fact("method", type="States")
    assert COMMITTED["zoo.engine.cell.States"] == Fact("alias", type="dict[str, Tensor]")
    assert COMMITTED["zoo.checks.report.Outcome.reason"] == Fact("field", "position 2", "str", "''")
    assert COMMITTED["zoo.InputError"].type == "zoo.ZooError, ValueError, Exception"
    assert COMMITTED["zoo test --check"] == Fact("option", type="list[str] | None", default="None")
    assert COMMITTED["zoo show [0]"] == Fact("command argument", type="str")
    assert COMMITTED["cell indrnn bias"] == Fact(
        "key", type='{"enum": ["one", "none"], "type": "string"}', default='"one"'
    )
    assert COMMITTED["check learns"].default == "slow"


# It bites: the code is changed, and the difference is found and judged.


def _with(function: Any, **changed: Any) -> Any:
    """A function like another whose signature has other parameters or another result."""

    def other() -> None: ...

    signature = inspect.signature(function)
    parameters = dict(signature.parameters)
    for name, made in changed.items():
        if made is None:
            del parameters[name]
        else:
            parameters[name] = made
    other.__signature__ = signature.replace(parameters=sorted(parameters.values(), key=lambda one: one.kind))  # type: ignore[attr-defined]
    other.__module__ = function.__module__
    return other


def _parameter(name: str, default: Any = inspect.Parameter.empty, annotation: Any = "int") -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _set(owner: Any, name: str, make: Any) -> Any:
    return lambda patch: patch.setattr(owner, name, make(getattr(owner, name)))


def _unlisted(name: str) -> Any:
    return _set(zoo, "__all__", lambda names: [one for one in names if one != name])


def _field(record: type, name: str, **attributes: Any) -> Any:
    def change(patch: pytest.MonkeyPatch) -> None:
        field = record.__dataclass_fields__[name]  # type: ignore[attr-defined]
        for attribute, value in attributes.items():
            patch.setattr(field, attribute, value)

    return change


def _check_renamed(patch: pytest.MonkeyPatch) -> None:
    from zoo.checks import records

    first, *others = records.CHECKS
    patch.setattr(records, "CHECKS", (components.CheckType(name="forms", run=first.run), *others))


def _without_option(patch: pytest.MonkeyPatch) -> None:
    group = typer.main.get_command(cli.app)
    command = group.commands["test"]  # type: ignore[attr-defined]
    command.params = [one for one in command.params if one.name != "slow"]
    patch.setattr(typer.main, "get_command", lambda app: group)


def _without_command(patch: pytest.MonkeyPatch) -> None:
    group = typer.main.get_command(cli.app)
    del group.commands["diff"]  # type: ignore[attr-defined]
    patch.setattr(typer.main, "get_command", lambda app: group)


def _pytest_option_renamed(patch: pytest.MonkeyPatch) -> None:
    def addoption(parser: Any) -> None:
        parser.getgroup("zoo", "").addoption("--zoo-checks", action="append", default=[])

    patch.setattr(pytest_plugin, "pytest_addoption", addoption)


BUGS = {
    "a name is gone": (_unlisted("to_yaml"), "zoo.to_yaml: function removed"),
    "a parameter is gone": (_set(zoo, "build", lambda f: _with(f, seed=None)), "zoo.build(seed): argument removed"),
    "a parameter is new and needed": (
        _set(zoo, "build", lambda f: _with(f, size=_parameter("size"))),
        "zoo.build(size): new argument that must be given",
    ),
    "a default is another": (
        _set(zoo, "build", lambda f: _with(f, engine=_parameter("engine", "loop", "str"))),
        "zoo.build(engine): default 'auto' is now 'loop'",
    ),
    "a type is narrower": (
        _set(zoo, "build", lambda f: _with(f, seed=_parameter("seed", None, "int"))),
        "zoo.build(seed): type int | None is now int",
    ),
    "a field has no default any more": (
        _field(zoo.CellType, "summary", default=dataclasses.MISSING),
        "zoo.CellType.summary: must be given now; was ''",
    ),
    "a field has another type": (
        _field(zoo.StateSpec, "learned", type="int"),
        "zoo.StateSpec.learned: type bool is now int",
    ),
    "a field cannot be given by position": (
        _field(zoo.StateSpec, "zoneout", kw_only=True),
        "zoo.StateSpec.zoneout: place position 3 is now keyword",
    ),
    "a method of cells takes more": (
        _set(zoo.Cell, "step", lambda f: _with(f, time=_parameter("time", None))),
        "zoo.Cell.step(time): new argument, which methods of subclasses do not take",
    ),
    # Taken away and put back, it would stand in another place in its class than the pages of the docs have it.
    "a method is a property": (_set(zoo.State, "detach", property), "zoo.State.detach: method has become property"),
    "an error is another": (
        lambda patch: patch.setattr(zoo.ZooError, "exit_status", 3),
        "zoo.ZooError.exit_status: default 2 is now 3",
    ),
    "a check is called otherwise": (_check_renamed, "check shapes: check removed"),
    "an option of a command is gone": (_without_option, "zoo test --slow: option removed"),
    "a command is gone": (_without_command, "zoo diff: command removed"),
    "an option of pytest is called otherwise": (_pytest_option_renamed, "pytest --zoo-check: option removed"),
    "the API is older": (
        lambda patch: patch.setattr("api_around.API_VERSION", 0),
        "plugin API: 1 is now 0",
    ),
    "entry points have another group": (
        lambda patch: patch.setattr("api_around.GROUP", "zoo.plugin"),
        "entry points zoo.plugins: group removed",
    ),
}


@pytest.fixture(scope="module")
def before() -> dict[str, Fact]:
    return public_facts()


@each("bug", BUGS)
def test_a_change_that_breaks_users_is_found(
    bug: str, before: dict[str, Fact], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant, expected = BUGS[bug]
    plant(monkeypatch)
    assert expected in [f"{change.subject}: {change.what}" for change in breaking(before, public_facts())]


def test_a_change_that_adds_is_found_and_breaks_nobody(
    before: dict[str, Fact], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert changes(before, public_facts()) == []
    monkeypatch.setattr(zoo, "build", _with(zoo.build, note=_parameter("note", None, "str | None")))
    monkeypatch.setattr(zoo, "__all__", [*zoo.__all__, "extra"])
    monkeypatch.setattr(zoo, "extra", lambda: None, raising=False)
    found = changes(before, public_facts())
    assert {change.subject for change in found} == {"zoo.build(note)", "zoo.extra"}
    assert breaking(before, public_facts()) == []


# The command that brings it up to date.

OLD = {
    "zoo.a": Fact("function", type="int"),
    "zoo.a(x)": Fact("argument", "position 0", "int"),
    "zoo.b": Fact("function"),
}
WIDER = {**OLD, "zoo.c": Fact("function")}
NARROWER = {"zoo.a": OLD["zoo.a"], "zoo.b": OLD["zoo.b"]}
LOG = "# Changes\n\n## 0.2.0\n\n### Breaking\n\n- `zoo.a` takes no `x`\n  any more.\n\n## 0.1.0\n\n- First.\n"


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    path = tmp_path / "public.txt"
    path.write_text(write(OLD), encoding="utf-8")
    return path


def test_additions_are_taken_in(snapshot: Path) -> None:
    text, status = refresh(snapshot, WIDER, "", breaking=False)
    assert (status, read(snapshot.read_text(encoding="utf-8"))) == (0, WIDER)
    assert "adds   zoo.c: new function" in text


def test_what_breaks_is_refused_unless_asked_for(snapshot: Path) -> None:
    text, status = refresh(snapshot, NARROWER, LOG, breaking=False)
    assert (status, read(snapshot.read_text(encoding="utf-8"))) == (1, OLD)
    assert "BREAKS zoo.a(x): argument removed" in text
    assert refresh(snapshot, NARROWER, LOG, breaking=True)[1] == 0
    assert read(snapshot.read_text(encoding="utf-8")) == NARROWER


@pytest.mark.parametrize(
    "log",
    [
        "",
        LOG.replace("### Breaking", "### Fixed"),
        LOG.replace("`x`", "`y`"),
        LOG.replace("`zoo.a`", "`zoo.b`"),
        "# Changes\n\n## 0.3.0\n\n- New.\n" + LOG.removeprefix("# Changes\n"),
    ],
    ids=["none", "another heading", "another argument", "another function", "an older version"],
)
def test_what_breaks_is_refused_without_an_entry_about_it(log: str, snapshot: Path) -> None:
    text, status = refresh(snapshot, NARROWER, log, breaking=True)
    assert (status, read(snapshot.read_text(encoding="utf-8"))) == (1, OLD)
    assert "no entry names zoo.a(x)" in text


def test_what_goes_with_something_larger_needs_no_entry_of_its_own() -> None:
    log = LOG.replace("`zoo.a` takes no `x`", "`zoo.a` is gone")
    assert unnamed(breaking(OLD, {"zoo.b": OLD["zoo.b"]}), log) == []
    assert [change.subject for change in unnamed(breaking(OLD, {}), log)] == ["zoo.b"]
    assert entries(LOG) == ["`zoo.a` takes no `x`\n  any more."]


def test_the_command_says_that_all_is_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["tests/api"])
    assert command.main() == 0
    assert capsys.readouterr().out == f"public.txt: {len(COMMITTED)} facts, 0 changes\n"


def test_a_line_that_is_no_fact_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        read("zoo.a  function\nzoo.a  function\n")
    with pytest.raises(ValueError, match="no fact"):
        read("zoo.a  function  int\n")
