"""Another value of any one equation of a page is seen: none is left out where the pages are evaluated."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from each import each
from equation_cases import beside, same
from equation_values import Page, Values, cells
from test_docs_cells_values import CASES
from test_docs_cells_values_more import MORE

ALL = {**CASES, **MORE}
UNSEEN = {
    "lmu": ["dm/dt"],  # explains what Ā and B̄ discretise
    "mlstm": ["m'"],  # the largest exponent so far keeps all others from overflowing, and cancels
    "mlstm-block": ["m'"],
    "slstm": ["m'"],
    "rwkv4": ["pp'"],
}
"""Equations by which no number is decided."""


class Bent(Page):
    """The page with another value of one of its equations."""

    def __init__(self, place: int, *args: Any, **keys: Any) -> None:
        self.bent = place
        super().__init__(*args, **keys)

    def read(self, place: int, bound: Values) -> Any:
        value = super().read(place, bound)
        if place != self.bent:
            return value
        return tuple(1.1 * part + 0.1 for part in value) if isinstance(value, tuple) else 1.1 * value + 0.1


@pytest.mark.filterwarnings("ignore:invalid value", "ignore:overflow", "ignore:divide by zero")
@each("kind", [one.record.name for one in cells()])
def test_every_equation_of_a_page_counts(kind: str) -> None:
    (known,) = (one for one in cells() if one.record.name == kind)
    left = set(range(len(known.equations)))
    for name in (name for name in ALL if name.partition("/")[0] == kind):
        both = beside(name, ALL[name])
        assert same(both.found(), both.expected)
        left -= {place for place in left if not same(both.found(partial(Bent, place)), both.expected)}
    assert [known.equations[place].symbol for place in sorted(left)] == UNSEEN.get(kind, [])
