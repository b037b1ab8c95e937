"""How a bug gets into the code: by a replacement that is given the original, or by other words in its source."""

from __future__ import annotations
import __future__

import inspect
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

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
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(right) == 1, f"{right!r} stands {source.count(right)} times in {name}, expected once"
    code = compile(
        source.replace(right, wrong), f"<{name} with a planted bug>", "exec", __future__.annotations.compiler_flag
    )
    made: dict[str, Any] = {}
    exec(code, vars(sys.modules[function.__module__]), made)
    for holder in [owner] if inspect.isclass(owner) else _importers(function):
        patch.setattr(holder, name, made[function.__name__])


def _importers(function: Any) -> list[Any]:
    """The modules that know a function by its own name: where it is written, and where it was imported."""
    ours = [module for name, module in sys.modules.items() if name.startswith("zoo.")]
    return [module for module in ours if vars(module).get(function.__name__) is function]
