"""What people see: `zoo plugins`, `zoo components`, and messages about specs, each from a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from temporary_site import CELLS, Site, cell_plugin

BROKEN = "import zoo\n1 / 0\n"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


def test_plugins_lists_every_one_with_status_and_cause(site: Site, here: Path) -> None:
    site.plugin("acme", cell_plugin("acme", "zoo_acme"), version="0.2")
    site.plugin("broken", BROKEN, version="1.0")
    done = site.zoo("plugins", cwd=here)
    said = "1 of 3 do not work: broken; zoo plugins --traceback NAME says why in full\n"
    assert (done.returncode, done.stderr) == (0, said)
    lines = [line.split(maxsplit=5) for line in done.stdout.splitlines()]
    assert lines[0] == ["plugin", "from", "status", "load", "ms", "provides"]
    assert [line[:4] for line in lines[1:]] == [
        ["builtin", "recurrent-zoo", version("recurrent-zoo"), "ok"],
        ["acme", "zoo-acme", "0.2", "ok"],
        ["broken", "zoo-broken", "1.0", "broken"],
    ]
    assert lines[-2][5] == "cell: acme"
    assert lines[-1][5] == "cannot be imported: ZeroDivisionError: division by zero"
    assert all(float(line[4]) >= 0 for line in lines[1:])


def test_on_a_narrow_terminal_nothing_is_cut_and_long_lists_are_short(site: Site, here: Path) -> None:
    site.plugin("broken", BROKEN)
    code = "import sys, zoo.cli.main as m; sys.stdout.isatty = lambda: True; m.app(['plugins'])"
    wide, narrow = (
        site.python(["-c", code], here, env={"COLUMNS": columns, "TERM": "dumb"}).stdout for columns in ("200", "80")
    )
    lines = narrow.splitlines()
    assert max(map(len, lines)) <= 80
    start = lines[0].index("provides")
    said = " ".join(line[start:].strip() for line in lines[1:])
    assert f"cell: {', '.join(CELLS[:3])}, and {len(CELLS) - 3} more; check: " in said
    assert said.endswith("cannot be imported: ZeroDivisionError: division by zero")
    assert f"cell: {', '.join(CELLS[:7])}, and {len(CELLS) - 7} more; check: " in " ".join(wide.split())


def test_plugins_as_json(site: Site, here: Path) -> None:
    site.plugin("acme", "print('noise')\n" + cell_plugin("lstm", "zoo_acme"), version="0.2")
    site.plugin("broken", BROKEN)
    builtin, acme, broken = site.zoo_json("plugins", cwd=here)
    assert (builtin["name"], builtin["distribution"], builtin["status"]) == ("builtin", "recurrent-zoo", "ok")
    assert 0 < acme.pop("load_seconds") < 10
    assert acme == {
        "name": "acme",
        "distribution": "zoo-acme",
        "version": "0.2",
        "module": "zoo_acme",
        "status": "ok",
        "cause": "",
        "notes": ["cell 'lstm' is a built-in's name: write 'zoo-acme/lstm'"],
        "provides": {"cell": ["lstm"]},
    }
    assert (broken["status"], broken["provides"]) == ("broken", {})
    assert broken["cause"] == "cannot be imported: ZeroDivisionError: division by zero"


def test_traceback_shows_the_whole_cause(site: Site, here: Path) -> None:
    site.plugin("acme", cell_plugin("acme", "zoo_acme"))
    site.plugin("broken", BROKEN)
    site.plugin("newer", cell_plugin("new", "zoo_newer").replace("summary=", "api_version=7, summary="))
    for name in ("broken", "zoo-broken"):
        done = site.zoo("plugins", "--traceback", name, cwd=here)
        assert done.returncode == 0
        assert done.stdout.startswith("Traceback (most recent call last):\n")
        assert f'File "{site.path}/zoo_broken/__init__.py", line 2, in <module>' in done.stdout
        assert done.stdout.endswith("cannot be imported: ZeroDivisionError: division by zero\n")
    assert site.zoo("plugins", "--traceback", "acme", cwd=here).stdout == "plugin acme (zoo-acme 0.1) has no error\n"
    assert site.zoo("plugins", "--traceback", "newer", cwd=here).stdout.startswith(
        "plugin newer (zoo-newer 0.1) is incompatible: cell 'new' is made for version 7 of the plugin API"
    )
    done = site.zoo("plugins", "--traceback", "gone", cwd=here)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "zoo: no plugin 'gone'; installed: builtin, acme, broken, newer\n"


def test_everything_works_when_every_plugin_is_broken(site: Site, here: Path) -> None:
    for name in ("a", "b", "c"):
        site.plugin(name, "raise SystemExit(9)")
    plugins = site.zoo_json("plugins", cwd=here)
    assert [(one["name"], one["status"]) for one in plugins] == [
        ("builtin", "ok"), ("a", "broken"), ("b", "broken"), ("c", "broken"),
    ]  # fmt: skip
    done = site.zoo("components", "--kind", "cell", cwd=here)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["name", *CELLS]


def test_components_shows_names_that_a_spec_can_write_and_where_they_come_from(site: Site, here: Path) -> None:
    site.plugin("acme", cell_plugin("lstm", "zoo_acme"), version="0.2")
    site.plugin("beta", cell_plugin("beta", "zoo_beta"), version="3")
    done = site.zoo("components", "--kind", "cell", cwd=here)
    rows = {line.split()[0]: line for line in done.stdout.splitlines()[1:]}
    assert list(rows) == sorted(["beta", *CELLS, "zoo-acme/lstm"], key=lambda name: name.removeprefix("zoo-acme/"))
    assert rows["beta"].endswith("zoo-beta 3")
    assert rows["zoo-acme/lstm"].endswith("zoo-acme 0.2")
    assert "recurrent-zoo" in rows["lstm"]


def test_options_that_json_has_no_words_for_are_listed_by_name(site: Site, here: Path) -> None:
    odd = cell_plugin("acme", "zoo_acme").replace("    gain: float = 1.0", "    gain: Odd = Odd()\n    size: int = 1")
    odd = odd.replace("(zoo.Options):", "(zoo.Options, arbitrary_types_allowed=True):").replace(
        "import zoo", "import zoo\nclass Odd: pass"
    )
    site.plugin("acme", odd)
    rows = {row["name"]: row for row in site.zoo_json("components", "--kind", "cell", cwd=here)}
    assert rows["acme"]["options"] == {"gain": {}, "size": {}}
    assert rows["lstm"]["options"]["coupled"]["type"] == "boolean"


def test_zoo_plugins_limits_what_is_loaded(site: Site, here: Path) -> None:
    site.plugin("acme", cell_plugin("acme", "zoo_acme"))
    site.plugin("noisy", "raise ValueError")
    done = site.zoo("plugins", cwd=here, env={"ZOO_PLUGINS": "acme,gone"})
    assert done.stderr == "ZOO_PLUGINS names 'gone', and no such plugin is installed\n"
    rows = {line.split()[0]: line for line in done.stdout.splitlines()[1:]}
    assert rows["acme"].split()[3] == "ok"
    assert rows["noisy"].split()[3] == "disabled"
    assert rows["noisy"].endswith("ZOO_PLUGINS=acme,gone leaves it out")


@pytest.mark.parametrize("command", [["plugins"], ["components"], ["list"], ["schema"]])
def test_listing_never_imports_torch(site: Site, here: Path, command: list[str]) -> None:
    site.plugin("acme", cell_plugin("acme", "zoo_acme"))
    code = (
        "import sys\nimport zoo.cli.main as m\n"
        f"try:\n    m.app({command!r})\nexcept SystemExit as e:\n    assert not e.code, e.code\n"
        "print('torch' in sys.modules, file=sys.stderr)\n"
    )
    done = site.python(["-c", code], here)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "False"


def test_a_plugin_that_imports_torch_is_noted_and_works(site: Site, here: Path) -> None:
    # A stand-in for torch: the real one takes a second.
    (site.path / "torch.py").write_text("")
    site.plugin("heavy", "import torch\n" + cell_plugin("heavy", "zoo_heavy"))
    (heavy,) = [one for one in site.zoo_json("plugins", cwd=here) if one["name"] == "heavy"]
    assert (heavy["status"], heavy["provides"]) == ("ok", {"cell": ["heavy"]})
    assert heavy["notes"] == [
        "imports torch when it is loaded, which slows every command: leave that to what `build` names"
    ]


SPEC = "schema: 1\nname: mine\ninput: 10\ncell: {cell}\nhidden_size: 20\n{more}"


def refusal(site: Site, here: Path, cell: str, more: str = "") -> str:
    (here / "mine.yaml").write_text(SPEC.format(cell=cell, more=more))
    done = site.zoo("validate", "mine.yaml", cwd=here)
    assert done.returncode == 2, done.stdout + done.stderr
    return done.stdout.splitlines()[0]


def test_a_spec_that_needs_a_broken_plugin_says_so_with_the_cause(site: Site, here: Path) -> None:
    site.plugin("acme", BROKEN)
    trouble = "plugin acme (zoo-acme 0.1) is broken: cannot be imported: ZeroDivisionError: division by zero"
    assert refusal(site, here, "zoo-acme/acme") == f"mine.yaml:4:7: unknown cell 'zoo-acme/acme'; {trouble}"
    assert refusal(site, here, "acme") == f"mine.yaml:4:7: unknown cell 'acme'; {trouble}"
    needs = "requires: ['zoo-acme>=0.1']\n"
    assert refusal(site, here, "gru", needs) == f"mine.yaml:6:12: the spec requires zoo-acme>=0.1, but {trouble}"


def test_a_spec_whose_plugin_is_missing_is_told_what_to_install(site: Site, here: Path) -> None:
    message = refusal(site, here, "acme", "requires: ['zoo-acme>=0.2']\n")
    assert message == (
        "mine.yaml:4:7: unknown cell 'acme'; the spec requires zoo-acme>=0.2, which is not installed: "
        "pip install 'zoo-acme>=0.2'"
    )


def test_a_spec_with_a_name_of_two_plugins_must_choose(site: Site, here: Path) -> None:
    for name in ("one", "two"):
        site.plugin(name, cell_plugin("same", f"zoo_{name}"))
    assert refusal(site, here, "same") == (
        "mine.yaml:4:7: two plugins offer a cell 'same': write 'zoo-one/same' or 'zoo-two/same'"
    )


PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "Zoo_Acme"
version = "0.2"

[project.entry-points."zoo.plugins"]
acme = "zoo_acme"
"""

SPECS = """
from pathlib import Path

@zoo.hookimpl
def zoo_specs():
    return [Path(__file__).parent / "specs"]
"""


@pytest.mark.slow
def test_a_package_that_pip_installed(site: Site, tmp_path: Path, here: Path) -> None:
    source = tmp_path / "source"
    package = source / "zoo_acme"
    (package / "specs").mkdir(parents=True)
    (source / "pyproject.toml").write_text(PYPROJECT)
    (package / "__init__.py").write_text(cell_plugin("acme", "zoo_acme") + SPECS)
    (package / "specs" / "acme-small.yaml").write_text(SPEC.format(cell="gru", more="").replace("mine", "acme-small"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    offline = ["--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, *offline, "--target", str(site.path), str(source)], check=True, cwd=here, timeout=120)
    (acme,) = [one for one in site.zoo_json("plugins", cwd=here) if one["name"] == "acme"]
    assert (acme["distribution"], acme["version"], acme["status"]) == ("zoo-acme", "0.2", "ok")
    assert acme["provides"] == {"cell": ["acme"], "spec": ["acme-small"]}
    (entry,) = site.zoo_json("list", "acme-small", cwd=here)
    assert (entry["name"], entry["distribution"], entry["version"]) == ("acme-small", "zoo-acme", "0.2")
    assert site.zoo("show", "zoo-acme/acme-small", "--source", cwd=here).stdout.startswith(
        f"# {site.path}/zoo_acme/specs/acme-small.yaml (zoo-acme 0.2)\n"
    )
