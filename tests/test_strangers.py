"""Every package of plugins/, as a stranger's: built, installed, and run from what was installed."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from running import ROOT, build_wheel, pip, python

PACKAGES = sorted(path.parent.name for path in (ROOT / "plugins").glob("*/pyproject.toml"))
CLEAN = {"ZOO_PLUGINS": None}
HEAVY = {"torch", "numpy", "sklearn", "scipy", "pandas", "ncps", "torchrecurrent"}
MANY = {
    "zoo-ncps": "not (gradcheck or engines or meta or options)",
    "zoo-sklearn": "not check_estimator",
    # Of its 41 cells each is held to its reference and its figures, two and the layer to the whole contract.
    "zoo-torchrecurrent": "(not test_spec or reference or summary or taugru or tr-mgu) "
    "and not (gradcheck or engines or meta or options)",
}
"""Those with many models, or many checks of others: what takes most of their time is left to the long run."""
each_package = pytest.mark.parametrize("package", PACKAGES)


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """From a package's name to a folder with it alone installed, and a copy of its tests beside that."""

    @cache
    def site(package: str) -> Path:
        folder = tmp_path_factory.mktemp(package)
        project = ROOT / "plugins" / package
        pip("install", "--no-deps", "--target", folder / "site", build_wheel(project, folder), cwd=folder)
        shutil.copytree(project / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
        return folder / "site"

    return site


def declared(package: str) -> dict[str, Any]:
    text = (ROOT / "plugins" / package / "pyproject.toml").read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(text)["project"]
    return found


def test_they_are_there() -> None:
    assert set(PACKAGES) == {
        *("zoo-leaky", "zoo-ncps", "zoo-seq2seq", "zoo-sklearn", "zoo-torchrecurrent", "zoo-tutorial", "zoo-vgsl")
    }


@each_package
def test_its_own_tests_pass(sites: Any, package: str, request: pytest.FixtureRequest) -> None:
    site = sites(package)
    quiet = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", site.parent]
    if package in MANY and not request.config.getoption("--long"):
        quiet += ["-k", MANY[package]]
    done = python("-m", "pytest", *quiet, "tests", cwd=site.parent, env=CLEAN, path=site, patience=600)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^\d+ passed", done.stdout.splitlines()[-1]), done.stdout


@each_package
def test_it_works_and_loads_nothing_heavy(sites: Any, package: str, tmp_path: Path) -> None:
    site = sites(package)
    done = python("-X", "importtime", "-m", "zoo", "plugins", "--json", cwd=tmp_path, env=CLEAN, path=site)
    (found,) = [plugin for plugin in json.loads(done.stdout) if plugin["distribution"] == package]
    assert (found["status"], found["notes"]) == ("ok", [])
    assert found["version"] == declared(package)["version"]
    assert found["provides"], "it provides nothing"
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "zoo.components" in imported
    assert imported & HEAVY == set()


@each_package
def test_its_specs_are_in_the_list_with_their_figures(sites: Any, package: str, tmp_path: Path) -> None:
    site = sites(package)
    done = python("-m", "zoo", "list", "--json", cwd=tmp_path, env=CLEAN, path=site)
    assert done.stderr == ""
    rows = {row["name"]: row for row in json.loads(done.stdout) if row["distribution"] == package}
    source = ROOT / "plugins" / package / "src"
    specs = sorted(name for name, row in rows.items() if row["variant"] is None)
    assert specs == sorted(path.stem for path in source.rglob("*.yaml"))
    for row in rows.values():
        assert row["version"] == declared(package)["version"]
        assert Path(row["path"]).is_relative_to(site)


@each_package
def test_its_readme_says_what_happens(sites: Any, package: str, tmp_path: Path) -> None:
    """Its yaml blocks are specs, its python blocks run in order, and a text block behind one is what that prints."""
    site = sites(package)
    text = (ROOT / "plugins" / package / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert {kind for kind, _ in blocks} <= {"yaml", "python", "text", "sh"}
    specs = [body for kind, body in blocks if kind == "yaml"]
    for index, body in enumerate(specs):
        (tmp_path / f"spec{index}.yaml").write_text(body, encoding="utf-8")
    if specs:
        done = python("-m", "zoo", "validate", ".", cwd=tmp_path, env=CLEAN, path=site)
        assert done.returncode == 0, done.stdout
    programs = [body for kind, body in blocks if kind == "python"]
    if programs:
        done = python("-c", "\n".join(programs), cwd=tmp_path, env=CLEAN, path=site)
        assert done.returncode == 0, done.stderr
        assert done.stdout == "".join(body for kind, body in blocks if kind == "text")


@each_package
def test_its_requirements_say_what_it_needs(package: str) -> None:
    project = declared(package)
    assert any(requirement.startswith("recurrent-zoo>=") for requirement in project["dependencies"])
    assert project["license"] == "Apache-2.0"
    assert list(project["entry-points"]) == ["zoo.plugins"]
    assert (ROOT / "plugins" / package / "README.md").is_file()


def test_the_figures_of_a_spec_of_theirs(sites: Any, tmp_path: Path) -> None:
    done = python("-m", "zoo", "list", "leaky*", "--json", cwd=tmp_path, env=CLEAN, path=sites("zoo-leaky"))
    rows = [(row["name"], row["variant"], row["parameters"]) for row in json.loads(done.stdout)]
    # A variant without noise has the same parameters.
    assert rows == [("leaky-rate", None, 67331), ("leaky-rate@noiseless", "noiseless", 67331)]


def test_the_contract_holds_for_a_spec_of_theirs_and_its_variant(sites: Any, tmp_path: Path) -> None:
    checks = ("--check", "shapes", "--check", "reference")  # its own tests run all of them
    done = python(
        "-m", "zoo", "test", "leaky-rate", *checks, "--json", cwd=tmp_path, env=CLEAN, path=sites("zoo-leaky")
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [report["name"] for report in json.loads(done.stdout)] == ["leaky-rate", "leaky-rate@noiseless"]


def test_a_spec_that_needs_one_says_so_where_it_is_not_installed(tmp_path: Path) -> None:
    spec = ROOT / "plugins" / "zoo-leaky" / "src" / "zoo_leaky" / "specs" / "leaky-rate.yaml"
    done = python("-m", "zoo", "validate", spec, cwd=tmp_path, env={"ZOO_PLUGINS": "none"})
    assert done.returncode == 2
    assert "pip install 'zoo-leaky>=0.1'" in done.stdout
    assert "Traceback" not in done.stderr
