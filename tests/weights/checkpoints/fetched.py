"""Packages that ship weights, each installed into a folder of its own, and what they give in a process of their own.

With ZOO_PACKAGES=FOLDER they stay there for the next run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent


def installed(root: Path, requirements: tuple[str, ...], *, alone: bool = True) -> Path:
    """A folder with these packages, and with what they need unless they are to stand alone."""
    place = root / requirements[0].replace("==", "-")
    if place.exists():
        return place
    making = root / f"{place.name}.{os.getpid()}"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(making)]
    subprocess.run([*command, *(["--no-deps"] if alone else []), *requirements], check=True)
    try:
        making.rename(place)
    except OSError:  # another process was as fast
        shutil.rmtree(making)
    return place


def given(script: str, packages: Path, folder: Path) -> dict[str, np.ndarray]:
    """What a script of `theirs` writes of these packages; other files of its own are in the folder."""
    out = folder / "given.npz"
    environment = {**os.environ, "PYTHONPATH": str(packages), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-W", "ignore", str(HERE / "theirs" / script), str(out), str(folder)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-3000:]
    with np.load(out, allow_pickle=False) as arrays:
        return dict(arrays)


@pytest.fixture(scope="session")
def packages_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where packages are installed, the same for all processes of a run."""
    kept = os.environ.get("ZOO_PACKAGES")
    base = tmp_path_factory.getbasetemp()
    root = Path(kept) if kept else (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "packages"
    root.mkdir(parents=True, exist_ok=True)
    return root
