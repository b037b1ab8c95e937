"""Truncated distributions against ones that are written out, against transformers' own, and what is drawn by chi-square."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from each import each
from scipy.stats import chisquare, kstest
from torch import Tensor

from zoo.checks.chances import chances, unlike
from zoo.errors import InputError
from zoo.model.sampling import Sampling, check, chosen, distribution, picked, streams

OPTIONS = [
    {"temperature": 0.5},
    {"temperature": 1.7},
    {"temperature": 1.0, "top_k": 1},
    {"temperature": 1.0, "top_k": 4},
    {"temperature": 0.7, "top_k": 100},
    {"temperature": 1.0, "top_p": 0.5},
    {"temperature": 1.6, "top_p": 0.9},
    {"temperature": 1.0, "top_p": 1e-9},
    {"temperature": 1.0, "top_p": 1.0},
    {"temperature": 1.3, "top_k": 5, "top_p": 0.8},
    {"temperature": 1e-300},
]


def scores(rows: int = 6, symbols: int = 11, *, spread: float = 2.0, seed: int = 0) -> Tensor:
    return spread * torch.randn((rows, symbols), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def truncated(
    row: np.ndarray[Any, Any], temperature: float, top_k: int | None = None, top_p: float | None = None
) -> Any:
    """Section 3.1 of Holtzman et al. 2020: the smallest set of symbols, from the likeliest on, that reaches p."""
    scaled = (row - row.max()) / temperature
    alive = np.ones(len(row), dtype=bool)
    if top_k is not None:
        alive = np.argsort(np.argsort(-scaled, kind="stable"), kind="stable") < top_k
    p = np.where(alive, np.exp(scaled), 0.0)
    p /= p.sum()
    if top_p is not None:
        for size in range(1, len(row) + 1):
            best = np.argsort(-p, kind="stable")[:size]
            if p[best].sum() >= top_p:
                break
        p = np.where(np.isin(np.arange(len(row)), best), p, 0.0)
        p /= p.sum()
    return p


@each("options", OPTIONS)
def test_the_distribution_is_the_one_written_out(options: dict[str, Any]) -> None:
    given = scores()
    found = distribution(given, Sampling(**options)).numpy()
    expected = np.stack([truncated(row, **options) for row in given.numpy()])
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-300)
    assert ((found == 0) == (expected == 0)).all()


def test_the_distribution_of_a_small_case_by_hand() -> None:
    """Probabilities 0.5, 0.25, 0.125, 0.125: all of them exact."""
    given = torch.tensor([[0.5, 0.125, 0.25, 0.125]], dtype=torch.float64).log()
    for options, expected in (
        ({"top_p": 0.4}, [1, 0, 0, 0]),
        ({"top_p": 0.6}, [2 / 3, 0, 1 / 3, 0]),
        ({"top_p": 0.8}, [4 / 7, 1 / 7, 2 / 7, 0]),  # of two that are alike the first
        ({"top_k": 2}, [2 / 3, 0, 1 / 3, 0]),
        ({"top_k": 3}, [0.5, 0.125, 0.25, 0.125]),  # what is as likely as the last stays
        ({"top_k": 2, "top_p": 0.6}, [1, 0, 0, 0]),  # 2/3 of what top_k has left
        ({"temperature": 0.5}, [0.25 / 0.34375, 0.015625 / 0.34375, 0.0625 / 0.34375, 0.015625 / 0.34375]),
    ):
        found = distribution(given, Sampling(**{"temperature": 1.0, **options}))  # type: ignore[arg-type]
        torch.testing.assert_close(found[0], torch.tensor(expected, dtype=torch.float64), msg=str(options))


@each(
    "options",
    [one for one in OPTIONS if one.get("top_k") != 1 and one.get("top_p") != 1e-9 and one["temperature"] > 1e-3],
)
def test_what_is_drawn_comes_by_its_chances(options: dict[str, Any]) -> None:
    row = scores(1, 9, spread=1.0, seed=5)
    sampling = Sampling(**options, seed=1)
    (draw,) = streams(sampling, 1)
    drawn = torch.cat([chosen(row, sampling, [draw]) for _ in range(20_000)])
    expected = truncated(row[0].numpy(), **options)
    counts = np.bincount(drawn.numpy(), minlength=9)
    assert (counts[expected == 0] == 0).all()
    alive = expected > 0
    assert chisquare(counts[alive], 20_000 * expected[alive]).pvalue > 1e-3


def test_streams_of_neighbours_have_nothing_in_common() -> None:
    """Numbers of 500 rows, one each: even, and the next row's do not follow from them."""
    draws = [float(torch.rand((), generator=one, dtype=torch.float64)) for one in streams(Sampling(1.0, seed=7), 500)]
    assert kstest(draws, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 4 / 500**0.5


def test_the_ends_of_the_line_are_symbols() -> None:
    """No number from 0 to 1 falls on a symbol that cannot be drawn, in front or behind."""
    chance = torch.tensor([[0.0, 0.3, 0.0, 0.7, 0.0]], dtype=torch.float64)
    below_one = float(np.nextafter(1.0, 0.0))
    for number, symbol in ((0.0, 1), (0.29, 1), (0.3, 3), (0.99, 3), (below_one, 3)):
        assert picked(chance, torch.tensor([number], dtype=torch.float64)).tolist() == [symbol]
    thirds = torch.full((1, 3), 1 / 3, dtype=torch.float64) * 0.7
    assert picked(thirds, torch.tensor([below_one], dtype=torch.float64)).tolist() == [2]


def test_greedy_is_the_first_of_the_likeliest() -> None:
    assert chosen(torch.tensor([[0.0, 2.0, 2.0], [3.0, 1.0, 3.0]]), Sampling(), []).tolist() == [1, 0]


def test_a_symbol_that_is_ruled_out_never_comes() -> None:
    row = torch.tensor([[0.0, -torch.inf, 1.0]])
    sampling = Sampling(2.0, seed=0)
    assert set(torch.cat([chosen(row, sampling, streams(sampling, 1)) for _ in range(200)]).tolist()) <= {0, 2}


def test_scores_that_are_no_numbers_are_said() -> None:
    for sampling in (Sampling(), Sampling(1.0, seed=0)):
        with pytest.raises(InputError, match="are not numbers"):
            chosen(torch.tensor([[0.0, torch.nan]]), sampling, streams(sampling, 1))


@each(
    ("keys", "said"),
    [
        ({"temperature": -0.1}, "temperature must be a number from 0, not -0.1"),
        ({"temperature": float("nan")}, "temperature must be a number from 0"),
        ({"temperature": float("inf")}, "temperature must be a number from 0"),
        ({"temperature": True}, "temperature must be a number from 0, not True"),
        ({"temperature": "1"}, "temperature must be a number from 0, not '1'"),
        ({"temperature": 1.0, "top_p": 0.0}, "top_p must be a number above 0, and at most 1, not 0.0"),
        ({"temperature": 1.0, "top_p": 1.01}, "top_p must be a number above 0, and at most 1, not 1.01"),
        ({"temperature": 1.0, "top_p": float("nan")}, "top_p must be a number above 0"),
        ({"temperature": 1.0, "top_k": 0}, "top_k must be a whole number from 1, not 0"),
        ({"temperature": 1.0, "top_k": 2.0}, "top_k must be a whole number from 1, not 2.0"),
        ({"temperature": 1.0, "seed": -1}, "seed must be a whole number from 0, not -1"),
        ({"top_k": 3}, "top_k is of what is drawn"),
        ({"top_p": 0.9}, "top_p is of what is drawn"),
        ({"seed": 3}, "seed is of what is drawn"),
    ],
)
def test_a_wrong_option_is_one_line(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        check(Sampling(**keys))
    assert said in str(caught.value)


@each("options", OPTIONS[:-1])
def test_the_contract_s_own_chances_are_the_same(options: dict[str, Any]) -> None:
    row = scores(1, seed=2)[0]
    np.testing.assert_allclose(chances(row.tolist(), **options), truncated(row.numpy(), **options), rtol=1e-12)


def test_the_contract_s_bound_is_chi_square_s() -> None:
    """A statistic at a quantile of one in a million is let through, and one a tenth above it is not."""
    from scipy.stats import chi2

    for cells in (2, 5, 37):
        expected, bound = [1 / cells] * cells, float(chi2.isf(1e-6, cells - 1))
        draws = 100_000
        for factor, fine in ((0.9, True), (1.15, False)):
            off = (factor * bound * draws / cells / 2) ** 0.5
            counts = [draws / cells + off, draws / cells - off, *[draws / cells] * (cells - 2)]
            assert (unlike([round(one) for one in counts], expected) is None) == fine, (cells, factor)
    assert "cannot be drawn" in str(unlike([5, 1], [1.0, 0.0]))
