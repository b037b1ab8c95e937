from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from environments import Environment, create
from running import ROOT, build_wheel
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


@pytest.fixture(scope="session")
def user_environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """This project's wheel, what it declares, pip, and what builds a plugin that is installed to be edited."""
    folder = tmp_path_factory.mktemp("user")
    return create(folder, [build_wheel(ROOT, folder)], tools=("hatchling", "editables"), with_pip=True)
