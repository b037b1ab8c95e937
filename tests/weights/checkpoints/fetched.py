"""Packages that ship weights, each installed into a folder of its own, and what they give in a process of their own.

With ZOO_PACKAGES=FOLDER they stay there for the next run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def once(place: Path, make: Callable[[Path], None]) -> Path:
    """A folder that is made once for all processes of a run: whole, or not there."""
    if not place.exists():
        making = place.with_name(f"{place.name}.{os.getpid()}")
        making.mkdir(parents=True)
        make(making)
        try:
            making.rename(place)
        except OSError:  # another process was as fast
            shutil.rmtree(making)
    return place


def installed(root: Path, requirements: tuple[str, ...], *, alone: bool) -> Path:
    """A folder with these packages, and with what they need unless they are to stand alone."""

    def make(folder: Path) -> None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        options = ["--target", str(folder), *(["--no-deps"] if alone else [])]
        subprocess.run([*command, *options, *requirements], check=True)

    return once(root / requirements[0].replace("==", "-"), make)


def given(root: Path, script: str, packages: Path) -> Path:
    """A folder with what a script of `theirs` writes: `given.npz`, and perhaps files of weights."""

    def make(folder: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(packages), "HF_HUB_OFFLINE": "1"}
        command = [sys.executable, "-W", "ignore", str(HERE / "theirs" / script)]
        arguments = [str(folder / "given.npz"), str(folder)]
        ran = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr[-3000:]

    return once(root / script, make)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is the same for all processes of a run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def packages_root(shared: Path) -> Path:
    """Where packages are installed."""
    return Path(os.environ.get("ZOO_PACKAGES") or shared / "packages")
