"""Real wheels of small plugins, and the environment of somebody who uses them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from environments import Environment
from hatchling.builders.wheel import WheelBuilder

PROJECT = """
[build-system]
requires = ["hatchling>=1.26"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "{version}"
dependencies = {dependencies}

[project.entry-points."zoo.plugins"]
{plugin} = "{module}"
"""
CELL = """
from pathlib import Path

import zoo


@zoo.hookimpl
def zoo_cells():
    return [zoo.CellType(name="{cell}", build="{module}.cell:Cell", api_version={api})]
"""
CODE = """
import torch
import zoo


class Cell(zoo.Cell):
    def __init__(self, options, input_shape, hidden_size):
        super().__init__()
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.states = {"h": zoo.StateSpec((hidden_size,))}
        self.weight = torch.nn.Parameter(torch.ones(hidden_size, *input_shape))

    def step(self, u, state, const):
        return {"h": GAIN * state["h"] + u @ self.weight.T}
"""
SPEC = "schema: 1\nname: mine\n{more}input: 3\ncell: {cell}\nhidden_size: 4\n"


def project(
    folder: Path, name: str, init: str, version: str = "0.1", gain: str = "0.5", dependencies: Iterable[str] = ()
) -> Path:
    """A plugin's sources: its module `zoo_NAME`, which is `init`, and beside it a cell that anybody can build."""
    module = name.replace("-", "_")
    made = folder / f"{name}-{version}"
    (made / module).mkdir(parents=True)
    text = PROJECT.format(
        name=name,
        version=version,
        plugin=name.removeprefix("zoo-"),
        module=module,
        dependencies=json.dumps(list(dependencies)),
    )
    (made / "pyproject.toml").write_text(text, encoding="utf-8")
    (made / module / "__init__.py").write_text(init, encoding="utf-8")
    (made / module / "cell.py").write_text(CODE.replace("GAIN", gain), encoding="utf-8")
    return made


def wheel(folder: Path, name: str, init: str, version: str = "0.1", **more: Any) -> Path:
    # As the build tool does it, less the process of its own, which takes 20 times as long.
    made = project(folder, name, init, version, **more)
    return Path(next(WheelBuilder(str(made)).build(directory=str(made / "dist"))))


def cell(module: str, name: str, api: int = 1) -> str:
    return CELL.format(cell=name, module=module, api=api)


class Desk:
    """Somebody's environment, and the folder they work in."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        self.environment, self.folder = environment, folder

    def pip(self, *arguments: str | Path) -> None:
        self.environment.must_run("python", "-m", "pip", "--quiet", *arguments, cwd=self.folder)

    def zoo(
        self, *arguments: str, env: Mapping[str, str | None] | None = None, cwd: Path | None = None
    ) -> tuple[int, str, str]:
        done = self.environment.run("zoo", *arguments, cwd=cwd or self.folder, env=env)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout, done.stderr

    def plugins(
        self, *, env: Mapping[str, str | None] | None = None, cwd: Path | None = None
    ) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in json.loads(self.zoo("plugins", "--json", env=env, cwd=cwd)[1])}

    def meaning(self, spec: str) -> str:
        """The cell that a spec is understood to have."""
        data = json.loads(self.zoo("show", spec, "--json")[1])
        cell = data["layers"][0]["cell"]
        return str(cell if isinstance(cell, str) else cell["kind"])

    def spec(self, cell: str, more: str = "") -> str:
        (self.folder / "mine.yaml").write_text(SPEC.format(cell=cell, more=more), encoding="utf-8")
        return "mine.yaml"
