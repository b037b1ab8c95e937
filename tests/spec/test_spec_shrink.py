"""Tiny copies: the same structure, equal widths still equal, sizes that no swapped axis can hide behind."""

from __future__ import annotations

import math

from each import each
from spec_support import HEAD, Resolve
from test_spec_canonical import CORPUS, SPECS

from zoo.spec.canonical import Spec
from zoo.spec.describe import describe
from zoo.spec.shrink import VOCABULARIES, WIDTHS, shrink
from zoo.spec.tree import Component

BASE = "schema: 1\nname: x\n"


def tiny(models: Resolve, text: str) -> Spec:
    return shrink(models(text)[None].spec)


def test_widths_become_distinct_primes_and_equal_ones_stay_equal(models: Resolve) -> None:
    text = BASE + "input: 100\ncell: lstm\nlayers: [{hidden_size: 200}, {hidden_size: 100}, {hidden_size: 300}]\n"
    small = tiny(models, text)
    assert small.input.options.size == 11  # type: ignore[attr-defined]
    assert [layer.hidden_size for layer in small.recurrent] == [17, 11, 19]
    assert all(math.gcd(a, b) == 1 for a in WIDTHS for b in WIDTHS if a != b)


def test_what_is_small_already_stays(models: Resolve) -> None:
    small = tiny(models, BASE + "input: 3\ncell: lstm\nhidden_size: 5\nhead: {kind: linear, size: 1}\n")
    assert small == models(BASE + "input: 3\ncell: lstm\nhidden_size: 5\nhead: {kind: linear, size: 1}\n")[None].spec


def test_a_tied_head_still_fits(models: Resolve) -> None:
    small = tiny(
        models, BASE + "input: {kind: tokens, vocabulary: 10000, size: 400}\ncell: gru\nhidden_size: 400\nhead: tied\n"
    )
    assert small.input.options.vocabulary == VOCABULARIES[0]  # type: ignore[attr-defined]
    assert small.input.options.size == small.recurrent[0].hidden_size == 11  # type: ignore[attr-defined]


def test_residual_widths_still_fit(models: Resolve) -> None:
    text = HEAD.replace("10", "64").replace("20", "256") + "layers: [{output_projection: 64, residual: true}, {}]\n"
    small = tiny(models, text)
    assert small.input.options.size == small.recurrent[0].output_projection == 11  # type: ignore[attr-defined]
    assert [layer.hidden_size for layer in small.recurrent] == [17, 17]


def test_a_residual_over_two_directions_keeps_its_ratio(models: Resolve) -> None:
    text = HEAD.replace("10", "512").replace("20", "256") + "bidirectional: true\nresidual: true\nlayers: 2\n"
    small = tiny(models, text)
    hidden = small.recurrent[0].hidden_size
    assert small.input.options.size == 2 * hidden  # type: ignore[attr-defined]
    assert hidden == 11


def test_heads_still_divide_their_width(models: Resolve) -> None:
    text = BASE + "input: 5\ncell: {kind: heads, heads: 8}\nhidden_size: 64\n"
    small = tiny(models, text).recurrent[0]
    assert (small.cell.options.heads, small.hidden_size) == (2, 34)  # type: ignore[attr-defined]


def test_a_kind_of_layer_that_multiplies_widths(models: Resolve) -> None:
    text = BASE + "input: 16\ncell: lstm\nlayers: [{kind: quadruple}, {hidden_size: 64, residual: true}]\n"
    small = tiny(models, text)
    assert small.recurrent[0].hidden_size == 4 * small.input.options.size == 44  # type: ignore[attr-defined]


def test_a_projection_stays_smaller_than_its_cell(models: Resolve) -> None:
    text = BASE + "input: 10\ncell: {kind: lstm, projection: 64}\nhidden_size: 512\n"
    small = tiny(models, text).recurrent[0]
    assert 1 < small.cell.options.projection < small.hidden_size <= 31  # type: ignore[attr-defined]


def test_a_padding_symbol_stays_a_symbol(models: Resolve) -> None:
    text = BASE + "input: {kind: tokens, vocabulary: 5000, size: 30, padding: 4999}\ncell: gru\nhidden_size: 7\n"
    small = tiny(models, text)
    options = small.input.options
    assert options.padding < options.vocabulary  # type: ignore[attr-defined]
    assert options.size == 17  # type: ignore[attr-defined]


@each(
    "text", [path.read_text(encoding="utf-8") for path in SPECS] + list(CORPUS.values()), ids=lambda t: t.split("\n")[2]
)
def test_every_copy_is_small_and_of_the_same_structure(text: str, models: Resolve) -> None:
    for model in models(text).values():
        small = shrink(model.spec)
        assert small.expect is None
        assert describe(small).parameters <= min(model.description.parameters, 40_000)  # type: ignore[type-var, operator]
        assert len(small.layers) == len(model.spec.layers)
        for a, b in zip(small.layers, model.spec.layers, strict=True):
            assert type(a) is type(b)
            if not isinstance(a, Component) and not isinstance(b, Component):
                assert (a.bidirectional, a.merge, a.reverse, a.dropout, a.residual, a.initial_state) == (
                    b.bidirectional, b.merge, b.reverse, b.dropout, b.residual, b.initial_state,
                )  # fmt: skip
                assert a.cell.provided == b.cell.provided
                assert (a.norm is None) == (b.norm is None)
        assert shrink(small) == small
