"""Empty environments: a Python with this project's wheel, what it declares, the tools that are asked for, and no more.

Nothing is downloaded: what is installed beside the tests is linked into the new environment, distribution by
distribution, with its console scripts.
"""

from __future__ import annotations

import os
import shutil
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from running import ROOT, Done, must_run, pip, run

CLEAN = {"PYTHONPATH": None, "PYTHONHOME": None, "ZOO_PLUGINS": None, "PYTEST_ADDOPTS": None}


@dataclass(frozen=True)
class Environment:
    """Its scripts' folder, and ways to run what is in it."""

    scripts: Path

    @property
    def variables(self) -> dict[str, str | None]:
        """As after `source bin/activate`, with pip kept from any index."""
        path = os.pathsep.join([str(self.scripts), "/usr/bin", "/bin"])
        # pip reads "0" here as "do not isolate": what builds a package is linked too.
        offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        return {**CLEAN, **offline, "PATH": path, "VIRTUAL_ENV": str(self.scripts.parent)}

    def run(self, *arguments: str | Path, cwd: Path, env: Mapping[str, str | None] | None = None) -> Done:
        program = self.scripts / str(arguments[0])
        return run(program, *arguments[1:], cwd=cwd, env={**self.variables, **(env or {})})

    def must_run(self, *arguments: str | Path, cwd: Path, env: Mapping[str, str | None] | None = None) -> Done:
        program = self.scripts / str(arguments[0])
        return must_run(program, *arguments[1:], cwd=cwd, env={**self.variables, **(env or {})})

    def shell(self, command: str, cwd: Path) -> Done:
        """A line as somebody types it."""
        return run("/bin/sh", "-c", command, cwd=cwd, env=self.variables)


def create(folder: Path, wheels: Iterable[Path], *, tools: Iterable[str] = (), with_pip: bool = False) -> Environment:
    """An environment with these wheels, what the project declares, and these tools with what they declare."""
    without = [] if with_pip else ["--without-pip"]
    must_run(sys.executable, "-m", "venv", *without, folder / "venv", cwd=folder)
    scripts = folder / "venv" / "bin"
    pip("--python", scripts / "python", "install", "--no-deps", *wheels, cwd=folder)
    if with_pip and run(scripts / "python", "-c", "import setuptools", cwd=folder, env=CLEAN).returncode == 0:
        # An old one, which the linked one would be hidden behind.
        must_run(scripts / "python", "-m", "pip", "uninstall", "--quiet", "--yes", "setuptools", cwd=folder, env=CLEAN)
    where = must_run(scripts / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder)
    # Beside the environment rather than in it: pip uninstalls nothing from there.
    linked = folder / "linked"
    linked.mkdir()
    (Path(where.stdout.strip()) / "linked.pth").write_text(f"{linked}\n", encoding="utf-8")
    for name in sorted(closure([*declared(), *tools])):
        if not (with_pip and name == "pip"):
            _link(distribution(name), linked, scripts)
    return Environment(scripts)


def declared() -> list[str]:
    """The requirements of this project."""
    found: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    return found


def closure(requirements: Iterable[str]) -> set[str]:
    """The names of the requirements that apply here, and of everything that they need, with what their extras need.

    torch's default wheel for Linux asks for its CUDA libraries in this way, as in `cuda-toolkit[cublas]`.
    """
    found: dict[str, set[str]] = {}  # the extras of each distribution that were followed, "" for what it always needs
    waiting = [one for one in map(Requirement, requirements) if _applies(one, {""})]
    while waiting:
        requirement = waiting.pop()
        followed = found.setdefault(canonicalize_name(requirement.name), set())
        extras = {"", *map(canonicalize_name, requirement.extras)} - followed
        if extras:
            followed |= extras
            inner = map(Requirement, distribution(requirement.name).requires or ())
            waiting += [one for one in inner if _applies(one, extras)]
    return set(found)


def _applies(requirement: Requirement, extras: Iterable[str]) -> bool:
    return requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras)


def _link(found: Distribution, folder: Path, scripts: Path) -> None:
    """Link a distribution's top-level entries, and write its scripts anew for this environment's Python."""
    tops = {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}
    for top in sorted(tops):
        target = Path(str(found.locate_file(top))).absolute()
        if not (folder / top).exists():
            (folder / top).symlink_to(target)
    for point in found.entry_points:
        if point.group == "console_scripts":
            call = f"import sys\nfrom {point.module} import {point.attr}\nsys.exit({point.attr}())\n"
            (scripts / point.name).write_text(f"#!{scripts / 'python'}\n{call}", encoding="utf-8")
            (scripts / point.name).chmod(0o755)
    for file in found.files or ():  # ruff is a program of its own
        if file.parts[0] == ".." and "bin" in file.parts and not (scripts / file.name).exists():
            program = Path(str(found.locate_file(file))).resolve()
            if program.is_file() and program.read_bytes()[:2] != b"#!":
                shutil.copy2(program, scripts / file.name)
