"""Code of installed packages, read without what it does not need here, and in the precision of the tests.

Packages that many others come with, or whose presence changes what other packages do, stand in a folder `apart` of the
environment, which is on no path: only what asks for one of them here finds it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.metadata import distributions
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock, patch

import pytest
import torch
from torch import Tensor

DOUBLE = torch.float64
APART = Path(sys.prefix) / "apart"


def folder(package: str) -> Path | None:
    """Where the files of an installed package, or of one within it, stand, or None. Two packages may share an outer one."""
    places = (Path(entry).joinpath(*package.split(".")) for entry in (*sys.path, str(APART)))
    return next((place for place in places if any(place.glob("*.py"))), None)


def release(distribution: str) -> str | None:
    """The version of an installed distribution without its local part, or None."""
    found = next(iter(distributions(name=distribution, path=[*sys.path, str(APART)])), None)
    return None if found is None else found.version.split("+")[0]


def needed(distribution: str, version: str) -> None:
    """Skip the test where a distribution is missing; in the long run, which installs them all, fail."""
    found = release(distribution)
    if found is None and os.environ.get("ZOO_OUTSIDE") != "all":
        pytest.skip(f"{distribution} is not installed")
    assert found == version, f"{distribution} is {found or 'not installed'}: wanted {version}"


@contextmanager
def doubled() -> Iterator[None]:
    """Whatever asks for float32 while it runs gets float64: for code that casts to float32 wherever it is."""
    with ExitStack() as stack:
        for name in ("float32", "float"):
            stack.enter_context(patch.object(torch, name, DOUBLE))
        stack.enter_context(patch.object(Tensor, "float", Tensor.double))
        yield


def source(package: str, path: str, *, without: tuple[str, ...] = ()) -> ModuleType:
    """One file of an installed package as a module of its own, without what the package's `__init__` imports.

    without: modules that it imports and that are not needed. Raises ModuleNotFoundError where the package is missing.
    """
    found = folder(package)
    if found is None:
        raise ModuleNotFoundError(package)
    where = found / path
    spec = spec_from_file_location(f"oracle_{package}_{path.replace('/', '_').removesuffix('.py')}", where)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(str(where))
    module = module_from_spec(spec)
    parents = {".".join(name.split(".")[:n]) for name in without for n in range(1, name.count(".") + 2)}
    with patch.dict(sys.modules, {name: MagicMock() for name in parents}):
        spec.loader.exec_module(module)
    return module


@contextmanager
def bare(*packages: str, without: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Within, modules of these packages are imported from their files, and no `__init__` of theirs is run.

    without: modules that are not needed, or that are others here: what stands in for each, None for anything at all.
    Afterwards no module of all these is known any more. Raises ModuleNotFoundError where a package is missing.
    """
    instead = {name: MagicMock() if one is None else one for name, one in (without or {}).items()}
    for package in packages:
        module = ModuleType(package)
        where = folder(package)
        if where is None:
            raise ModuleNotFoundError(package)
        module.__path__ = [str(where)]
        instead[package] = module
    with patch.dict(sys.modules, instead):
        yield
