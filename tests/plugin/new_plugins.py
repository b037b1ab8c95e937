"""What the tests of `zoo new plugin` share: an environment with nothing else in it, a terminal, a package's own files."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from running import ROOT

COMMON = {
    ".github/workflows/test.yml", ".gitignore", "LICENSE", "README.md", "pyproject.toml", "tests/test_conformance.py",
}  # fmt: skip
OWN = {
    "cell": {"options.py", "reference.py", "cell.py", "specs/acme-forecaster.yaml"},
    "layer": {"options.py", "layer.py", "specs/acme-forecaster.yaml"},
    "head": {"options.py", "head.py", "specs/acme-classifier.yaml"},
    "input": {"options.py", "input.py", "specs/acme-forecaster.yaml"},
    "specs": {"specs/acme-classifier.yaml", "specs/acme-forecaster.yaml"},
}
"""What each kind has in its package, beside `__init__.py` and `py.typed`."""


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def workflow(folder: Path) -> list[str]:
    """The commands of a package's workflow, in order."""
    (path,) = (folder / ".github" / "workflows").iterdir()
    found: Mapping[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    (job,) = found["jobs"].values()
    return [step["run"] for step in job["steps"] if "run" in step]


def on_a_terminal(*arguments: str, typed: bytes, cwd: Path) -> tuple[int, str]:
    """Run `zoo` on a terminal where somebody types: its status, and what the terminal shows."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo", *arguments],
        cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=follower, stdout=follower, stderr=follower,
    )  # fmt: skip
    os.close(follower)
    os.write(leader, typed)
    seen = b""
    try:
        while select.select([leader], [], [], 60)[0]:
            try:
                read = os.read(leader, 4096)
            except OSError:  # closed: the program has ended
                break
            seen += read
        status = process.wait(timeout=10)
    finally:
        process.kill()
        os.close(leader)
    return status, seen.decode().replace("\r\n", "\n")
