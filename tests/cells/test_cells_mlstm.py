"""Options of the mLSTM, and the mLSTM with its block around it: where they start, and numbers by hand."""

from __future__ import annotations

import math

import pytest
import torch
from alone import fill, run
from test_cells_starts import uniform

from zoo.cells.matrix.mlstm import MLSTM
from zoo.cells.matrix.mlstm_block import MLSTMBlock
from zoo.cells.matrix.options import MLSTMBlockOptions, MLSTMOptions, describe_mlstm_block
from zoo.errors import ZooError

DOUBLE = torch.float64


def drawn(cell: MLSTM) -> MLSTM:
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.normal_(generator=torch.Generator().manual_seed(1))
    return cell.double()


def test_a_soft_cap_is_of_the_gates_alone() -> None:
    x = torch.randn(2, 5, 3, dtype=DOUBLE)
    capped, plain = drawn(MLSTM(MLSTMOptions(soft_cap=2.0), (3,), 4)), drawn(MLSTM(MLSTMOptions(), (3,), 4))
    for cell, bias in ((capped, [5.0, -1.0]), (plain, [2 * math.tanh(2.5), 2 * math.tanh(-0.5)])):
        fill(cell, weight_gates=0.0, bias_gates=bias)
    torch.testing.assert_close(run(capped, x), run(plain, x), rtol=1e-12, atol=1e-12)


def test_what_a_head_reads_is_normalised_in_front_of_the_output_gate() -> None:
    cell = drawn(MLSTM(MLSTMOptions(heads=2, norm_eps=1e-12, key_size=3), (3,), 8))
    x = torch.randn(2, 5, 3, dtype=DOUBLE)
    assert cell.states["C"].shape == (2, 4, 3)
    assert cell.weight_ih.shape == (2 * 6 + 2 * 8, 3)
    rows = torch.nn.functional.linear(x, cell.weight_ih, cell.bias)[..., -8:]
    read = (run(cell, x) / torch.sigmoid(rows) / cell.norm_weight).unflatten(2, (2, 4))
    torch.testing.assert_close(read.mean(3), torch.zeros(2, 5, 2, dtype=DOUBLE), rtol=0, atol=1e-9)
    torch.testing.assert_close(read.var(3, unbiased=False), torch.ones(2, 5, 2, dtype=DOUBLE), rtol=0, atol=1e-6)


def test_a_number_in_the_divisor_counts_beside_the_largest_exponent() -> None:
    cell = MLSTM(MLSTMOptions(bias="none", divisor_eps=0.25), (1,), 1).double()
    fill(cell, weight_ih=[0.5, 1.0, 3.0, 0.0], weight_gates=0.0, bias_gates=[2.0, 0.0])
    # i = exp(2), so that m = 2: n q = 0.5 < exp(−2) + ... in units of exp(2)
    y = run(cell, torch.ones(1, 1, 1, dtype=DOUBLE))
    assert y.item() == pytest.approx(0.5 * 1.5 / (max(0.5, math.exp(-2)) + 0.25), rel=1e-12)


def test_an_mlstm_block_starts_as_the_official_code() -> None:
    torch.manual_seed(0)
    cell = MLSTMBlock(MLSTMBlockOptions(heads=4, block_size=100), (200,), 400)
    assert cell.weight_in.std().item() == pytest.approx(math.sqrt(2 / 1000), rel=0.02)
    assert cell.weight_qkv.shape == (3, 4, 100, 100)
    assert cell.weight_qkv.std().item() == pytest.approx(math.sqrt(2 / 1000), rel=0.02)
    uniform(cell.conv_weight.detach(), -0.5, 0.5)
    uniform(cell.conv_bias.detach(), -0.5, 0.5)
    assert not cell.weight_gates.any()
    assert cell.bias_gates[4:].tolist() == [3.0, 4.0, 5.0, 6.0]
    assert cell.bias_gates[:4].abs().max() < 0.5
    assert (cell.norm_weight == 1).all()
    assert (cell.skip == 1).all()


def test_an_mlstm_block_that_remembers_nothing_gates_its_convolution() -> None:
    cell = MLSTMBlock(MLSTMBlockOptions(kernel=2), (1,), 1).double()
    fill(cell, weight_in=[2.0, 3.0], conv_weight=[0.5, 1.0], conv_bias=0.25, weight_qkv=0.0, norm_weight=7.0, skip=5.0)
    found = run(cell, torch.tensor([[[1.0], [-2.0]]], dtype=DOUBLE)).flatten().tolist()

    def silu(x: float) -> float:
        return x / (1 + math.exp(-x))

    # u = 2, −4 and z = 3, −6; behind the convolution 2 + 0.25 and −4 + 0.5 · 2 + 0.25
    assert found == pytest.approx([5 * silu(2.25) * silu(3.0), 5 * silu(-2.75) * silu(-6.0)], rel=1e-12)


def test_blocks_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ZooError, match=r"block_size \(4\) must divide hidden_size \(6\)"):
        describe_mlstm_block(MLSTMBlockOptions(block_size=4), (3,), 6)
    with pytest.raises(ZooError, match=r"heads \(4\) must divide hidden_size \(6\)"):
        describe_mlstm_block(MLSTMBlockOptions(heads=4), (3,), 6)
