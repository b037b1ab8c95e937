"""What a plugin does to the whole process while it is loaded is refused or undone, and its user is told."""

from __future__ import annotations

import locale
import os
import signal
import sys
import threading
from pathlib import Path

import pytest
from temporary_site import Site, cell_plugin

from zoo.plugin.manager import read_installed

WRONG = "schema: 1\nname: x\n"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("import os\nos._exit(0)", "os._exit"),
        ("from os import _exit\n_exit(0)", "os._exit"),
        ("import posix\nposix._exit(0)", "os._exit"),
        ("import os\nos.abort()", "os.abort"),
        ("import os\nos.execv('/bin/true', ['true'])", "os.execv"),
        ("import os\nos.execl('/bin/true', 'true')", "os.execv"),
        ("import os, zoo\n@zoo.hookimpl\ndef zoo_cells(): os._exit(0)", "os._exit"),
    ],
)
def test_a_plugin_cannot_end_the_program_while_it_is_loaded(text: str, what: str, site: Site) -> None:
    site.plugin("quits", text)
    site.plugin("good", cell_plugin("good", "zoo_good"))
    before = {name: getattr(os, name) for name in ("_exit", "abort", "execv", "execve")}
    known = read_installed()
    quits = next(plugin for plugin in known.plugins if plugin.name == "quits")
    assert quits.status == "broken"
    assert f"calls {what} when it is loaded, which would end the program" in quits.cause
    assert known.find("cell", "good").plugin == "good"
    assert {name: getattr(os, name) for name in before} == before
    assert sys.modules["posix"]._exit is before["_exit"]


def test_a_child_that_a_plugin_forks_may_end(site: Site) -> None:
    site.plugin(
        "forks", "import os\nchild = os.fork()\nif not child:\n    os._exit(7)\nstatus = os.waitpid(child, 0)[1]\n"
    )
    assert read_installed().plugins[1].status == "ok"
    assert os.waitstatus_to_exitcode(sys.modules["zoo_forks"].status) == 7


def test_what_it_changed_is_put_back_and_noted(site: Site) -> None:
    site.plugin(
        "careless",
        "import os, signal, sys\nos.chdir('/')\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nsys.stderr = None\nsys.stdout = None\n"
        "sys.excepthook = print\n",
    )
    before = (
        Path.cwd(),
        signal.getsignal(signal.SIGINT),
        sys.stderr,
        sys.stdout,
        sys.excepthook,
        locale.setlocale(locale.LC_ALL),
    )
    plugin = read_installed().plugins[1]
    assert (
        Path.cwd(),
        signal.getsignal(signal.SIGINT),
        sys.stderr,
        sys.stdout,
        sys.excepthook,
        locale.setlocale(locale.LC_ALL),
    ) == before
    for what in ("the current folder", "how signals are handled", "standard error", "sys.excepthook"):
        assert f"changes {what} when it is loaded, which is undone" in plugin.notes


def test_a_thread_that_every_command_waits_for_is_noted(site: Site) -> None:
    site.plugin(
        "threads",
        "import threading\nend = threading.Event()\nthreading.Thread(target=end.wait, name='worker').start()\n"
        "threading.Thread(target=end.wait, daemon=True).start()\n",
    )
    plugin = read_installed().plugins[1]
    assert "starts a thread when it is loaded (worker), for which every command waits" in plugin.notes
    sys.modules["zoo_threads"].end.set()
    assert threading.current_thread() is threading.main_thread()


def test_a_wrong_spec_stays_wrong_whatever_a_plugin_does(site: Site, tmp_path: Path) -> None:
    site.plugin("quits", "import os\nos.write(1, b'noise')\nos._exit(0)\n")
    (tmp_path / "wrong.yaml").write_text(WRONG)
    done = site.zoo("validate", "wrong.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout.startswith("wrong.yaml:1:1: missing key")
    assert done.stderr == "noise"


def test_pydantic_stumbles_over_no_other_distribution_when_zoo_is_imported(site: Site, tmp_path: Path) -> None:
    site.install("malformed", {}, points="nonsense without an equals sign\n[pydantic]\nneither\n")
    done = site.python(
        ["-c", "import os, zoo; print(zoo.load('lstm').name, os.environ.get('PYDANTIC_DISABLE_PLUGINS'))"], tmp_path
    )
    assert (done.returncode, done.stdout) == (0, "lstm None\n"), done.stderr
