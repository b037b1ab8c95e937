"""The plugin tutorial, typed in from its first line to its last.

Always in this process, with its plugin as if it were installed; in the long run as a reader does it, in an environment
with nothing else in it. That the package it ends with can be built and installed, tests/test_strangers.py says too.

Blocks are run in order in one folder. A block that begins with a comment naming a file is that file. `sh` lines must
succeed. `console` blocks have commands behind `$ `, and what they print. The package that is there in the end is
plugins/zoo-tutorial.

To write the outputs and the package anew: ZOO_UPDATE_DOCS=1 pytest tests/docs
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from environments import Environment, create
from running import ROOT, build_wheel
from test_docs_examples import Page

from zoo.plugin import manager
from zoo.plugin.manager import isolated

PAGE = ROOT / "docs" / "plugins" / "tutorial.md"
PACKAGE = ROOT / "plugins" / "zoo-tutorial"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"(?:# |<!-- )(\S+\.(?:py|yaml|toml|md))(?: -->)?\n")
VARIES = (
    (re.compile(r"\b\d+\.\d+\.\d+[\w.+]*"), "0"),
    (re.compile(r"\bin \d+\.\d+s\b.*"), "in 0s"),
    (re.compile(r"differs by [\d.e-]+"), "differs by 0"),
)
"""Versions, times, and figures that depend on the processor."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("tutorial")
    tools = ("pytest", "hatchling", "editables")
    return create(folder, [build_wheel(ROOT, folder)], tools=tools, with_pip=True)


def plain(text: str) -> str:
    for pattern, word in VARIES:
        text = pattern.sub(word, text)
    return text


Shell = Callable[[str, Path], tuple[int, str]]
"""What a line ends with and prints, typed in a folder."""


@pytest.mark.long
def test_the_tutorial_as_a_reader_does_it(environment: Environment, tmp_path: Path) -> None:
    def shell(line: str, folder: Path) -> tuple[int, str]:
        done = environment.shell(f"{line} 2>&1", folder)
        return done.returncode, done.stdout

    from_first_to_last(shell, tmp_path)


def test_the_tutorial_from_its_first_line_to_its_last(here: Shell, tmp_path: Path) -> None:
    from_first_to_last(here, tmp_path)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """This process: what pip installs is the plugin of the folder's pyproject, imported anew."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    # Processes of their own would know only what is really installed.
    monkeypatch.setattr("zoo.checks.workers.count", lambda models, jobs: 1)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "src")
    page = Page(tmp_path)

    def forget() -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == "zoo_tutorial"]:
            del sys.modules[name]
        importlib.invalidate_caches()

    def shell(line: str, folder: Path) -> tuple[int, str]:
        program, *words = line.split()
        if program == "pip" and words[0] != "wheel":
            forget()
            manager._current = isolated()
            if words[0] == "install" and words[-1] in (".", "dist/zoo_tutorial-0.2.0-py3-none-any.whl"):
                page.plugin((folder / "pyproject.toml").read_text(encoding="utf-8"))
        elif program == "rm":
            for word in words:
                (folder / word).unlink()
        elif program == "pytest":
            forget()
            page.plugin((folder / "pyproject.toml").read_text(encoding="utf-8"))
            with contextlib.redirect_stdout(io.StringIO()) as out:
                status = pytest.main([*words, "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(folder)])
            return status, out.getvalue()
        elif program == "zoo":
            if (folder / "zoo_tutorial.py").exists():  # typed anew between two commands
                forget()
                page.plugin((folder / "pyproject.toml").read_text(encoding="utf-8"))
            return 0, page.command(line)
        else:
            assert line == "pip wheel --no-deps --wheel-dir dist .", f"{line!r} is not run by anything"
        return 0, ""

    before = manager._current
    yield shell
    manager._current = before
    forget()


def from_first_to_last(shell: Shell, folder: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    assert len(blocks) * 2 == text.count("```")
    shown: list[tuple[int, int, str]] = []
    kinds = set()
    for block in blocks:
        kind, body = block.groups()
        kinds.add(kind)
        named = NAMED.match(body)
        if kind == "sh":
            for line in body.splitlines():
                status, printed = shell(line, folder)
                assert status == 0, f"{line}\n{printed}"
        elif kind == "console":
            shown.append((*block.span(2), typed(body, shell, folder)))
        else:
            assert named is not None, f"a block that nothing is done with:\n{body}"
            file = folder / named.group(1)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(body[named.end() :], encoding="utf-8")
    assert kinds == {"sh", "console", "python", "toml", "yaml", "markdown"}
    if os.environ.get("ZOO_UPDATE_DOCS"):
        for start, end, printed in reversed(shown):
            text = text[:start] + printed + text[end:]
        PAGE.write_text(text, encoding="utf-8")
        for name, content in package(folder).items():
            (PACKAGE / name).parent.mkdir(parents=True, exist_ok=True)
            (PACKAGE / name).write_text(content, encoding="utf-8")
    else:
        for start, end, printed in shown:
            assert plain(printed) == plain(text[start:end])
    assert package(folder) == package(PACKAGE)


def typed(body: str, shell: Shell, folder: Path) -> str:
    commands = re.findall(r"^\$ (.*)$", body, re.MULTILINE)
    assert commands, "a console block without a command"
    printed = ""
    for command in commands:
        _, said = shell(command, folder)
        assert "Traceback" not in said, said
        printed += f"$ {command}\n{said}"
    return printed


def package(folder: Path) -> dict[str, str]:
    """The files of a package, apart from what is made of them and what the page does not need."""
    made = {"dist", "build", "__pycache__", ".pytest_cache", "wrong.yaml", "py.typed", ".mypy_cache", ".ruff_cache"}
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not made & set(path.relative_to(folder).parts)
    }
