"""The plugin tutorial, typed in from its first line to its last, in an environment with nothing else in it.

Blocks are run in order in one folder. A block that begins with a comment naming a file is that file. `sh` lines must
succeed. `console` blocks have commands behind `$ `, and what they print. The package that is there in the end is
plugins/zoo-tutorial.

To write the outputs and the package anew: ZOO_UPDATE_DOCS=1 pytest tests/docs
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from environments import Environment, create
from running import ROOT, build_wheel

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


def test_the_tutorial_from_its_first_line_to_its_last(environment: Environment, tmp_path: Path) -> None:
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
                done = environment.shell(line, tmp_path)
                assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        elif kind == "console":
            shown.append((*block.span(2), typed(body, environment, tmp_path)))
        else:
            assert named is not None, f"a block that nothing is done with:\n{body}"
            file = tmp_path / named.group(1)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(body[named.end() :], encoding="utf-8")
    assert kinds == {"sh", "console", "python", "toml", "yaml", "markdown"}
    if os.environ.get("ZOO_UPDATE_DOCS"):
        for start, end, printed in reversed(shown):
            text = text[:start] + printed + text[end:]
        PAGE.write_text(text, encoding="utf-8")
        for name, content in package(tmp_path).items():
            (PACKAGE / name).parent.mkdir(parents=True, exist_ok=True)
            (PACKAGE / name).write_text(content, encoding="utf-8")
    else:
        for start, end, printed in shown:
            assert plain(printed) == plain(text[start:end])
    assert package(tmp_path) == package(PACKAGE)


def typed(body: str, environment: Environment, folder: Path) -> str:
    commands = re.findall(r"^\$ (.*)$", body, re.MULTILINE)
    assert commands, "a console block without a command"
    printed = ""
    for command in commands:
        done = environment.shell(f"{command} 2>&1", folder)
        assert "Traceback" not in done.stdout, done.stdout
        printed += f"$ {command}\n{done.stdout}"
    return printed


def package(folder: Path) -> dict[str, str]:
    """The files of a package, apart from what is made of them and what the page does not need."""
    made = {"dist", "build", "__pycache__", ".pytest_cache", "wrong.yaml", "py.typed", ".mypy_cache", ".ruff_cache"}
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not made & set(path.relative_to(folder).parts)
    }
