"""Catalogues that do not depend on what is installed, and the way from text to what it means."""

from __future__ import annotations

import pytest
from spec_acme import Acme
from spec_support import Mistakes, Resolve

from zoo.errors import SpecError
from zoo.plugin.catalogue import Catalogue
from zoo.plugin.manager import given, isolated
from zoo.spec.document import parse
from zoo.spec.resolve import resolve


@pytest.fixture(scope="session")
def builtin() -> Catalogue:
    return isolated()


@pytest.fixture(scope="session")
def with_acme() -> Catalogue:
    catalogue = isolated(given(Acme(), distribution="zoo-acme", version="0.1"))
    assert [plugin.status for plugin in catalogue.plugins] == ["ok", "ok"], catalogue.plugins
    return catalogue


@pytest.fixture(scope="session")
def models(with_acme: Catalogue) -> Resolve:
    """Every model that a text describes."""
    return lambda text: resolve(parse(text.encode(), "f.yaml"), with_acme)


@pytest.fixture(scope="session")
def mistakes(models: Resolve) -> Mistakes:
    """The first line of every diagnostic, without the file's name."""

    def found(text: str) -> list[str]:
        with pytest.raises(SpecError) as caught:
            models(text)
        return [str(d).partition("\n")[0].removeprefix("f.yaml:") for d in caught.value.diagnostics]

    return found
