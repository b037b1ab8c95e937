"""Published models held to the packages that have them: a restatement may repeat a misreading, a package cannot."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from borrowed import needed
from proving import Case, gives_the_same, no_weight_is_in_vain, others_are_told_apart

from packages.held import Held
from packages.table import HELD, VERSIONS

IDS = [f"{held.model}-{held.package}{'-trained' * held.case.trained}" for held in HELD]


@pytest.mark.parametrize("held", HELD, ids=IDS)
@pytest.mark.parametrize("check", [gives_the_same, no_weight_is_in_vain, others_are_told_apart])
def test_a_model_is_that_of_the_package(held: Held, check: Callable[[str, Case], None]) -> None:
    """A skip where a package is not installed: the long run installs them all."""
    needed(held.package, VERSIONS[held.package])
    check(held.model, held.case)
