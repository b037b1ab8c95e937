"""Every example in the README and the docs is run, and what it prints is what the page shows.

`yaml` blocks are specs, or maps of weights. `python` blocks of a page run in order in one namespace; a `text` block behind one is what it
prints. A block of either kind that begins with `# name` is that file, for the blocks after it: specs are validated
unless their name begins with `wrong`, and tests are run. A `toml` block is a pyproject whose plugin is then there, and so
is a plugin of this repository that a valid spec requires.
In `console` blocks each line `$ zoo ...` is run and followed by its output. `sh` blocks (installing, make) are the
packaging tests' work.

To write the outputs anew: ZOO_UPDATE_DOCS=1 pytest tests/docs
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import shlex
import sys
import tomllib
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from each import each

import zoo
from zoo.cli.main import main
from zoo.plugin import manager
from zoo.plugin.manager import given, isolated
from zoo.spec.document import is_map
from zoo.weights import maps

ROOT = Path(__file__).parents[2]
ELSEWHERE = {"api.md", "plugins/tutorial.md"}
"""The page without examples, and the one that is typed in in an environment of its own."""
DOCS = ROOT / "docs"
PAGE = "page"
"""The module whose code a page's is."""
PAGES = [
    ROOT / "README.md",
    *sorted(path for path in DOCS.rglob("*.md") if path.relative_to(DOCS).as_posix() not in ELSEWHERE),
]


def of_a_cell(page: Path) -> bool:
    """Whether it is one of the many that are made from the code, and alike."""
    return page.parent.name == "cells" and page.with_suffix(".svg").exists()


BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# (\S+\.(?:yaml|py))\n")
VERSION = re.compile(r"\b\d+\.\d+\.\d+[\w.+]*")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with emptied(tmp_path, monkeypatch):
        yield tmp_path


@contextlib.contextmanager
def emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty place with the library's specs beside it, whatever plugins are installed; its modules go again."""
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    for source in sorted((ROOT / "plugins").glob("*/src")):
        monkeypatch.syspath_prepend(source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    with manager.using(isolated()):
        yield
    sys.modules.pop(PAGE, None)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if not of_a_cell(page)], ids=lambda path: str(path.relative_to(ROOT))
)
def test_every_example_runs_and_prints_what_the_page_shows(page: Path, folder: Path) -> None:
    shows(page, folder)


@each("page", [page for page in PAGES if of_a_cell(page)], ids=lambda path: path.name)
def test_every_example_of_a_cell_s_page_does(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with emptied(tmp_path, monkeypatch):
        shows(page, tmp_path)


def shows(page: Path, folder: Path) -> None:
    text = page.read_text(encoding="utf-8")
    shown = run(text, page.name, folder)
    if os.environ.get("ZOO_UPDATE_DOCS") and page.name != "format.md":  # that one is written by docs/generate.py
        for start, end, printed in reversed(shown):
            text = text[:start] + printed + text[end:]
        page.write_text(text, encoding="utf-8")
        return
    for start, end, printed in shown:
        assert VERSION.sub("0", printed) == VERSION.sub("0", text[start:end])


def run(text: str, name: str, folder: Path) -> list[tuple[int, int, str]]:
    """Run a page's blocks: where it shows an output, and what that is."""
    page = Page(folder)
    blocks = list(BLOCK.finditer(text))
    assert len(blocks) == text.count("```") / 2, "a block that is not closed, or not at the start of a line"
    assert blocks, "a page without examples"
    shown: list[tuple[int, int, str]] = []
    for index, block in enumerate(blocks):
        kind, body = block.groups()
        if kind == "yaml":
            page.spec(body)
        elif kind == "toml":
            page.plugin(body)
        elif kind == "python" and NAMED.match(body):
            page.module(body)
        elif kind == "python":
            printed = page.python(body, f"{name}:{text.count(chr(10), 0, block.start()) + 1}")
            following = blocks[index + 1] if index + 1 < len(blocks) else None
            if following is not None and following.group(1) == "text":
                shown.append((*following.span(2), printed))
            else:
                assert printed == "", "it prints, and the page does not show what"
        elif kind == "console":
            shown.append((*block.span(2), page.console(body)))
        else:
            assert kind in ("text", "sh"), f"a block of kind {kind!r} is not run by anything"
    return shown


def _namespace() -> dict[str, object]:
    """Of a module that is known by its name, as a notebook is, so that objects of its classes can be pickled."""
    module = sys.modules[PAGE] = types.ModuleType(PAGE)
    return vars(module)


@dataclass
class Page:
    """What the blocks of one page leave behind for the next."""

    folder: Path
    namespace: dict[str, object] = field(default_factory=lambda: _namespace())

    def spec(self, body: str) -> None:
        named = NAMED.match(body)
        path = self.folder / (named.group(1) if named else "unnamed.yaml")
        path.write_text(body, encoding="utf-8")
        if not path.name.startswith("wrong"):  # what is wrong with those, a command shows
            for name in re.findall(r'^requires: \["(zoo-[\w-]+)', body, re.MULTILINE):
                self.plugin((ROOT / "plugins" / name / "pyproject.toml").read_text(encoding="utf-8"))
            if is_map(path):
                maps.check(maps.read(path))
            else:
                zoo.load(path)

    def module(self, body: str) -> None:
        named = NAMED.match(body)
        assert named is not None
        path = self.folder / named.group(1)
        path.write_text(body, encoding="utf-8")
        if path.name.startswith("test_"):
            quiet = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(self.folder)]
            with contextlib.redirect_stdout(io.StringIO()) as out:
                status = pytest.main([*quiet, str(path)])
            assert status == 0, out.getvalue()
            assert re.search(r"\b[1-9]\d* passed", out.getvalue()), out.getvalue()

    def plugin(self, body: str) -> None:
        """A pyproject's plugin, as if it were installed."""
        project = tomllib.loads(body)["project"]
        ((name, module),) = project["entry-points"]["zoo.plugins"].items()
        plugin = importlib.import_module(module)
        source = given(plugin, distribution=project["name"], version=project["version"], name=name)
        manager._current = isolated(source)
        assert [one.status for one in manager._current.plugins] == ["ok", "ok"]

    def python(self, body: str, place: str) -> str:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(body, place, "exec"), self.namespace)
        return out.getvalue()

    def console(self, body: str) -> str:
        commands = re.findall(r"^\$ (.*)$", body, re.MULTILINE)
        assert commands, "a console block without a command"
        return "".join(f"$ {command}\n{self.command(command)}" for command in commands)

    def command(self, command: str) -> str:
        program, *arguments = shlex.split(command)
        assert program == "zoo", f"{command!r} is not run by anything"
        before = sys.argv
        sys.argv = [program, *arguments]
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), contextlib.suppress(SystemExit):
                main()
        finally:
            sys.argv = before
        return out.getvalue()


# The runner itself: what is wrong on a page does not pass.


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("```python\n1 / 0\n```\n", "division by zero"),
        ("```python\nprint(1)\n```\n", "the page does not show what"),
        ("```yaml\nschema: 1\nname: a\ninput: 1\n```\n", "missing key 'cell'"),
        (
            '```yaml\nschema: 1\nname: a\nrequires: ["zoo-seq2seq"]\narchitecture: seq2seq\n```\n',
            "missing key 'encoder'",
        ),
        ("```console\n$ ls\n```\n", "'ls' is not run by anything"),
        ("```bash\nzoo list\n```\n", "a block of kind 'bash' is not run by anything"),
        ("```python\n1\n", "not closed"),
        ("nothing\n", "without examples"),
        ("```python\n# test_a.py\ndef test_a():\n    assert 1 == 2\n```\n", "1 failed"),
    ],
)
def test_a_wrong_example_is_found(page: str, message: str, folder: Path) -> None:
    with pytest.raises(Exception, match=message):
        run(page, "page", folder)


def test_an_output_is_what_was_printed(folder: Path) -> None:
    text = "```python\nx = 2\n```\n```python\nprint(x)\n```\n```text\n3\n```\n"
    ((start, end, printed),) = run(text, "page", folder)
    assert (text[start:end], printed) == ("3\n", "2\n")
