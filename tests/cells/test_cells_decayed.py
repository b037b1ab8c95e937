"""Matrix memories that decay: published sizes, where their parameters start, and steps by hand."""

from __future__ import annotations

import math

import pytest
import torch
from by_hand import build, cell_of, fill, outputs, uniform

from zoo.cells.matrix.decayed import Mamba2Options, RetNetOptions, describe_mamba2, describe_retnet
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


def test_retnet_forgets_more_slowly_in_each_head() -> None:
    """By its first step, whose key is as it came; what is read of it later tells the decays and by how much q turned."""
    model = build({"kind": "retnet", "heads": 3, "key_size": 2, "output_gate": False}, inputs=1, hidden=3)
    fill(cell_of(model), weight_qkv=[1.0, 0.0] * 3 + [1.0, 0.0] * 3 + [1.0] * 3, norm_weight=1.0)
    x = torch.zeros(1, 3, 1, dtype=torch.float64)
    x[0, 0], x[0, 2] = 1e-3, 1e-3
    with torch.no_grad():
        y = model(x)[0][0, 2]
    expected = []
    for head in range(3):
        decay = 1 - 2.0 ** (-5 - head)
        read = (decay**2 * math.cos(2.0) + 1.0) * 1e-9 / math.sqrt(2)
        expected.append(read / math.sqrt(read**2 + 1e-5))
    assert y.tolist() == pytest.approx(expected, rel=1e-9)


def test_retnet_starts_as_the_papers_code() -> None:
    torch.manual_seed(0)
    cell = cell_of(build({"kind": "retnet", "heads": 2, "kernel": 4}, inputs=90, hidden=120))
    keys = 2**-2.5 * math.sqrt(6 / (90 + 60))
    q, k, v = cell.weight_qkv.detach().split([60, 60, 120])
    uniform(q, -keys, keys)
    uniform(k, -keys, keys)
    values = 2**-2.5 * math.sqrt(6 / (90 + 120))
    uniform(v, -values, values)
    uniform(cell.weight_g.detach(), -values, values)
    uniform(cell.conv_weight.detach(), -0.5, 0.5)
    assert cell.norm_weight.tolist() == [1.0] * 60


def test_retnet_has_keys_that_turn_in_pairs() -> None:
    # values of 7 in each of 2 heads: keys of 4, the first even number that is at least half of that
    assert describe_retnet(RetNetOptions(heads=2), (3,), 14).state == {"S": (2, 4, 7)}
    with pytest.raises(ValueError, match="multiple of 2"):
        RetNetOptions(key_size=3)


@pytest.mark.parametrize("bound", [0.0, 0.6])
def test_hgrn2_by_hand(bound: float) -> None:
    """One head of one key and one value: q, f, v of x times 1, 2, 3."""
    model = build({"kind": "hgrn2", "lower_bound": bound}, inputs=1, hidden=1)
    fill(cell_of(model), weight_qkv=[1.0, 2.0, 3.0], norm_weight=0.5)
    S, expected = 0.0, []
    for x in (1.0, -0.5):
        f = bound + (1 - bound) / (1 + math.exp(-2 * x))
        S = f * S + (1 - f) * 3 * x
        read = S * x / (1 + math.exp(-x))
        expected.append(0.5 * read / math.sqrt(read**2 + 1e-5))
    assert outputs(model, 1.0, -0.5) == pytest.approx(expected, rel=1e-12)


def test_hgrn2_starts_as_torch_starts_linear_maps() -> None:
    torch.manual_seed(0)
    cell = cell_of(build("hgrn2", inputs=100, hidden=50))
    uniform(cell.weight_qkv.detach(), -0.1, 0.1)
    assert cell.norm_weight.tolist() == [1.0] * 50
