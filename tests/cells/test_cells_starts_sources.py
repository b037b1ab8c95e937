"""Where parameters start, by the rules of the official code that the pages name, with sizes at which the rules differ."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from by_hand import DOUBLE, build, cell_of, uniform
from each import each
from torch import Tensor

CUT = 0.8796256610342398
"""Standard deviation of a standard normal distribution that is cut off at two."""


def cut_normal(values: Tensor, deviation: float) -> None:
    """Normal of this deviation after what was beyond two of the deviations before was cut off."""
    reach = 2 * deviation / CUT
    assert values.abs().max() <= reach
    assert values.abs().max() > 0.95 * reach
    assert values.std().item() == pytest.approx(deviation, rel=0.03)
    assert abs(values.mean().item()) < 4 * deviation / math.sqrt(values.numel())
    # beyond one deviation: of a normal distribution cut off so, (Φ(2) − Φ(CUT)) / (Φ(2) − 1/2), of a uniform one 42%
    assert (values.abs() > deviation).double().mean().item() == pytest.approx(0.3495, abs=0.02)


def plain_normal(values: Tensor, deviation: float) -> None:
    assert values.std().item() == pytest.approx(deviation, rel=0.05)
    assert values.abs().max() > 2.3 * deviation


def orthogonal(matrix: Tensor, gain: float = 1.0) -> None:
    """Rows or columns, whichever are fewer, of this length and at right angles."""
    small = matrix.T @ matrix if matrix.shape[0] > matrix.shape[1] else matrix @ matrix.T
    torch.testing.assert_close(small, gain**2 * torch.eye(len(small), dtype=DOUBLE), rtol=0, atol=1e-9)


def test_gru_d_draws_all_gates_at_once_as_keras_does() -> None:
    cell = cell_of(build("gru-d", inputs=90, hidden=70))
    bound = math.sqrt(6 / (90 + 3 * 70))
    uniform(cell.weight_ih.detach(), -bound, bound)
    uniform(cell.weight_mask.detach(), -bound, bound)
    orthogonal(cell.weight_hh.detach())
    assert cell.weight_hh.std().item() == pytest.approx((3 * 70) ** -0.5, rel=0.01)


def test_elementwise_lstm_has_an_output_gate_that_is_a_plain_linear_map() -> None:
    cell = cell_of(build("elstm", inputs=120, hidden=200))
    for weight in (*cell.weight_ih.detach().chunk(3)[:2], *cell.weight_ch.detach().chunk(2), cell.bias.detach()[:400]):
        plain_normal(weight, 0.1)
    bound = 320**-0.5  # 1 / sqrt(I + H)
    for weight in (cell.weight_ih.detach()[400:], cell.weight_o.detach(), cell.bias.detach()[400:]):
        uniform(weight, -bound, bound)


@pytest.mark.parametrize(
    ("depth", "layers", "scale"), [(0.0, 1, 1.0), (0.0, 12, (1 / 12) ** 0.7), (0.75, 12, (10 / 12) ** 0.7)]
)
def test_rwkv7_starts_as_its_training_code(depth: float, layers: int, scale: float) -> None:
    cell = cell_of(build({"kind": "rwkv7", "heads": 2, "depth": depth, "layers": layers}, inputs=60, hidden=60))
    for weight, gain in ((cell.receptance, 1.0), (cell.key, 0.1), (cell.value, 1.0)):
        orthogonal(weight.detach(), gain)
    assert cell.ln_weight.tolist() == pytest.approx([scale] * 60)
    assert not cell.ln_bias.any()


def test_legendre_kernels_are_cut_off_as_in_keras() -> None:
    cell = cell_of(build({"kind": "lmu", "order": 100}, inputs=120, hidden=150))
    cut_normal(cell.W_x.detach(), math.sqrt(2 / 270))
    cut_normal(cell.W_h.detach(), math.sqrt(2 / 300))
    cut_normal(cell.W_m.detach(), math.sqrt(2 / 250))


def test_mogrifier_rounds_start_as_the_official_code() -> None:
    cell = cell_of(build({"kind": "mogrifier", "rounds": 3}, inputs=120, hidden=150))
    for weight in cell.weight_q:
        cut_normal(weight.detach(), 150**-0.5)
    cut_normal(cell.weight_r[0].detach(), 120**-0.5)
    assert not any(bias.any() for bias in (*cell.bias_q, *cell.bias_r))
    uniform(cell.weight_hh.detach(), -(150**-0.5), 150**-0.5)


def test_factors_of_a_mogrifier_start_as_the_official_code() -> None:
    cell = cell_of(build({"kind": "mogrifier", "rounds": 2, "rank": 80}, inputs=120, hidden=150))
    for factor, inputs in (
        (cell.weight_q[0], 150),
        (cell.right_q[0], 150),
        (cell.weight_r[0], 120),
        (cell.right_r[0], 120),
    ):
        cut_normal(factor.detach(), CUT * (inputs * 80) ** -0.25)


def test_cfn_starts_as_section_3_of_its_paper() -> None:
    cell = cell_of(build("cfn", inputs=60, hidden=50))
    for weight in (*cell.weight_ih.detach().chunk(3), *cell.weight_hh.detach().chunk(2)):
        uniform(weight, -0.07, 0.07)
    assert cell.bias.tolist() == [1.0] * 50 + [-1.0] * 50


@pytest.mark.parametrize("bias", ["one", "two"])
def test_lstm_of_1997_starts_as_its_experiment_5(bias: str) -> None:
    cell = cell_of(build({"kind": "lstm-1997", "bias": bias}, inputs=60, hidden=200))
    blocks = [block for parameter in cell.parameters() for block in parameter.detach().chunk(3)]
    assert len(blocks) == {"one": 9, "two": 12}[bias]
    for block in blocks:
        uniform(block, -0.1, 0.1)


@each("cell", ["gru-d", "elstm", "rwkv7", "lmu", "mogrifier", "cfn", "lstm-1997"])
def test_a_seed_draws_the_same_start(cell: Any) -> None:
    first, second = build(cell, inputs=8, hidden=8), build(cell, inputs=8, hidden=8)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
