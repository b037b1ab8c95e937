from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporary_site import Site


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site folder on this process's path; what is imported from it goes again."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.delenv("ZOO_PLUGINS", raising=False)
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    yield Site(folder)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]
