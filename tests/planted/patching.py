"""How a bug gets into the code: by a replacement that is given the original, or by other words in its source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from zoo.testing.bugs import plain, rewritten

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
    function = plain(getattr(owner, name))
    made = rewritten(function, right, wrong)
    for part in ("__code__", "__defaults__", "__kwdefaults__"):
        patch.setattr(function, part, getattr(made, part))
