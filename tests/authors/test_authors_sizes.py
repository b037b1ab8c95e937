"""Small specs for tests, and a process that knows the given plugins alone."""

from __future__ import annotations

import types

import author_acme
import pytest
from each import each

import zoo
from zoo.plugin import manager
from zoo.plugin.manager import given
from zoo.testing import isolated_plugins, tiny, tiny_spec


def test_tiny_takes_a_spec_in_every_form() -> None:
    spec = zoo.load("zaremba-lm@medium")
    small = tiny(spec)
    assert small == tiny("zaremba-lm@medium")
    assert [layer.hidden_size for layer in small.recurrent] == [11, 11]
    assert [layer.hidden_size for layer in spec.recurrent] == [650, 650]


def test_tiny_spec_is_one_layer_of_a_cell_with_what_else_is_asked_for() -> None:
    plain = tiny_spec("gru")
    assert (plain.name, plain.recurrent[0].hidden_size, plain.input.options.size) == ("gru", 7, 5)  # type: ignore[attr-defined]
    more = tiny_spec({"kind": "lstm", "bias": "one"}, input=3, hidden_size=4, layers=2, name="mine")
    assert (more.name, len(more.layers), more.recurrent[1].cell.options.bias) == ("mine", 2, "one")  # type: ignore[attr-defined]
    assert tiny_spec("recurrent-zoo/gru").name == "gru"


def test_what_a_file_would_be_told_a_tiny_spec_is_told() -> None:
    with pytest.raises(zoo.SpecError, match="unknown cell 'lstn'; did you mean 'lstm'"):
        tiny_spec("lstn")
    with pytest.raises(zoo.SpecError, match="unknown key 'hiden'"):
        tiny_spec("lstm", hiden=3)
    for wrong in ({}, 3):
        with pytest.raises(zoo.ZooError, match="a cell is a name, or a mapping with a name as its 'kind'"):
            tiny_spec(wrong)  # type: ignore[arg-type]
    with pytest.raises(zoo.ZooError, match="a spec is a name, a path, a mapping or a loaded spec, not 3"):
        tiny(3)  # type: ignore[arg-type]


def test_only_the_given_plugins_are_there_and_nothing_is_discovered() -> None:
    outside = manager.catalogue()
    with isolated_plugins(author_acme) as known:
        assert [plugin.distribution for plugin in known.plugins] == ["recurrent-zoo", "author-acme"]
        assert known.find("cell", "decay").qualified == "author-acme/decay"
        assert manager.catalogue() is known
        with pytest.raises(zoo.PluginError, match="discovery is closed: only the plugins that this test was given"):
            manager.read_installed()
        with isolated_plugins() as fewer:
            assert [plugin.name for plugin in fewer.plugins] == ["builtin"]
        assert manager.catalogue() is known
    assert manager.catalogue() is outside
    assert {plugin.name for plugin in manager.read_installed().plugins} >= {"builtin"}


def test_a_plugin_may_be_given_with_another_name_and_version() -> None:
    with isolated_plugins(given(author_acme, distribution="zoo-other", version="3.1")) as known:
        found = known.find("cell", "zoo-other/decay")
        assert (found.distribution, found.version) == ("zoo-other", "3.1")


@each("wrong", ["author_acme", type("Plugin", (), {})])
def test_what_is_no_plugin_is_refused(wrong: object) -> None:
    said = "a plugin is a module, or an object with hooks as its methods, not"
    with pytest.raises(zoo.PluginError, match=said), isolated_plugins(wrong):
        pass


def test_an_installed_module_has_the_version_of_its_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: {"author-acme": "2.5", "recurrent-zoo": "1"}[name])
    with isolated_plugins(author_acme) as known:
        assert known.find("cell", "decay").version == "2.5"


def test_a_plugin_that_does_not_work_is_an_error_at_once() -> None:
    broken = types.ModuleType("zoo_broken")
    broken.zoo_cells = author_acme.kept  # type: ignore[attr-defined]  # a function, and not marked
    said = r"plugin zoo-broken .* is broken: zoo_cells is not marked"
    with pytest.raises(zoo.PluginError, match=said), isolated_plugins(broken):
        pass
    assert {plugin.name for plugin in manager.read_installed().plugins} >= {"builtin"}
