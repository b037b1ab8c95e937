"""How a plugin is installed, with real wheels: twice, half removed, to be edited, hidden, without what it needs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from environments import Environment
from wheels import Desk, cell, project, wheel

ACME = cell("zoo_acme", "acme")


@pytest.fixture
def desk(user_environment: Environment, tmp_path: Path) -> Iterator[Desk]:
    yield Desk(user_environment, tmp_path)
    for _ in range(2):  # what is there twice goes one at a time
        user_environment.run("python", "-m", "pip", "--quiet", "uninstall", "--yes", "zoo-acme", cwd=tmp_path)


def acme(desk: Desk, **more: Any) -> dict[str, Any]:
    return desk.plugins(**more)["acme"]


def packages(desk: Desk) -> Path:
    """The folder that pip installs into."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(desk.environment.must_run("python", "-c", code, cwd=desk.folder).stdout.strip())


def test_of_two_versions_on_the_path_the_first_counts_and_hides_the_other(desk: Desk, tmp_path: Path) -> None:
    desk.pip("install", "--no-deps", wheel(tmp_path, "zoo-acme", cell("zoo_acme", "old")))
    assert (acme(desk)["version"], acme(desk)["provides"], acme(desk)["notes"]) == ("0.1", {"cell": ["old"]}, [])
    new = tmp_path / "new"
    desk.pip("install", "--no-deps", "--target", new, wheel(tmp_path, "zoo-acme", cell("zoo_acme", "acme"), "0.2"))
    found = acme(desk, env={"PYTHONPATH": str(new)})
    assert (found["version"], found["provides"]) == ("0.2", {"cell": ["acme"]})
    assert found["notes"] == [f"hides zoo-acme 0.1 in {packages(desk)}"]
    # Where the folder is not on the path, the other is there again.
    assert acme(desk)["version"] == "0.1"


def test_a_folder_that_has_two_versions_of_one_distribution_is_pointed_out(desk: Desk, tmp_path: Path) -> None:
    for version in ("0.9", "0.10"):
        made = wheel(tmp_path, "zoo-acme", ACME, version)
        target = tmp_path / version
        desk.pip("install", "--no-deps", "--target", target, made)
    desk.pip("install", "--no-deps", made)
    shutil.copytree(tmp_path / "0.9" / "zoo_acme-0.9.dist-info", packages(desk) / "zoo_acme-0.9.dist-info")
    found = acme(desk)
    assert (found["status"], found["version"]) == ("ok", "0.10")
    assert found["notes"] == [
        f"0.9 and 0.10 of zoo-acme are both in {packages(desk)}, and which its code is cannot be told: "
        "pip uninstall it until it is gone, then install it again"
    ]


def test_what_pip_left_half_removed_is_not_there(desk: Desk, tmp_path: Path) -> None:
    desk.pip("install", "--no-deps", wheel(tmp_path, "zoo-acme", ACME, "0.2"))
    target = tmp_path / "target"
    desk.pip("install", "--no-deps", "--target", target, wheel(tmp_path, "zoo-acme", ACME, "0.1"))
    left = packages(desk) / "~oo_acme-0.1.dist-info"
    shutil.copytree(target / "zoo_acme-0.1.dist-info", left)
    try:
        assert (acme(desk)["version"], acme(desk)["notes"]) == ("0.2", [])
        desk.pip("uninstall", "--yes", "zoo-acme")
        assert list(desk.plugins()) == ["builtin"]
    finally:
        shutil.rmtree(left)


def test_one_that_is_edited_where_it_stands(desk: Desk, tmp_path: Path) -> None:
    made = project(tmp_path, "zoo-acme", ACME, "0.3")
    desk.pip("install", "--no-deps", "--no-build-isolation", "--editable", made)
    for cwd in (tmp_path, made):
        found = acme(desk, cwd=cwd)
        assert (found["status"], found["version"], found["notes"]) == ("ok", "0.3", [])
    init = made / "zoo_acme" / "__init__.py"
    init.write_text(ACME.replace('"acme"', '"renamed"'), encoding="utf-8")
    assert acme(desk)["provides"] == {"cell": ["renamed"]}
    assert (
        "mine.yaml:4:7: unknown cell 'zoo-acme/acme'; zoo-acme 0.3 offers no cell but renamed"
        in desk.zoo("validate", desk.spec("zoo-acme/acme"))[1]
    )


def test_code_that_is_not_the_installed_one_is_pointed_out(desk: Desk, tmp_path: Path) -> None:
    desk.pip("install", "--no-deps", wheel(tmp_path, "zoo-acme", ACME, "0.2"))
    sources = project(tmp_path, "zoo-acme", ACME, "0.3")
    found = acme(desk, env={"PYTHONPATH": str(sources)})
    assert (found["status"], found["version"]) == ("ok", "0.2")
    assert found["notes"] == [
        f"its code is imported from {sources / 'zoo_acme'}, and not from {packages(desk)}, where zoo-acme 0.2 "
        "is installed"
    ]
    assert acme(desk)["notes"] == []


def test_one_made_for_a_later_version_of_this_package_is_incompatible(desk: Desk, tmp_path: Path) -> None:
    later = ACME.replace("CellType(", "CellType(novelty=3, ")
    desk.pip("install", "--no-deps", wheel(tmp_path, "zoo-acme", later, dependencies=["recurrent-zoo>=9"]))
    found = acme(desk)
    version = desk.plugins()["builtin"]["version"]
    assert found["status"] == "incompatible"
    assert found["cause"].startswith("zoo_cells raised TypeError: CellType.__init__() got an unexpected keyword")
    assert found["cause"].endswith(
        f"; zoo-acme requires recurrent-zoo>=9, and {version} is installed: pip install 'recurrent-zoo>=9'"
    )


def test_one_that_lacks_what_it_requires_says_what_to_install(desk: Desk, tmp_path: Path) -> None:
    needs = ["pyyaml", "zoo-no-such-thing[fast]>=1.2 ; python_version >= '3'", "ruff ; extra == 'dev'", "pyyaml==0.1"]
    broken = wheel(tmp_path, "zoo-acme", "import zoo_no_such_thing.fast\n", dependencies=needs)
    desk.pip("install", "--no-deps", broken)
    found = acme(desk)
    assert (found["status"], found["cause"]) == (
        "broken",
        "needs the module 'zoo_no_such_thing', which is not installed; "
        f"zoo-acme requires pyyaml==0.1, and {yaml_version(desk)} is installed: pip install pyyaml==0.1; "
        "zoo-acme requires zoo-no-such-thing[fast]>=1.2, which is not installed: "
        "pip install 'zoo-no-such-thing[fast]>=1.2'",
    )


def yaml_version(desk: Desk) -> str:
    code = "import importlib.metadata as m; print(m.version('pyyaml'))"
    return desk.environment.must_run("python", "-c", code, cwd=desk.folder).stdout.strip()
