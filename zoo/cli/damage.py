"""What is wrong with distributions that have nothing to do with this one stops no command.

Everything that looks for entry points reads those of all that is installed: pydantic does when the first model is used,
torch when it is imported. One file that cannot be read is then an error there, far from whom it concerns. Inside the
process of the command line such a distribution has no entry points instead. Whoever imports `zoo` has the interpreter
as it is.
"""

from __future__ import annotations

import functools
import importlib.metadata
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any


def ignore() -> None:
    """Have unreadable distributions ignored from now on. Called before anything else is imported."""
    # Plugins of pydantic watch how models are validated. No command needs them, and to look for them takes time.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    distribution = importlib.metadata.Distribution
    _tolerate(distribution, "entry_points", lambda: importlib.metadata.EntryPoints(()))
    _skip_special_files()
    _isolate_backends()
    for known in (distribution, importlib.metadata.PathDistribution):
        _tolerate(known, "_normalized_name", lambda: "")


def _skip_special_files() -> None:
    """To read a FIFO would wait for ever."""
    paths = importlib.metadata.PathDistribution
    read = paths.read_text

    @functools.wraps(read)
    def read_text(self: Any, filename: Any) -> str | None:
        path = getattr(self, "_path", None)
        if isinstance(path, Path) and (path / str(filename)).is_fifo():
            return None
        return read(self, filename)

    paths.read_text = read_text  # type: ignore[method-assign]


def _isolate_backends() -> None:
    """A backend for torch that does not load makes `import torch` fail, which few commands need it for."""
    point = importlib.metadata.EntryPoint
    load = point.load

    @functools.wraps(load)
    def isolated(self: Any) -> Any:
        if self.group != "torch.backends":
            return load(self)

        def start() -> None:
            try:
                load(self)()
            except Exception as error:
                warnings.warn(f"torch's backend {self.name} does not load: {error}", stacklevel=2)

        return start

    point.load = isolated  # type: ignore[method-assign]


def _tolerate(owner: Any, name: str, instead: Callable[[], Any]) -> None:
    """Have a property give something else where it would raise."""
    read = vars(owner).get(name)
    if not isinstance(read, property) or read.fget is None:
        return  # another Python keeps it elsewhere
    getter = read.fget

    @functools.wraps(getter)
    def tolerant(self: Any) -> Any:
        try:
            return getter(self)
        except Exception:
            return instead()

    setattr(owner, name, property(tolerant))
