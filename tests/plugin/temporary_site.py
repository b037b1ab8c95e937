"""A folder that Python takes for one with installed distributions, written by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

from zoo.builtin import zoo_cells

CELLS = sorted(record.name for record in zoo_cells())
"""What is built in."""
ROOT = Path(__file__).resolve().parents[2]

CELL = """
import zoo

class Acme(zoo.Options):
    gain: float = 1.0

@zoo.hookimpl
def zoo_cells():
    return [zoo.CellType(name="{name}", options=Acme, build="{module}.cell:Acme", summary="A cell for tests")]
"""


def cell_plugin(name: str, module: str) -> str:
    return CELL.format(name=name, module=module)


@dataclass(frozen=True)
class Site:
    path: Path

    def install(
        self,
        distribution: str,
        files: Mapping[str, str],
        *,
        version: str = "0.1",
        points: Mapping[str, str] | str | None = None,
        metadata: str | None = None,
    ) -> None:
        """Write a package's files and its `*.dist-info`. points: entry points, or the whole text of the file."""
        for name, text in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(text), encoding="utf-8")
        info = self.path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        if metadata is None:
            metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        if metadata:
            (info / "METADATA").write_text(metadata, encoding="utf-8")
        if not isinstance(points, str):
            lines = [f"{name} = {value}" for name, value in (points or {}).items()]
            points = "\n".join(["[zoo.plugins]", *lines, ""])
        (info / "entry_points.txt").write_text(points, encoding="utf-8")

    def plugin(self, name: str, text: str, *, version: str = "0.1") -> None:
        """The usual case: distribution `zoo-NAME`, module `zoo_NAME`, entry point NAME."""
        self.install(f"zoo-{name}", {f"zoo_{name}/__init__.py": text}, version=version, points={name: f"zoo_{name}"})

    def python(
        self, arguments: Sequence[str], cwd: Path, *, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A fresh interpreter that has this site and the tree under test."""
        inherited = {key: value for key, value in os.environ.items() if key != "ZOO_PLUGINS"}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=cwd,
            env={**inherited, "PYTHONPATH": os.pathsep.join([str(self.path), str(ROOT)]), **(env or {})},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def zoo(self, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return self.python(["-m", "zoo", *arguments], cwd, env=env)

    def zoo_json(self, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> Any:
        done = self.zoo(*arguments, "--json", cwd=cwd, env=env)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
