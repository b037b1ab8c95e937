"""What counts as installed: damaged distributions, `ZOO_PLUGINS`, and the current directory, which never does."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from temporary_site import ROOT, Site, cell_plugin

from zoo.plugin.catalogue import Catalogue
from zoo.plugin.discovery import trusted_path
from zoo.plugin.manager import read_installed


def told(known: Catalogue) -> list[tuple[str, str, str]]:
    return [(one.name, one.status, one.cause) for one in known.plugins[1:]]


def test_two_distributions_may_use_one_entry_point_name(site: Site) -> None:
    for name in ("one", "two"):
        text = cell_plugin(name, f"zoo_{name}")
        site.install(f"zoo-{name}", {f"zoo_{name}.py": text}, points={"acme": f"zoo_{name}"})
    known = read_installed()
    assert [(one.name, one.distribution, one.status) for one in known.plugins[1:]] == [
        ("acme", "zoo-one", "ok"), ("acme", "zoo-two", "ok"),
    ]  # fmt: skip
    assert known.find("cell", "one").qualified == "zoo-one/one"
    assert known.find("cell", "two").qualified == "zoo-two/two"


def test_an_entry_point_may_name_an_object(site: Site) -> None:
    text = "import zoo\nclass Plugins:\n    class Acme:\n        @zoo.hookimpl\n        def zoo_cells(self):\n"
    text += "            return [zoo.CellType(name='acme', build='a:b')]\n    acme = Acme()\n"
    site.install("zoo-acme", {"zoo_acme.py": text}, points={"acme": "zoo_acme:Plugins.acme"})
    known = read_installed()
    assert known.find("cell", "acme").plugin == "acme"
    assert known.plugins[1].module == "zoo_acme:Plugins.acme"


def test_damaged_installations_are_named_and_stop_nothing(site: Site) -> None:
    site.install("zoo-absent", {}, points={"absent": "zoo_absent"})
    site.install("zoo-attribute", {"zoo_attribute.py": ""}, points={"attribute": "zoo_attribute:gone"})
    site.install("zoo-alist", {"zoo_alist.py": "x = []\ny = None\n"}, points={"alist": "zoo_alist:x"})
    site.install("zoo-none", {}, points={"none": "zoo_alist:y"})
    site.install("zoo-value", {}, points={"value": "not a module!"})
    site.install("zoo-points", {}, points="[zoo.plugins]\nthis line says nothing\n")
    site.install("zoo-namless", {}, metadata="Metadata-Version: 2.1\n", points={"nameless": "x"})
    site.install("zoo-nodata", {}, metadata="", points={"nodata": "x"})
    site.install("zoo-unrelated", {}, points="[console_scripts]\nx = y:z\n")
    site.install("zoo-page", {}, points={"p" * 5000: "zoo_absent"})
    unreadable = site.path / "zoo_bytes-1.dist-info"
    unreadable.mkdir()
    (unreadable / "entry_points.txt").write_bytes(b"[zoo.plugins]\n\xff\xfe = x\n")
    site.plugin("good", cell_plugin("good", "zoo_good"))
    known = read_installed()
    causes = {one.name: one.cause for one in known.plugins[1:] if one.name != "?"}
    assert causes == {
        "absent": "its module 'zoo_absent' is missing: reinstall zoo-absent",
        "alist": "names a list, which cannot hold hooks",
        "attribute": "cannot be imported: AttributeError: module 'zoo_attribute' has no attribute 'gone'",
        "good": "",
        "p" * 100 + "...": "its module 'zoo_absent' is missing: reinstall zoo-page",
        "none": "names None, which cannot hold hooks",
        "value": "its entry point must name a module, or 'module:object', not 'not a module!'",
        "zoo-points": "its entry_points.txt cannot be read: reinstall zoo-points",
    }
    assert [(one.distribution, one.version, one.module, one.status) for one in known.plugins if one.name == "?"] == [
        ("?", "?", str(site.path), "broken")
    ] * 2
    assert all(one.cause.startswith("its METADATA cannot be read (") for one in known.plugins if one.name == "?")
    assert known.find("cell", "good").plugin == "good"
    assert known.find("cell", "lstm").plugin == "builtin"


def test_the_first_on_the_path_is_the_one_that_is_installed(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    further = Site(tmp_path / "further")
    further.path.mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(further.path)])
    site.plugin("acme", cell_plugin("new", "zoo_acme"), version="2")
    further.plugin("acme", cell_plugin("old", "zoo_acme"), version="1")
    known = read_installed()
    assert [(one.name, one.version, one.provides) for one in known.plugins[1:]] == [("acme", "2", {"cell": ("new",)})]


def test_a_later_version_without_the_entry_point_hides_an_earlier_one(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    further = Site(tmp_path / "further")
    further.path.mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(further.path)])
    site.install("zoo-acme", {}, version="2", points="[console_scripts]\nx = y:z\n")
    further.plugin("acme", cell_plugin("old", "zoo_acme"), version="1")
    assert told(read_installed()) == []


def test_plugins_can_be_left_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two", "three"):
        site.plugin(name, f"raise ValueError('{name} was loaded')")
    for value in ("none", " none "):
        monkeypatch.setenv("ZOO_PLUGINS", value)
        known = read_installed()
        cause = "ZOO_PLUGINS=none leaves it out"
        assert told(known) == [("one", "disabled", cause), ("three", "disabled", cause), ("two", "disabled", cause)]
        assert known.plugins[0].status == "ok"
        assert known.notes == ()
    monkeypatch.setenv("ZOO_PLUGINS", "two, Zoo_Three, four,four")
    known = read_installed()
    assert [(one.name, one.status) for one in known.plugins[1:]] == [
        ("one", "disabled"), ("three", "broken"), ("two", "broken"),
    ]  # fmt: skip
    assert known.plugins[1].cause == "ZOO_PLUGINS=two, Zoo_Three, four,four leaves it out"
    assert known.notes == ("ZOO_PLUGINS names 'four', and no such plugin is installed",)
    monkeypatch.setenv("ZOO_PLUGINS", "builtin, Recurrent_Zoo, thre")
    known = read_installed()
    assert {one.status for one in known.plugins[1:]} == {"disabled"}
    assert known.notes == ("ZOO_PLUGINS names 'thre', and no such plugin is installed; did you mean 'three'?",)
    monkeypatch.setenv("ZOO_PLUGINS", "")
    assert {one.status for one in read_installed().plugins[1:]} == {"broken"}


def test_a_spec_is_told_that_its_plugin_was_left_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.plugin("acme", cell_plugin("acme", "zoo_acme"))
    monkeypatch.setenv("ZOO_PLUGINS", "none")
    known = read_installed()
    left_out = "plugin acme (zoo-acme 0.1) is disabled: ZOO_PLUGINS=none leaves it out"
    with pytest.raises(Exception, match=f"^unknown cell 'acme'; {left_out.replace('(', '[(]').replace(')', '[)]')}$"):
        known.find("cell", "acme")
    assert known.why_missing("zoo-acme") == f"the spec requires zoo-acme, but {left_out}"


def test_a_plugin_sees_the_paths_it_adds_and_leaves_no_other_trace(site: Site) -> None:
    (site.path / "vendored").mkdir()
    (site.path / "vendored" / "vendored_by_acme.py").write_text("X = 1\n")
    text = "import pathlib, sys\nsys.path.append(str(pathlib.Path(__file__).parents[1] / 'vendored'))\n"
    site.plugin("acme", text + "import vendored_by_acme\n" + cell_plugin("acme", "zoo_acme"))
    before = list(sys.path)
    assert read_installed().find("cell", "acme").plugin == "acme"
    assert sys.path == [*before, str(site.path / "vendored")]


def test_the_current_directory_is_not_trusted_because_python_put_it_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, elsewhere = str(tmp_path), str(ROOT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)

    def trusted(*path: str, pythonpath: str | None = None) -> list[str]:
        monkeypatch.setattr(sys, "path", list(path))
        if pythonpath is not None:
            monkeypatch.setenv("PYTHONPATH", pythonpath)
        return trusted_path()

    assert trusted("", elsewhere) == [elsewhere]  # at a prompt, and with -c
    assert trusted(here, elsewhere) == [elsewhere]  # with -m
    assert trusted(elsewhere, here) == [elsewhere, here]  # an editable installation
    assert trusted(here, elsewhere, here) == [elsewhere, here]
    assert trusted(elsewhere, ".", "sub", here) == [elsewhere, here]
    assert trusted(elsewhere, here, pythonpath=f"{os.pathsep}{elsewhere}") == [elsewhere]
    assert trusted(elsewhere, here, pythonpath=f".{os.pathsep}{elsewhere}") == [elsewhere]
    assert trusted("", elsewhere, here, pythonpath=f"{here}{os.pathsep}{elsewhere}") == [elsewhere, here]
    link = tmp_path.parent / "link"
    link.symlink_to(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "")
    assert trusted(str(link), elsewhere) == [elsewhere]


HOSTILE = "import pathlib\n(pathlib.Path(__file__).parent / 'RAN').touch()\n"


@pytest.mark.parametrize(
    "python", [["-m", "zoo", "plugins"], ["-c", "import zoo.cli.main as m; m.app(['plugins'])"]], ids=["-m", "-c"]
)
def test_a_file_or_a_distribution_in_the_current_directory_never_runs(
    site: Site, tmp_path: Path, python: list[str]
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    Site(here).install("zoo-hostile", {"zoo_hostile.py": HOSTILE}, points={"hostile": "zoo_hostile"})
    # One that is installed, and whose module a file of the same name here would hide.
    site.install("zoo-acme", {"zoo_acme.py": cell_plugin("acme", "zoo_acme")}, points={"acme": "zoo_acme"})
    (here / "zoo_acme.py").write_text(HOSTILE)
    done = site.python(python, here)
    assert done.returncode == 0, done.stderr
    assert "hostile" not in done.stdout
    assert "cell: acme" in done.stdout
    assert not (here / "RAN").exists()


def test_an_editable_installation_works_from_elsewhere_and_from_its_own_folder(site: Site, tmp_path: Path) -> None:
    source = tmp_path / "checkout"
    source.mkdir()
    (source / "zoo_acme.py").write_text(cell_plugin("acme", "zoo_acme"))
    site.install("zoo-acme", {"zoo_acme.pth": f"{source}\n"}, points={"acme": "zoo_acme"})
    # PYTHONPATH is no site folder: its .pth files are not read unless asked for.
    start = f"import site; site.addsitedir({str(site.path)!r}); import zoo.cli.main as m; m.app(['plugins'])"
    for cwd in (tmp_path, source):
        done = site.python(["-c", start], cwd)
        assert done.returncode == 0, done.stderr
        assert "acme     zoo-acme 0.1" in done.stdout
        assert "cell: acme" in done.stdout, done.stdout
