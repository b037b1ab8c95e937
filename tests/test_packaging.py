"""What is published works where there is nothing else: not the source tree, and no package that is not declared."""

from __future__ import annotations

import json
import posixpath
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from environments import Environment, closure, create
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from running import ROOT, must_run

SPECS = sorted(path.relative_to(ROOT / "specs").as_posix() for path in (ROOT / "specs").rglob("*.yaml"))


@dataclass(frozen=True)
class Published:
    sdist: Path
    wheel: Path


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """The source distribution, and the wheel built from nothing but that."""
    folder = tmp_path_factory.mktemp("dist")
    must_run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return Published(next(folder.glob("*.tar.gz")), next(folder.glob("*.whl")))


@pytest.fixture(scope="module")
def installed(published: Published, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheel and what it declares, and nothing else."""
    return create(tmp_path_factory.mktemp("installed"), [published.wheel])


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_wheel_holds_the_package_and_the_specs_and_nothing_else(published: Published) -> None:
    with zipfile.ZipFile(published.wheel) as wheel:
        names = [name for name in wheel.namelist() if not name.endswith("/")]
        metadata = wheel.read(next(name for name in names if name.endswith("/METADATA"))).decode()
    assert published.wheel.name.startswith("recurrent_zoo-")
    assert {name.split("/")[0].split("-")[0] for name in names} == {"zoo", "recurrent_zoo"}
    assert sorted(name.removeprefix("zoo/_specs/") for name in names if name.startswith("zoo/_specs/")) == SPECS
    assert "zoo/py.typed" in names
    kinds = {Path(name).suffix for name in names if name.startswith("zoo/") and not name.startswith("zoo/docs/schema/")}
    assert kinds == {".py", ".typed", ".yaml", ".template"}
    assert sorted(name for name in names if name.startswith("zoo/") and name.endswith(".py")) == sorted(
        path.relative_to(ROOT).as_posix() for path in (ROOT / "zoo").rglob("*.py")
    )
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Dist: torch>=2.11" in metadata


def test_each_spec_says_where_its_schema_is_in_the_wheel_too(published: Published) -> None:
    with zipfile.ZipFile(published.wheel) as wheel:
        names = set(wheel.namelist())
        for name in (name for name in names if name.startswith("zoo/_specs/")):
            first = wheel.read(name).decode().splitlines()[0]
            said = first.removeprefix("# yaml-language-server: $schema=")
            assert first != said, name
            assert posixpath.normpath(posixpath.join(posixpath.dirname(name), said)) in names, name


def test_the_source_distribution_holds_what_a_packager_needs(published: Published) -> None:
    with tarfile.open(published.sdist) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    tops = {name.split("/")[0] for name in names} - {""}
    wanted = {"zoo", "specs", "tests", "plugins", "docs", "Makefile", "constraints.txt", ".ci", ".github"}
    wanted |= {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff", "SECURITY.md", "LICENSE"}
    made = {"pyproject.toml", "PKG-INFO", ".gitignore"}
    assert tops == wanted | made
    assert {f"specs/{name}" for name in SPECS} <= names
    junk = ("__pycache__", ".venv", "_cache", ".hypothesis", ".egg-info", "/dist/", "/build/")
    assert [name for name in names if any(part in name for part in junk)] == []


def test_the_wheel_lists_its_specs_from_another_folder(installed: Environment, tmp_path: Path) -> None:
    home = installed.must_run("python", "-c", "import zoo; print(zoo.__file__)", cwd=tmp_path)
    assert Path(home.stdout.strip()).is_relative_to(installed.scripts.parent)
    done = installed.must_run("zoo", "list", "--json", cwd=tmp_path)
    assert done.stderr == ""
    rows = json.loads(done.stdout)
    specs = [name for name in SPECS if not name.startswith("weights/")]  # those are maps
    assert sorted(f"{row['name']}.yaml" for row in rows if row["variant"] is None) == specs
    assert all(Path(row["path"]).is_relative_to(installed.scripts.parent) for row in rows)
    assert {row["distribution"] for row in rows} == {"recurrent-zoo"}
    table = installed.must_run("zoo", "list", cwd=tmp_path).stdout.splitlines()
    assert next(line for line in table if line.startswith("lstm ")).split()[1] == "2,560"


def test_the_wheel_summarises_a_model_from_another_folder(installed: Environment, tmp_path: Path) -> None:
    done = installed.must_run("zoo", "summary", "lstm", cwd=tmp_path)
    assert "parameters        2,560 (shared ones counted once)" in done.stdout.splitlines()
    assert any(line.endswith(f"cell lstm (recurrent-zoo {_version()})") for line in done.stdout.splitlines())


def test_what_is_not_declared_is_not_there(installed: Environment, tmp_path: Path) -> None:
    """Otherwise the tests above would prove nothing about what the package declares."""
    with pytest.raises(AssertionError, match="No module named 'pytest'"):
        installed.must_run("python", "-c", "import pytest", cwd=tmp_path)


def test_an_editable_install_finds_the_specs_beside_the_package() -> None:
    from zoo.spec import bundled

    assert bundled.folder() == ROOT / "specs"


def test_every_dependency_is_pinned_and_no_pin_is_left_over() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert all([s.operator for s in pin.specifier] == ["=="] and "+" not in str(pin) for pin in pins)
    pinned = {canonicalize_name(pin.name): str(pin.specifier)[2:] for pin in pins}
    assert pinned["torch"] == "2.13.0"
    project = _project()
    extras = project["project"]["optional-dependencies"]
    direct = [*project["project"]["dependencies"], *extras["bench"], *extras["hub"], *extras["dev"]]
    direct.remove("recurrent-zoo[bench,hub]")
    needed = closure([*direct, *project["build-system"]["requires"]])
    # On other platforms torch needs more, which it pins by itself.
    assert {name for name in needed - pinned.keys() if not name.startswith(("nvidia-", "cuda-", "triton"))} == set()
    assert pinned.keys() - needed == set()


def test_an_environment_has_what_extras_ask_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As torch's default wheel for Linux asks for CUDA: `cuda-toolkit[cudart]`, which names `nvidia-cuda-runtime`."""
    needs = {
        "acme-torch": ["acme-toolkit[rt,Blas]==13.0; sys_platform != 'nowhere'", "acme-absent; sys_platform == 'no'"],
        "acme-toolkit": ["acme-rt; extra == 'rt'", "acme-blas; extra == 'blas'", "acme-fft; extra == 'fft'"],
        "acme-blas": ["acme-toolkit[fft-too]", "acme-never; extra == 'dev'"],
        "acme-rt": [],
    }
    for name, requires in needs.items():
        folder = tmp_path / f"{name.replace('-', '_')}-13.0.dist-info"
        folder.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 13.0", *(f"Requires-Dist: {r}" for r in requires)]
        (folder / "METADATA").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert closure(["acme-torch"]) == {"acme-torch", "acme-toolkit", "acme-rt", "acme-blas"}
    assert closure(["acme-torch; sys_platform == 'nowhere'"]) == set()


def test_an_old_python_or_an_unknown_torch_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "oldpython").write_text('#!/bin/sh\n[ "$1" = -V ] && echo "Python 3.9.2"\nexit 1\n', encoding="utf-8")
    (tmp_path / "oldpython").chmod(0o755)
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "tests/cells/oracles/requirements.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    for program, said in ((f"{tmp_path}/oldpython", "is Python 3.9.2"), ("no-such-python", "no no-such-python here")):
        done = subprocess.run(
            ["make", "demo", f"PYTHON={program}"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode != 0
        assert said in done.stderr
        assert "Python 3.11 or newer" in done.stderr
        assert not (tmp_path / ".venv").exists()
    done = subprocess.run(["make", "demo", "TORCH=gpu"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "TORCH is cpu or default, not 'gpu'" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_the_wheel_without_cuda_is_the_pinned_one() -> None:
    said = subprocess.run(
        ["make", "--dry-run", "--always-make", "setup", "TORCH=cpu"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "--extra-index-url https://download.pytorch.org/whl/cpu" in said
    command = said.partition('"`')[2].partition("`")[0]
    named = subprocess.run(["/bin/sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert named.strip() == "torch==2.13.0" + ("+cpu" if sys.platform == "linux" else "")


def _version() -> str:
    return distribution("recurrent-zoo").version
