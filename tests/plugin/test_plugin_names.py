"""Who may be meant by a name, who provided what, and that no order of installation decides it."""

from __future__ import annotations

import itertools
from importlib.metadata import version
from types import ModuleType
from typing import Any

import pytest
from each import each
from temporary_site import CELLS, Site, cell_plugin

import zoo
from zoo.components import CellType, CheckType, HeadType
from zoo.errors import ZooError
from zoo.plugin.catalogue import Catalogue
from zoo.plugin.loading import Source
from zoo.plugin.manager import catalogue, given, isolated, read_installed, using


def plugin(*records: Any) -> ModuleType:
    """A module whose hooks return these records."""
    module = ModuleType("made_here")
    for hook, kind in (("zoo_cells", CellType), ("zoo_heads", HeadType), ("zoo_checks", CheckType)):
        mine = [record for record in records if isinstance(record, kind)]
        if mine:
            function = eval("lambda: records", {"records": mine})
            setattr(module, hook, zoo.hookimpl(function))
    return module


def cell(name: str) -> CellType:
    return CellType(name=name, build="made.cell:Cell")


def acme(*records: Any, version: str = "0.2") -> Source:
    return given(plugin(*records), distribution="zoo-acme", version=version, name="acme")


def other(*records: Any) -> Source:
    return given(plugin(*records), distribution="zoo-other", version="1.0", name="other")


def notes(known: Catalogue) -> dict[str, tuple[str, ...]]:
    return {one.name: one.notes for one in known.plugins}


def refusal(known: Catalogue, kind: str, name: str) -> str:
    with pytest.raises(ZooError) as error:
        known.find(kind, name)
    return str(error.value)


def test_a_plugins_component_is_found_by_both_names_with_its_provenance() -> None:
    known = isolated(acme(cell("acme")))
    found = known.find("cell", "acme")
    assert (found.distribution, found.version, found.plugin, found.qualified) == (
        "zoo-acme", "0.2", "acme", "zoo-acme/acme",
    )  # fmt: skip
    assert known.find("cell", "zoo-acme/acme") is found
    assert known.find("cell", "Zoo_Acme/acme") is found
    assert known.spelling(found) == "acme"
    assert known.find("cell", "recurrent-zoo/lstm") is known.find("cell", "lstm")
    assert notes(known)["acme"] == ()


def test_a_built_in_name_stays_the_built_ins() -> None:
    known = isolated(acme(cell("lstm"), HeadType(name="lstm", build="a:b")))
    assert known.find("cell", "lstm").distribution == "recurrent-zoo"
    mine = known.find("cell", "zoo-acme/lstm")
    assert mine.distribution == "zoo-acme"
    assert known.spelling(mine) == "zoo-acme/lstm"
    assert [one.qualified for one in known.all("cell")] == [
        f"{distribution}/{name}" for name in CELLS for distribution in ("recurrent-zoo", "zoo-acme")
        if distribution == "recurrent-zoo" or name == "lstm"
    ]  # fmt: skip
    assert known.find("head", "lstm").distribution == "zoo-acme"
    assert notes(known) == {"builtin": (), "acme": ("cell 'lstm' is a built-in's name: write 'zoo-acme/lstm'",)}


def test_two_plugins_with_one_name_are_told_apart_by_the_qualified_ones_only() -> None:
    known = isolated(acme(cell("same")), other(cell("same"), cell("alone")))
    assert refusal(known, "cell", "same") == (
        "two plugins offer a cell 'same': write 'zoo-acme/same' or 'zoo-other/same'"
    )
    assert known.find("cell", "zoo-other/same").distribution == "zoo-other"
    assert known.find("cell", "zoo-acme/same").distribution == "zoo-acme"
    assert known.find("cell", "alone").distribution == "zoo-other"
    assert [name for name in known.names("cell") if "recurrent-zoo/" not in name] == [
        *sorted(["alone", *CELLS, "zoo-acme/same", "zoo-other/alone", "zoo-other/same"]),
    ]  # fmt: skip
    assert notes(known)["acme"] == ("cell 'same' is offered by zoo-other too: write 'zoo-acme/same'",)
    assert notes(known)["other"] == ("cell 'same' is offered by zoo-acme too: write 'zoo-other/same'",)


def test_three_rivals_are_counted() -> None:
    sources = [given(plugin(cell("same")), distribution=f"zoo-{name}") for name in "cab"]
    assert refusal(isolated(*sources), "cell", "same") == (
        "3 plugins offer a cell 'same': write 'zoo-a/same' or 'zoo-b/same' or 'zoo-c/same'"
    )


def test_no_order_of_installation_changes_what_a_name_means() -> None:
    def seen(order: tuple[str, ...]) -> object:
        made = {name: given(plugin(cell("same"), cell(name)), distribution=f"zoo-{name}") for name in order}
        known = isolated(*made.values())
        return known.names("cell"), refusal(known, "cell", "same"), [one.qualified for one in known.all("cell")]

    results = [seen(order) for order in itertools.permutations("abc")]
    assert all(result == results[0] for result in results)


def test_two_plugins_of_one_distribution_cannot_offer_one_name() -> None:
    first = given(plugin(cell("same")), distribution="zoo-acme", name="a")
    second = given(plugin(cell("same"), cell("more")), distribution="zoo-acme", name="b")
    known = isolated(first, second)
    assert [(one.name, one.status) for one in known.plugins[1:]] == [("a", "ok"), ("b", "broken")]
    assert known.plugins[2].cause == "cell 'zoo-acme/same' is offered by plugin a of the same distribution too"
    assert known.find("cell", "same").plugin == "a"
    assert refusal(known, "cell", "more").startswith("unknown cell 'more'; plugin b (zoo-acme 0) is broken: cell 'zoo")


def test_one_object_registered_twice_is_said_so() -> None:
    module = plugin(cell("acme"))
    known = isolated(given(module, distribution="zoo-a", name="a"), given(module, distribution="zoo-b", name="b"))
    assert known.plugins[2].cause == "is the same object as plugin zoo-a/a: register it once"
    assert known.find("cell", "acme").plugin == "a"


@each(
    ("kind", "name", "hint"),
    [
        ("cell", "ltsm", "; did you mean 'lstm'?"),
        ("cell", "acm", "; did you mean 'acme'?"),
        ("cell", "zoo-acm/acme", "; did you mean 'zoo-acme/acme'?"),
        ("cell", "zoo-acme/acm", "; did you mean 'zoo-acme/acme'?"),
        ("cell", "zoo-elsewhere/acme", "; no plugin of 'zoo-elsewhere' is installed: pip install zoo-elsewhere"),
        ("cell", "numpy/acme", "; numpy is installed, but is not a plugin"),
        ("cell", "zoo-acme/transformer", "; zoo-acme 0.2 offers no cell but acme"),
        ("head", "Zoo_Acme/acme", "; zoo-acme 0.2 offers no head"),
        ("head", "recurrent-zoo/lineal", "; did you mean 'recurrent-zoo/linear'?"),
        (
            "pool",
            "recurrent-zoo/x",
            f"; recurrent-zoo {version('recurrent-zoo')} offers no pool but attention, last, max, mean",
        ),
        ("cell", "~/acme", "; no plugin of '~' is installed"),
        ("cell", "/", f"; `zoo components --kind cell` shows the {len(CELLS) + 1} that are installed"),
        ("cell", "", f"; `zoo components --kind cell` shows the {len(CELLS) + 1} that are installed"),
        ("cell", "transformer", f"; `zoo components --kind cell` shows the {len(CELLS) + 1} that are installed"),
        ("cell", "LSTM", "; did you mean 'lstm'?"),
        ("cell", "Phased_LSTM", "; did you mean 'phased-lstm'?"),
        ("cell", "PhasedLSTM", "; did you mean 'phased-lstm'?"),
        ("cell", "zoo-acme/ACME", "; did you mean 'zoo-acme/acme'?"),
        ("head", "LINEAR", "; did you mean 'linear'?"),
        ("no-such-kind", "x", "; none is installed"),
    ],
)
def test_an_unknown_name_gets_a_hint(kind: str, name: str, hint: str) -> None:
    assert refusal(isolated(acme(cell("acme"))), kind, name) == f"unknown {kind} {name!r}{hint}"


def test_what_a_plugin_no_longer_offers_is_not_looked_for_elsewhere() -> None:
    known = isolated(acme(cell("fine")), other(cell("gone"), cell("fine")))
    assert refusal(known, "cell", "zoo-acme/gone") == (
        "unknown cell 'zoo-acme/gone'; zoo-acme 0.2 offers no cell but fine"
    )
    many = isolated(acme(*(cell(f"c{i:02}") for i in range(40))))
    shown = ", ".join(f"c{i:02}" for i in range(20))
    assert refusal(many, "cell", "zoo-acme/zebra").endswith(f"offers no cell but {shown}, and 20 more")


def test_a_very_long_name_is_cut() -> None:
    assert (
        refusal(isolated(), "cell", "x" * 100_000)
        == f"unknown cell '{'x' * 57}...'; `zoo components --kind cell` shows the {len(CELLS)} that are installed"
    )


def test_a_short_list_of_known_names_is_shown_and_where_to_see_a_long_one() -> None:
    def known(count: int) -> Catalogue:
        return isolated(acme(*(cell(f"c{i:02}") for i in range(count))), with_builtin=False)

    shown = ", ".join(f"c{i:02}" for i in range(20))
    assert refusal(known(20), "cell", "zebra") == f"unknown cell 'zebra'; known: {shown}"
    said = "unknown cell 'zebra'; `zoo components --kind cell` shows the 21 that are installed"
    assert refusal(known(21), "cell", "zebra") == said


def test_checks_follow_the_same_rules_and_keep_the_built_in_order() -> None:
    known = isolated(other(CheckType(name="shapes", run="a:b"), CheckType(name="aaa", run="a:b")), acme(cell("acme")))
    names = [check.record.name for check in known.checks]
    assert names[:2] == ["shapes", "parameters"]
    assert names[-2:] == ["aaa", "shapes"]
    assert known.find_check("shapes").distribution == "recurrent-zoo"
    assert known.find_check("zoo-other/shapes").distribution == "zoo-other"
    assert [known.spelling(check) for check in known.checks[-2:]] == ["aaa", "zoo-other/shapes"]
    assert notes(known)["other"] == ("check 'shapes' is a built-in's name: write 'zoo-other/shapes'",)
    with pytest.raises(ZooError, match=r"^unknown check 'shape'; did you mean 'shapes'\?$"):
        known.find_check("shape")


def test_the_built_in_components_are_one_plugin_among_others() -> None:
    from importlib.metadata import version

    (own,) = isolated().plugins
    assert (own.name, own.distribution, own.version, own.module, own.status, own.notes) == (
        "builtin", "recurrent-zoo", version("recurrent-zoo"), "zoo.builtin", "ok", (),
    )  # fmt: skip
    assert own.provides["cell"] == tuple(CELLS)
    assert own.provides["pool"] == ("attention", "last", "max", "mean")
    assert "lstm" in own.provides["spec"]
    assert list(own.provides) == [*sorted(set(own.provides) - {"spec"}), "spec"]


def test_the_built_in_records_obey_the_rules_for_plugins() -> None:
    import zoo.builtin

    stranger = given(zoo.builtin, distribution="zoo-stranger", version="1")
    (found,) = isolated(stranger, with_builtin=False).plugins
    assert (found.status, found.cause) == ("ok", "")


def test_another_catalogue_can_be_used_for_a_while() -> None:
    before = catalogue()
    with using(isolated(acme(cell("acme")))) as known:
        assert catalogue() is known
        assert catalogue().find("cell", "acme").plugin == "acme"
        with pytest.raises(KeyError), using(isolated()):
            raise KeyError
        assert catalogue() is known
    assert catalogue() is before
    assert catalogue() is before
    assert "acme" not in before.names("cell")


def test_a_class_instance_can_be_a_plugin() -> None:
    class Acme:
        @zoo.hookimpl
        def zoo_cells(self) -> list[CellType]:
            return [cell("acme")]

    known = isolated(given(Acme(), distribution="zoo-acme"))
    assert known.find("cell", "acme").plugin == "zoo-acme"
    assert known.plugins[1].module == "Acme"


def test_an_installed_plugin_replaces_nothing(site: Site) -> None:
    site.plugin("acme", cell_plugin("lstm", "zoo_acme"))
    site.plugin("beta", cell_plugin("same", "zoo_beta"))
    site.install(
        "Zoo_Gamma", {"zoo_gamma.py": cell_plugin("same", "zoo_gamma")}, version="3", points={"gamma": "zoo_gamma"}
    )
    known = read_installed()
    assert known.find("cell", "lstm").distribution == "recurrent-zoo"
    assert refusal(known, "cell", "same") == (
        "two plugins offer a cell 'same': write 'zoo-beta/same' or 'zoo-gamma/same'"
    )
    assert known.find("cell", "zoo-gamma/same").version == "3"
