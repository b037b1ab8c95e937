"""Plugins as wheels that pip installs, upgrades and takes away again, and what a user sees meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

from environments import Environment
from wheels import Desk, cell, wheel


def test_from_the_first_installation_to_the_last(user_environment: Environment, tmp_path: Path) -> None:
    desk = Desk(user_environment, tmp_path)
    assert list(desk.plugins()) == ["builtin"]

    # Not there yet: the message says what to install, as far as the spec says it.
    spec = desk.spec("zoo-acme/acme")
    assert (
        "unknown cell 'zoo-acme/acme'; no plugin of 'zoo-acme' is installed: pip install zoo-acme"
        in desk.zoo("validate", spec)[1]
    )
    spec = desk.spec("acme", 'requires: ["zoo-acme>=0.2"]\n')
    status, said, _ = desk.zoo("validate", spec)
    assert status == 2
    assert "the spec requires zoo-acme>=0.2, which is not installed: pip install 'zoo-acme>=0.2'" in said

    # Too old, then upgraded in place; weights of the one are told apart in the other.
    desk.pip("install", "--no-deps", wheel(tmp_path, "zoo-acme", cell("zoo_acme", "acme"), "0.1"))
    assert (
        "requires zoo-acme>=0.2, but zoo-acme 0.1 is installed: pip install 'zoo-acme>=0.2'"
        in desk.zoo("validate", spec)[1]
    )
    desk.spec("acme")
    save = "import torch, zoo; torch.save(zoo.build('mine.yaml').state_dict(), 'weights.pt')"
    load = "import torch, zoo; zoo.build('mine.yaml').load_state_dict(torch.load('weights.pt'))"
    user_environment.must_run("python", "-c", save, cwd=tmp_path)
    assert user_environment.must_run("python", "-c", load, cwd=tmp_path).stderr == ""
    desk.pip("install", "--no-deps", wheel(tmp_path, "zoo-acme", cell("zoo_acme", "acme"), "0.2", gain="0.25"))
    assert desk.plugins()["acme"]["version"] == "0.2"
    warned = user_environment.must_run("python", "-c", load, cwd=tmp_path).stderr
    assert "ProvenanceWarning: these weights were saved with zoo-acme 0.1, and are loaded into a model with" in warned
    assert "pip install 'zoo-acme==0.1'" in warned
    assert "cell acme (zoo-acme 0.2)" in desk.zoo("summary", "mine.yaml")[1]

    # A second plugin with the same name, and one with a built-in's: nothing changes its meaning by itself.
    desk.pip("install", "--no-deps", wheel(tmp_path, "zoo-rival", cell("zoo_rival", "acme")))
    desk.pip("install", "--no-deps", wheel(tmp_path, "zoo-shade", cell("zoo_shade", "lstm")))
    status, said, _ = desk.zoo("validate", "mine.yaml")
    assert (status, "two plugins offer a cell 'acme': write 'zoo-acme/acme' or 'zoo-rival/acme'" in said) == (2, True)
    for written, meant in (("zoo-rival/acme", "zoo-rival/acme"), ("lstm", "recurrent-zoo/lstm")):
        assert desk.meaning(desk.spec(written)) == meant
    assert desk.meaning(desk.spec("zoo-shade/lstm")) == "zoo-shade/lstm"
    assert desk.plugins()["acme"]["notes"] == ["cell 'acme' is offered by zoo-rival too: write 'zoo-acme/acme'"]
    assert desk.plugins()["shade"]["notes"] == ["cell 'lstm' is a built-in's name: write 'zoo-shade/lstm'"]

    # Taken away again: the bare name has one meaning once more.
    desk.pip("uninstall", "--yes", "zoo-rival", "zoo-shade")
    assert desk.meaning(desk.spec("acme")) == "zoo-acme/acme"
    desk.pip("uninstall", "--yes", "zoo-acme")
    assert list(desk.plugins()) == ["builtin"]


def test_what_does_not_work_stops_nothing_else(user_environment: Environment, tmp_path: Path) -> None:
    desk = Desk(user_environment, tmp_path)
    slow = "import time\n\ntime.sleep(0.3)\n" + cell("zoo_slow", "slow")
    generator = cell("zoo_half", "half").replace("    return [", "    yield ").replace(")]", ")\n    1 / 0")
    made = {
        "zoo-good": cell("zoo_good", "good"),
        "zoo-slow": slow,
        "zoo-half": generator,
        "zoo-later": cell("zoo_later", "later", api=9),
        "zoo-lacks": "import a_module_that_nobody_has\n",
        "zoo-typo": cell("zoo_typo", "typo").replace("zoo_cells", "zoo_cels"),
        "zoo-ends": "import sys\n\nsys.exit('no licence')\n",
    }
    desk.pip("install", "--no-deps", *(wheel(tmp_path, name, text) for name, text in made.items()))
    try:
        found = desk.plugins()
        assert {name: one["status"] for name, one in found.items()} == {
            "builtin": "ok",
            "ends": "broken",
            "good": "ok",
            "half": "broken",
            "lacks": "broken",
            "later": "incompatible",
            "slow": "ok",
            "typo": "broken",
        }
        assert found["half"]["cause"] == "zoo_cells raised ZeroDivisionError: division by zero"
        assert found["lacks"]["cause"] == "needs the module 'a_module_that_nobody_has', which is not installed"
        assert found["typo"]["cause"] == "unknown hook 'zoo_cels'; did you mean 'zoo_cells'?"
        assert found["ends"]["cause"] == "cannot be imported: SystemExit: no licence"
        assert "is made for version 9 of the plugin API, and this is version 1" in found["later"]["cause"]
        assert found["slow"]["load_seconds"] > 0.3

        table, told = desk.zoo("plugins")[1:]
        (line,) = [line for line in table.splitlines() if line.startswith("slow ")]
        assert line.endswith("cell: slow; every command waits 0.3 s for it")
        assert told.startswith("5 of 8 do not work: ends, half, lacks, later, typo; zoo plugins --traceback NAME")

        assert desk.meaning(desk.spec("good")) == "zoo-good/good"
        status, said, _ = desk.zoo("validate", desk.spec("half"))
        assert status == 2
        assert "unknown cell 'half'; plugin half (zoo-half 0.1) is broken: zoo_cells raised ZeroDivisionError" in said

        status, rows, told = desk.zoo("list", "imdb", "--json")
        assert (status, json.loads(rows)[0]["name"]) == (0, "imdb-bilstm")
        assert [line.split()[1] for line in told.splitlines()] == ["ends", "half", "lacks", "later", "typo"]

        # Whoever does not want to wait, or to be told, can say so.
        status, rows, told = desk.zoo("list", "imdb", "--json", env={"ZOO_PLUGINS": "good"})
        assert (status, told) == (0, "")
        said = desk.zoo("validate", desk.spec("slow"), env={"ZOO_PLUGINS": "good,gone"})[1]
        assert "plugin slow (zoo-slow 0.1) is disabled: ZOO_PLUGINS=good,gone leaves it out" in said
        told = desk.zoo("plugins", env={"ZOO_PLUGINS": "good,gone"})[2]
        assert told == "ZOO_PLUGINS names 'gone', and no such plugin is installed\n"
    finally:
        desk.pip("uninstall", "--yes", *made)
