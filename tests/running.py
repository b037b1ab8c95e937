"""Ways to run programs as a user does: in processes of their own, from another folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

Done = subprocess.CompletedProcess[str]


def run(*arguments: str | Path, cwd: Path, env: Mapping[str, str | None] | None = None, patience: float = 180) -> Done:
    """Run a program to its end, for at most so many seconds. None in `env` takes a variable away."""
    merged = {**os.environ, **(env or {})}
    return subprocess.run(
        [str(argument) for argument in arguments],
        cwd=cwd,
        env={key: value for key, value in merged.items() if value is not None},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=patience,
        check=False,
    )


def must_run(*arguments: str | Path, cwd: Path, env: Mapping[str, str | None] | None = None) -> Done:
    """Run a program that has to succeed; a failure shows what it said."""
    done = run(*arguments, cwd=cwd, env=env)
    assert done.returncode == 0, f"{arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def python(
    *arguments: str | Path,
    cwd: Path,
    env: Mapping[str, str | None] | None = None,
    path: Path = ROOT,
    patience: float = 180,
) -> Done:
    """A fresh interpreter that has the tree under test, or `path` in front of it, to import from."""
    places = dict.fromkeys((str(path), str(ROOT)))
    env = {"PYTHONPATH": os.pathsep.join(places), **(env or {})}
    return run(sys.executable, *arguments, cwd=cwd, env=env, patience=patience)


def build_wheel(project: Path, folder: Path) -> Path:
    """Build a project's wheel into a folder, with what is installed and no network."""
    must_run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", folder, project, cwd=folder)
    return next(folder.glob("*.whl"))


def pip(*arguments: str | Path, cwd: Path) -> Done:
    """pip, without an index: what is not at hand is a failure rather than a download."""
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": None, "PIP_EXTRA_INDEX_URL": None, "PIP_INDEX_URL": None}
    return must_run(sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments, cwd=cwd, env=offline)
