"""Every example in the README and the docs is run, and what it prints is what the page shows.

`yaml` blocks are specs; one that begins with `# name.yaml` is written to that file for the blocks after it. `python`
blocks of a page run in order in one namespace; a `text` block behind one is what it prints. In `console` blocks each
line `$ zoo ...` is run and followed by its output. `sh` blocks (installing, make) are the packaging tests' work.

To write the outputs anew: ZOO_UPDATE_DOCS=1 pytest tests/docs
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from pathlib import Path

import pytest

import zoo
from zoo.cli.main import main

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if path.name not in ("format.md", "api.md")),
]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VERSION = re.compile(r"\d+\.\d+\.\d+[\w.+]*")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_example_runs_and_prints_what_the_page_shows(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    text = page.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    assert blocks, "a page without examples"
    replaced: list[tuple[int, int, str]] = []
    namespace: dict[str, object] = {"__name__": "__main__"}
    for index, block in enumerate(blocks):
        kind, body = block.groups()
        if kind == "yaml":
            _spec(body, tmp_path)
        elif kind == "python":
            printed = _python(body, namespace, f"{page.name}:{text.count(chr(10), 0, block.start()) + 1}")
            following = blocks[index + 1] if index + 1 < len(blocks) else None
            if following is not None and following.group(1) == "text":
                replaced.append((*following.span(2), printed))
            else:
                assert printed == "", "it prints, and the page does not show what"
        elif kind == "console":
            replaced.append((*block.span(2), _console(body)))
        else:
            assert kind in ("text", "sh", "toml"), f"a block of kind {kind!r} is not run by anything"
    if os.environ.get("ZOO_UPDATE_DOCS"):
        for start, end, printed in reversed(replaced):
            text = text[:start] + printed + text[end:]
        page.write_text(text, encoding="utf-8")
    for start, end, printed in replaced:
        assert VERSION.sub("0", printed) == VERSION.sub("0", text[start:end]) or os.environ.get("ZOO_UPDATE_DOCS")


def _spec(body: str, folder: Path) -> None:
    named = re.match(r"# (\S+\.yaml)\n", body)
    path = folder / (named.group(1) if named else "example.yaml")
    path.write_text(body, encoding="utf-8")
    if "\nschema:" in f"\n{body}" and path.stem != "wrong":  # what that one says is shown by a command
        zoo.load(path)


def _python(body: str, namespace: dict[str, object], place: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(body, place, "exec"), namespace)
    return out.getvalue()


def _console(body: str) -> str:
    shown = []
    for command in re.findall(r"^\$ (.*)$", body, re.MULTILINE):
        assert command.startswith("zoo "), f"{command!r} is not run by anything"
        shown.append(f"$ {command}\n{_zoo(command.split()[1:])}")
    assert shown
    return "".join(shown)


def _zoo(arguments: list[str]) -> str:
    out = io.StringIO()
    before = sys.argv
    sys.argv = ["zoo", *arguments]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), contextlib.suppress(SystemExit):
            main()
    finally:
        sys.argv = before
    return out.getvalue()
