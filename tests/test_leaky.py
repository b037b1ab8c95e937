"""plugins/zoo-leaky, as a stranger's package: built, installed, and run from what was installed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from running import ROOT, build_wheel, pip, python

PROJECT = ROOT / "plugins" / "zoo-leaky"
CLEAN = {"ZOO_PLUGINS": None}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the plugin installed in it, and a copy of its tests beside."""
    folder = tmp_path_factory.mktemp("leaky")
    wheel = build_wheel(PROJECT, folder)
    pip("install", "--no-deps", "--target", folder / "site", wheel, cwd=folder)
    shutil.copytree(PROJECT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    return folder / "site"


def test_its_own_tests_pass(site: Path) -> None:
    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=site.parent, env=CLEAN, path=site)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout.splitlines()[-1]


def test_its_spec_is_in_the_list(site: Path, tmp_path: Path) -> None:
    done = python("-m", "zoo", "list", "leaky*", "--json", cwd=tmp_path, env=CLEAN, path=site)
    (row,) = json.loads(done.stdout)
    assert row["name"] == "leaky-rate"
    assert row["parameters"] == 67331
    assert row["variants"] == ["noiseless"]
    assert (row["distribution"], row["version"]) == ("zoo-leaky", "0.1.0")
    assert Path(row["path"]) == site / "zoo_leaky" / "specs" / "leaky-rate.yaml"


def test_it_is_listed_as_a_plugin_that_works(site: Path, tmp_path: Path) -> None:
    done = python("-X", "importtime", "-m", "zoo", "plugins", "--json", cwd=tmp_path, env=CLEAN, path=site)
    found = next(plugin for plugin in json.loads(done.stdout) if plugin["name"] == "leaky")
    assert found["status"] == "ok"
    assert found["provides"] == {"cell": ["leaky"], "spec": ["leaky-rate"]}
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "zoo_leaky.options" in imported
    assert "torch" not in imported


def test_the_contract_holds_for_its_spec_and_the_variant(site: Path, tmp_path: Path) -> None:
    done = python("-m", "zoo", "test", "leaky-rate", "--json", cwd=tmp_path, env=CLEAN, path=site)
    assert done.returncode == 0, done.stdout + done.stderr
    reports = json.loads(done.stdout)
    assert [report["name"] for report in reports] == ["leaky-rate", "leaky-rate@noiseless"]


def test_a_spec_that_needs_it_says_so_where_it_is_not_installed(tmp_path: Path) -> None:
    spec = PROJECT / "src" / "zoo_leaky" / "specs" / "leaky-rate.yaml"
    done = python("-m", "zoo", "validate", spec, cwd=tmp_path, env={"ZOO_PLUGINS": "none"})
    assert done.returncode == 2
    assert "pip install 'zoo-leaky>=0.1'" in done.stdout
    assert "Traceback" not in done.stderr
