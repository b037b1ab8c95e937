"""The cells that wait for their specs, which is when they are registered, as those of a plugin for these tests."""

from __future__ import annotations

import types
from collections.abc import Iterator
from functools import cache

import pytest
from waiting import WAITING

from zoo.components import CellType
from zoo.plugin.catalogue import Catalogue
from zoo.plugin.hookspecs import hookimpl
from zoo.plugin.manager import given, isolated, using


@hookimpl
def zoo_cells() -> list[CellType]:
    return list(WAITING)


@cache
def known() -> Catalogue:
    holder = types.ModuleType("zoo_waiting")
    holder.zoo_cells = zoo_cells  # type: ignore[attr-defined]
    return isolated(given(holder, distribution="zoo-waiting"))


@pytest.fixture(autouse=True)
def _waiting() -> Iterator[None]:
    assert [plugin.status for plugin in known().plugins] == ["ok", "ok"]
    with using(known()):
        yield
