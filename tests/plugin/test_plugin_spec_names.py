"""How the specs of the library are named, and which one a name means."""

from __future__ import annotations

import types
from pathlib import Path

import pytest
from each import each

from zoo.errors import ZooError
from zoo.plugin.catalogue import Catalogue
from zoo.plugin.hookspecs import hookimpl
from zoo.plugin.manager import given, isolated
from zoo.spec import library

SPEC = "schema: 1\nname: {name}\ninput: 3\ncell: rnn\nhidden_size: 4\n"


def offering(folder: Path, distribution: str, *paths: str) -> Catalogue:
    """A catalogue of the built-in plugin and one more, with specs at these places."""
    for path in paths:
        file = folder / distribution / f"{path}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(SPEC.format(name=file.stem), encoding="utf-8")
    module = types.ModuleType(distribution)

    @hookimpl
    def zoo_specs() -> list[Path]:
        return [folder / distribution]

    module.zoo_specs = zoo_specs  # type: ignore[attr-defined]
    return isolated(given(module, distribution=distribution))


def test_a_spec_has_its_folder_in_its_name(tmp_path: Path) -> None:
    known = offering(tmp_path, "zoo-acme", "acme", "deep/er/acme")
    ours = [entry for entry in library.entries(known) if entry.distribution == "zoo-acme"]
    assert [(entry.name, entry.qualified) for entry in ours] == [
        ("acme", "zoo-acme/acme"),
        ("deep/er/acme", "zoo-acme/deep/er/acme"),
    ]


@each(
    ("name", "file"),
    [
        ("acme", "acme"),  # the whole name of one comes before the own name of another
        ("zoo-acme/acme", "acme"),
        ("deep/acme", "deep/acme"),
        ("zoo-acme/deep/acme", "deep/acme"),
        ("only", "deep/only"),
        ("zoo-acme/only", "deep/only"),
    ],
)
def test_its_own_name_is_enough_where_no_other_has_it(tmp_path: Path, name: str, file: str) -> None:
    known = offering(tmp_path, "zoo-acme", "acme", "deep/acme", "deep/only")
    assert library.locate(name, known) == (tmp_path / "zoo-acme" / f"{file}.yaml", None)


def test_the_own_name_of_two_is_refused_with_both_whole_ones(tmp_path: Path) -> None:
    known = offering(tmp_path, "zoo-acme", "a/twin", "b/twin")
    with pytest.raises(ZooError) as caught:
        library.locate("twin", known)
    assert str(caught.value) == "two specs are called 'twin': write 'zoo-acme/a/twin' or 'zoo-acme/b/twin'"


def test_the_built_in_library_keeps_its_names(tmp_path: Path) -> None:
    known = offering(tmp_path, "zoo-acme", "lstm", "cells/tlstm", "tgru")
    for name, distribution in (("lstm", "recurrent-zoo"), ("tlstm", "recurrent-zoo"), ("tgru", "zoo-acme")):
        path, _ = library.locate(name, known)
        (entry,) = (entry for entry in library.entries(known) if entry.path == path)
        assert entry.distribution == distribution, name


def test_a_misspelt_name_is_told_the_short_one() -> None:
    with pytest.raises(ZooError, match=r"unknown spec 'tlsmt'; did you mean 'tlstm'\?"):
        library.locate("tlsmt")
