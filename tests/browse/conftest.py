"""A command run in this process, in an empty folder, with built-in components and a block that holds layers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from browse_support import ROOT, Said, Zoo

from zoo.cli.main import main
from zoo.plugin import manager
from zoo.plugin.manager import given, isolated

sys.path[:0] = [str(ROOT / "tests" / "spec"), str(ROOT / "plugins" / "zoo-seq2seq" / "src")]

import nested  # noqa: E402

import zoo_seq2seq  # noqa: E402


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> manager.Catalogue:
    """Of the built-in components, a block, and an encoder with a decoder."""
    found = isolated(
        given(nested.Plugin(), name="nested", distribution="zoo-nested", version="1"),
        given(zoo_seq2seq, name="seq2seq", distribution="zoo-seq2seq", version="0.1"),
    )
    monkeypatch.setattr(manager, "_current", found)
    return found


@pytest.fixture
def zoo(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    catalogue: manager.Catalogue,
) -> Zoo:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return Said(out, err, int(end.value.code or 0))

    return run
