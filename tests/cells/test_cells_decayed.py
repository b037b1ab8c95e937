"""Matrix memories that decay: published sizes, where their parameters start, and steps by hand."""

from __future__ import annotations

import math

import pytest
import torch
from by_hand import build, cell_of, fill, outputs, uniform

from zoo.cells.matrix.decayed import Mamba2Options, describe_mamba2
from zoo.errors import ZooError


@pytest.mark.parametrize(
    ("width", "heads", "layers", "published"), [(768, 24, 24, 128_989_632), (2560, 80, 64, 2_702_599_680)]
)
def test_mamba2_has_the_published_sizes(width: int, heads: int, layers: int, published: int) -> None:
    # of 130m and 2.7b: an embedding of 50,288 symbols, and a norm before each block, a product behind it, a norm at last
    block = (published - 50_288 * width - width) // layers - width - 2 * width * width
    assert describe_mamba2(Mamba2Options(heads=heads), (width,), 2 * width).parameters == block


def test_mamba2_starts_as_the_official_code() -> None:
    torch.manual_seed(0)
    cell = cell_of(build({"kind": "mamba2", "heads": 400, "state_size": 2}, inputs=100, hidden=400))
    uniform(cell.in_proj.detach(), -0.1, 0.1)
    uniform(cell.conv_weight.detach(), -0.5, 0.5)
    uniform(cell.conv_bias.detach(), -0.5, 0.5)
    uniform(torch.nn.functional.softplus(cell.dt_bias.detach()).log(), math.log(0.001), math.log(0.1))
    uniform(cell.A_log.detach().exp(), 1.0, 16.0)
    assert cell.D.tolist() == [1.0] * 400
    assert cell.norm_weight.tolist() == [1.0] * 400


def test_mamba2_by_hand() -> None:
    """One head, one feature, one state: x, B, C and z are x times 1, 2, 3, 0.5, behind the present tap of 1."""
    model = build({"kind": "mamba2", "state_size": 1, "kernel": 1}, inputs=1, hidden=1)
    fill(
        cell_of(model),
        in_proj=[0.5, 1.0, 2.0, 3.0, 0.25],
        conv_weight=1.0,
        dt_bias=0.5,
        A_log=math.log(2.0),
        D=4.0,
        norm_weight=1.5,
    )

    def silu(x: float) -> float:
        return x / (1 + math.exp(-x))

    h, expected = 0.0, []
    for x in (1.0, -0.5):
        step = math.log1p(math.exp(0.25 * x + 0.5))
        h = math.exp(-2.0 * step) * h + step * silu(2 * x) * silu(x)
        y = (h * silu(3 * x) + 4 * silu(x)) * silu(0.5 * x)
        expected.append(1.5 * y / math.sqrt(y * y + 1e-5))
    assert outputs(model, 1.0, -0.5) == pytest.approx(expected, rel=1e-12)


def test_mamba2_refuses_groups_that_do_not_divide_heads() -> None:
    with pytest.raises(ZooError, match=r"groups \(3\) must divide heads \(4\)"):
        describe_mamba2(Mamba2Options(heads=4, groups=3), (4,), 8)
