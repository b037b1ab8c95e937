"""`zoo new plugin`: what it writes and says, and that each package passes its own workflow as a stranger's."""

from __future__ import annotations

import datetime
import os
import re
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from each import each
from environments import Environment, create
from new_plugins import COMMON, OWN, files, on_a_terminal, workflow
from running import ROOT, build_wheel, must_run, python

from zoo.plugin import manager
from zoo.plugin.manager import isolated
from zoo.scaffold.kinds import KINDS, LICENCES
from zoo.scaffold.names import LONGEST
from zoo.scaffold.package import write_package

each_kind = pytest.mark.parametrize("kind", KINDS)
LONG = "abcdefghijklmnopqrst"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Built-in components only, whatever is installed."""
    monkeypatch.setattr(manager, "_current", isolated())


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """This project's wheel, what it declares, and the tools that a new package's `dev` extra names."""
    folder = tmp_path_factory.mktemp("new-plugin")
    tools = ("pytest", "mypy", "ruff", "hatchling", "editables")
    return create(folder, [build_wheel(ROOT, folder)], tools=tools, with_pip=True)


@pytest.fixture
def empty(environment: Environment, tmp_path: Path) -> Iterator[Environment]:
    """The environment without what a test installed before."""
    yield environment
    environment.run("pip", "uninstall", "--quiet", "--yes", "zoo-acme", cwd=tmp_path)


# A stranger's way


# The three kinds that have most in them; the other two have the same workflow.
@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [kind if kind == "cell" else pytest.param(kind, marks=pytest.mark.long) for kind in KINDS],
)
def test_a_new_package_passes_its_own_workflow_and_is_ready_to_publish(
    empty: Environment, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, kind: str
) -> None:
    made = empty.must_run("zoo", "new", "plugin", "acme", "--kind", kind, "--licence", "MIT", cwd=tmp_path)
    cd, install, test = made.stdout.splitlines()[1:]
    folder = tmp_path / cd.removeprefix("  cd ")
    # mypy reads torch once for all kinds, in all processes of one run.
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    types = f"MYPY_CACHE_DIR={shared / 'mypy-new-plugin'}"
    said = {}
    for command in workflow(folder):
        done = empty.shell(f"export {types}; {command}", folder)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        said[command] = done.stdout
    assert list(said)[-5:] == [install.strip(), "ruff check", "ruff format --check", "mypy", "pytest"]
    assert re.search(r"^=+ \d+ passed, \d+ skipped in ", said["pytest"], re.MULTILINE), said["pytest"]
    assert re.search(r"^zoo: \d+ checks on \d models: \d+ passed, \d+ skipped, 0 failed$", said["pytest"], re.MULTILINE)
    _, summary = test.split(" && ")
    card = empty.must_run(*summary.split(), cwd=tmp_path).stdout
    assert (f"{kind} acme (zoo-acme 0.1.0)" in card) == (kind != "specs"), card
    empty.must_run("pip", "uninstall", "--quiet", "--yes", "zoo-acme", cwd=tmp_path)

    # What would be published, without its source.
    empty.must_run("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", "dist", folder, cwd=tmp_path)
    (wheel,) = (tmp_path / "dist").iterdir()
    assert wheel.name == "zoo_acme-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as packed:
        found = {name for name in packed.namelist() if ".dist-info/" not in name}
        licences = [name for name in packed.namelist() if name.endswith("/licenses/LICENSE")]
    assert found == {f"zoo_acme/{name}" for name in OWN[kind] | {"__init__.py", "py.typed"}}
    assert len(licences) == 1
    empty.must_run("pip", "install", "--quiet", "--no-deps", wheel, cwd=tmp_path)
    # Its tests ran the quick checks; these are two of those that `--slow` adds.
    checks = ("--check", "shapes", "--check", "learns", "--check", "export")
    held = empty.must_run("zoo", "test", summary.split()[-1], *checks, cwd=tmp_path)
    assert re.search(r" passed, \d+ skipped, 0 failed$", held.stdout.splitlines()[-1])


@each("name", ["a", "my-2nd", LONG])
def test_whatever_the_length_of_the_name_it_is_formatted(bare: None, tmp_path: Path, name: str) -> None:
    assert len(LONG) == LONGEST
    for kind in KINDS:
        place = tmp_path / kind
        place.mkdir()
        made = write_package(name, kind, "MIT", place)
        for command in (["check"], ["format", "--check", "--diff"]):
            must_run(sys.executable, "-m", "ruff", *command, "--no-cache", made.folder, cwd=made.folder)


# What is written


@each_kind
def test_every_file_is_there_and_no_placeholder_is_left(bare: None, tmp_path: Path, kind: str) -> None:
    made = write_package("acme", kind, "MIT", tmp_path)
    assert made.folder == tmp_path / "zoo-acme"
    assert made.folder.stat().st_mode == (made.folder / "src").stat().st_mode, "others cannot read it"
    found = files(made.folder)
    own = {f"src/zoo_acme/{name}" for name in OWN[kind] | {"__init__.py", "py.typed"}}
    assert set(found) == COMMON | own | {f"tests/test_{kind}.py"}
    assert [path.name for path in tmp_path.iterdir()] == ["zoo-acme"]
    for place, text in found.items():
        assert "$" not in text.replace("${{ matrix.python }}", ""), place
        assert text == "" or (text.endswith("\n") and not text.endswith("\n\n")), place
    project = tomllib.loads(found["pyproject.toml"])["project"]
    assert (project["name"], project["license"], project["license-files"]) == ("zoo-acme", "MIT", ["LICENSE"])
    sources = "".join(text for place, text in found.items() if place.startswith("src/"))
    imported = set(re.findall(r"^(?:import|from) (\w+)", sources, re.MULTILINE))
    needs = {re.split(r"[^\w-]", need)[0] for need in project["dependencies"]}
    assert needs == {"recurrent-zoo", *({"numpy", "torch"} & imported)}


def test_the_conformance_test_has_three_lines_of_substance(bare: None, tmp_path: Path) -> None:
    made = write_package("acme", "specs", "MIT", tmp_path)
    text = (made.folder / "tests" / "test_conformance.py").read_text(encoding="utf-8")
    assert text.partition("\n\n\n")[2].splitlines() == [
        '@parametrize_with_checks(["acme-classifier", "acme-forecaster"])',
        "def test_spec(check: Check) -> None:",
        "    check()",
    ]


@each_kind
def test_its_name_stands_wherever_a_spec_or_a_class_needs_it(bare: None, tmp_path: Path, kind: str) -> None:
    made = write_package("zoo-my-own", kind, "none", tmp_path)
    assert made.folder.name == "zoo-my-own"
    assert all(spec.startswith("my-own-") for spec in made.specs)
    found = files(made.folder)
    (spec, *_) = [text for place, text in found.items() if place.endswith(".yaml")]
    assert f"\nname: {made.specs[0]}\n" in spec
    assert '\nrequires: ["zoo-my-own>=0.1"]\n' in spec
    project = tomllib.loads(found["pyproject.toml"])["project"]
    assert project["entry-points"] == {"zoo.plugins": {"my-own": "zoo_my_own"}}
    if kind != "specs":
        record = found["src/zoo_my_own/__init__.py"]
        assert 'name="my-own",\n            options=MyOwnOptions,\n' in record
        assert f'build="zoo_my_own.{kind}:MyOwn{kind.title()}",\n' in record


@each("licence", LICENCES)
def test_licences(bare: None, tmp_path: Path, licence: str) -> None:
    folder = write_package("acme", "specs", licence, tmp_path).folder
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    readme = (folder / "README.md").read_text(encoding="utf-8")
    if licence == "none":
        assert not (folder / "LICENSE").exists()
        assert not {"license", "license-files"} & set(project)
        assert "nobody else may use" in readme
        return
    text = (folder / "LICENSE").read_text(encoding="utf-8")
    assert project["license"] == licence
    assert f"{licence}, see LICENSE." in readme
    year = datetime.datetime.now(datetime.UTC).year
    expected = {
        "MIT": f"MIT License\n\nCopyright (c) {year} The zoo-acme developers\n",
        "BSD-3-Clause": f"BSD 3-Clause License\n\nCopyright (c) {year}, The zoo-acme developers\n",
        "Apache-2.0": (ROOT / "LICENSE").read_text(encoding="utf-8"),
    }
    assert text.startswith(expected[licence])


# What it says and asks


def test_where_nobody_can_be_asked_the_first_licence_is_taken_and_said(tmp_path: Path) -> None:
    (tmp_path / "two words").mkdir()
    done = python("-m", "zoo", "new", "plugin", "zoo-acme", "--folder", "two words", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "wrote two words/zoo-acme, a package with the cell 'acme', tests, and the spec acme-forecaster; next:",
        "  cd 'two words/zoo-acme'",
        "  pip install -e '.[dev]'",
        "  pytest && zoo summary acme-forecaster",
    ]
    assert done.stderr == (
        "the licence is MIT, as this is not a terminal; --licence chooses one of MIT, BSD-3-Clause, Apache-2.0, none\n"
    )


@each(("typed", "licence"), [(b"\n", "MIT"), (b"apache\n", "Apache-2.0"), (b"gpl\nnone\n", None)], ids=repr)
def test_on_a_terminal_the_licence_is_asked_for(tmp_path: Path, typed: bytes, licence: str | None) -> None:
    status, shown = on_a_terminal("new", "plugin", "acme", "--kind", "specs", typed=typed, cwd=tmp_path)
    assert status == 0, shown
    assert "licence: MIT, BSD-3-Clause, Apache-2.0, none [MIT]? " in shown
    assert ("'gpl' is none of them" in shown) == (licence is None)
    assert "nobody could be asked" not in shown
    project = tomllib.loads((tmp_path / "zoo-acme" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project.get("license") == licence


def test_whoever_leaves_the_question_has_nothing_written(tmp_path: Path) -> None:
    status, shown = on_a_terminal("new", "plugin", "acme", typed=b"\x04", cwd=tmp_path)
    assert status == 2
    assert shown.endswith("zoo: no licence was chosen, and nothing was written\n")
    assert list(tmp_path.iterdir()) == []


def test_a_licence_that_is_given_is_not_asked_for_and_torch_is_not_imported(tmp_path: Path) -> None:
    code = (
        "import sys\nimport zoo.cli.main as m\n"
        "try:\n    m.app(['new', 'plugin', 'acme', '--kind', 'head', '--licence', 'none'])\n"
        "except SystemExit as e:\n    assert not e.code, e.code\n"
        "print('torch' in sys.modules, 'numpy' in sys.modules)\n"
    )
    done = python("-c", code, cwd=tmp_path)
    assert done.stderr == ""
    assert done.stdout.splitlines()[0].startswith("wrote zoo-acme, a package with the head 'acme', ")
    assert done.stdout.splitlines()[-1] == "False False"
