"""How a bug gets into the code: by a replacement that is given the original, or by other words in its source."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from zoo.testing.bugs import importers, rewritten

Patch = pytest.MonkeyPatch


def around(patch: Patch, owner: Any, name: str, wrong: Callable[..., Any]) -> None:
    """Replace owner.name by `wrong`, which is given the original first."""
    original = getattr(owner, name)

    def replaced(*args: Any, **kwargs: Any) -> Any:
        return wrong(original, *args, **kwargs)

    patch.setattr(owner, name, replaced)


def edit(patch: Patch, owner: Any, name: str, right: str, wrong: str) -> None:
    """Write the function owner.name anew with `wrong` in place of `right`, which must stand in its source once.

    For a bug that no call can be put around. A function that no longer says `right` needs its bug planted anew.
    """
    function = getattr(owner, name)
    made = rewritten(function, right, wrong)
    for holder in [owner] if inspect.isclass(owner) else importers(function):
        patch.setattr(holder, name, made)
