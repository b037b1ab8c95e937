"""Where the cells of linear attention and the RWKVs start, and what they write and read."""

from __future__ import annotations

import math

import pytest
import torch
from alone import fill, run
from test_cells_starts import uniform
from torch import Tensor
from torch.nn import functional as F

from zoo.cells.matrix.delta import DeltaNet, GatedDeltaNet
from zoo.cells.matrix.fast_weights import (
    DeltaNetOptions,
    GatedDeltaNetOptions,
    GLAOptions,
    RWKV4Options,
    RWKV7Options,
    describe_gla,
)
from zoo.cells.matrix.gla import GLA
from zoo.cells.matrix.rwkv4 import RWKV4
from zoo.cells.matrix.rwkv7 import RWKV7
from zoo.errors import ZooError


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@pytest.mark.parametrize("eps", [1e-5, 1e-6])
def test_gated_linear_attention_by_hand(eps: float) -> None:
    options = GLAOptions(key_size=2, gate_rank=1, gate_normaliser=2.0, output_gate=False, norm_eps=eps)
    cell = GLA(options, (2,), 2).double()
    # q = (2, 0), k = (1, −1), and values so small that the norm's own number shows how they are scaled
    small = 0.003
    fill(cell, weight_qkv=[[2, 2], [0, 0], [1, 1], [-1, -1], [small, 0], [0, small]], norm_weight=[1.0, 10.0])
    fill(cell, gk_down=[0.0, 1.0], gk_up=[1.5, 0.0], gk_bias=[-1.0, 7.0])
    x = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]], dtype=torch.float64)
    rows = [(small, 0.0), (small * sigmoid(0.5) ** 0.5, small)]
    expected = []
    for row in rows:
        o = [2 / math.sqrt(2) * value for value in row]
        size = math.sqrt((o[0] ** 2 + o[1] ** 2) / 2 + eps)
        expected.append([o[0] / size, 10 * o[1] / size])
    torch.testing.assert_close(run(cell, x)[0], torch.tensor(expected, dtype=torch.float64))


def _written(cell: DeltaNet | GatedDeltaNet, *writes: tuple[Tensor, Tensor, float], decay: float = 1.0) -> Tensor:
    """S (1, 1, d_k, d_v) after writing values for keys of length 1, each with a strength."""
    S = torch.zeros(1, 1, 3, 2, dtype=torch.float64)
    for k, v, beta in writes:
        k, v = k.view(1, 1, 3), v.view(1, 1, 2)
        strength = torch.full((1, 1, 1), beta, dtype=torch.float64)
        forgets = (torch.full((1, 1, 1, 1), decay, dtype=torch.float64),) if isinstance(cell, GatedDeltaNet) else ()
        S = cell.step((*forgets, k, strength * v, -strength), {"S": S}, ())["S"]
    return S[0, 0]


K = torch.tensor([0.6, 0.8, 0.0], dtype=torch.float64)
ACROSS = torch.tensor([-0.8, 0.6, 0.0], dtype=torch.float64)
V = torch.tensor([3.0, -1.0], dtype=torch.float64)
OTHER = torch.tensor([5.0, 7.0], dtype=torch.float64)


def test_the_delta_rule_replaces_what_a_key_held() -> None:
    cell = DeltaNet(DeltaNetOptions(key_size=3), (1,), 2)
    S = _written(cell, (K, V, 1.0), (ACROSS, OTHER, 1.0), (K, 2 * OTHER, 1.0))
    torch.testing.assert_close(S.T @ K, 2 * OTHER)
    torch.testing.assert_close(S.T @ ACROSS, OTHER)
    half = _written(cell, (K, V, 1.0), (K, OTHER, 0.5))
    torch.testing.assert_close(half.T @ K, (V + OTHER) / 2)


def test_the_gated_delta_rule_forgets_before_it_writes() -> None:
    cell = GatedDeltaNet(GatedDeltaNetOptions(key_size=3), (1,), 2)
    S = _written(cell, (K, V, 1.0), (ACROSS, OTHER, 1.0), (K, OTHER, 0.5), decay=0.5)
    torch.testing.assert_close(S.T @ ACROSS, OTHER / 2)
    torch.testing.assert_close(S.T @ K, (V / 4 + OTHER) / 2)


def test_a_gated_delta_rule_that_forgets_nothing_is_the_delta_rule() -> None:
    torch.manual_seed(0)
    plain = DeltaNet(DeltaNetOptions(heads=2, output_gate=True), (5,), 8).double()
    gated = GatedDeltaNet(GatedDeltaNetOptions(heads=2, key_size=4), (5,), 8).double()
    own = dict(plain.state_dict())
    beta = own.pop("weight_beta")
    gated.load_state_dict(own, strict=False)
    x = torch.randn(3, 9, 5, dtype=torch.float64)
    fill(gated, A_log=-math.inf, weight_ab=torch.cat([torch.randn_like(beta), beta]))
    torch.testing.assert_close(run(gated, x), run(plain, x), rtol=1e-12, atol=1e-12)
    fill(gated, A_log=0.0)
    assert (run(gated, x) - run(plain, x)).abs().max() > 0.01


@pytest.mark.parametrize(("doubled", "beta"), [(False, 0.5), (True, 1.0)])
def test_beta_is_doubled_where_eigenvalues_may_be_negative(doubled: bool, beta: float) -> None:
    cell = DeltaNet(DeltaNetOptions(kernel=0, allow_neg_eigval=doubled), (1,), 1).double()
    fill(cell, weight_qkv=[1.0, 1.0, 1.0], weight_beta=0.0)
    layer_output = run(cell, torch.ones(1, 1, 1, dtype=torch.float64), S=torch.full((1, 1, 1, 1), -1.0).double())
    silu = sigmoid(1.0)
    unit = silu / math.sqrt(silu**2 + 1e-6)
    S = -1.0 + unit * beta * (silu + unit)
    o = unit * S
    assert layer_output.item() == pytest.approx(o / math.sqrt(o**2 + 1e-5), rel=1e-12)


@pytest.mark.parametrize("kernel", [1, 3])
def test_a_short_convolution_ends_with_the_present_step(kernel: int) -> None:
    torch.manual_seed(0)
    cell = DeltaNet(DeltaNetOptions(kernel=kernel), (2,), 4).double()
    x = torch.randn(1, 6, 2, dtype=torch.float64)
    y = F.linear(x, cell.weight_qkv).transpose(1, 2)
    expected = F.conv1d(F.pad(y, (kernel - 1, 0)), cell.conv_weight.unsqueeze(1), groups=12).transpose(1, 2)
    taken = []
    cell.by_head = lambda y, ctx: taken.append(y) or DeltaNet.by_head(cell, y, ctx)
    run(cell, x)
    torch.testing.assert_close(taken[0], F.silu(expected))


def test_linear_attention_starts_as_its_official_layers() -> None:
    torch.manual_seed(0)
    gla = GLA(GLAOptions(heads=4, kernel=4), (100,), 400)
    assert gla.states["S"].shape == (4, 50, 100)
    assert gla.weight_qkv.shape == (800, 100)
    uniform(gla.weight_qkv.detach(), -0.1, 0.1)
    uniform(gla.conv_weight.detach(), -0.5, 0.5)
    uniform(gla.weight_g.detach(), -0.1, 0.1)
    uniform(gla.gk_up.detach(), -0.25, 0.25)
    uniform(gla.gk_bias.detach(), -0.25, 0.25)
    assert gla.norm_weight.tolist() == [1.0] * 100
    gated = GatedDeltaNet(GatedDeltaNetOptions(heads=500), (2,), 1000)
    uniform(gated.A_log.detach().exp(), 0.0, 16.0)
    uniform(F.softplus(gated.dt_bias.detach()).log(), math.log(0.001), math.log(0.1))
    assert gated.states["S"].shape == (500, 1, 2)
    assert DeltaNet(DeltaNetOptions(heads=2), (2,), 6).states["S"].shape == (2, 3, 3)


def test_rwkv4_is_a_decaying_mean_by_hand() -> None:
    cell = RWKV4(RWKV4Options(), (1,), 1).double()
    fill(cell, time_mix_k=1.0, time_mix_v=0.5, time_mix_r=1.0, key=1.0, value=2.0, receptance=0.0)
    fill(cell, time_decay=math.log(0.7), time_first=0.3)
    x = [1.0, 2.0, -1.0]
    k, v = x, [1.0, 3.0, 1.0]  # half of this step and half of the last, doubled
    expected = []
    for t in range(3):
        weights = [math.exp(k[s] - 0.7 * (t - 1 - s)) for s in range(t)] + [math.exp(0.3 + k[t])]
        expected.append(0.5 * sum(w * y for w, y in zip(weights, v, strict=False)) / sum(weights))
    found = run(cell, torch.tensor(x, dtype=torch.float64).view(1, 3, 1))
    assert found.flatten().tolist() == pytest.approx(expected, rel=1e-12)


def test_rwkv4_takes_exponents_of_any_size() -> None:
    cell = RWKV4(RWKV4Options(), (1,), 1)
    fill(cell, time_mix_k=1.0, time_mix_v=1.0, key=1000.0, value=1.0, receptance=0.0, time_decay=0.0, time_first=0.0)
    x = torch.tensor([[[1.0], [-1.0], [0.5]]], requires_grad=True)
    y = run(cell, x)
    torch.testing.assert_close(y.flatten().tolist(), [0.5, 0.5, 0.5])  # the first value outweighs all
    y.sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("depth", [0.0, 0.5])
def test_rwkv4_starts_as_officially(depth: float) -> None:
    cell = RWKV4(RWKV4Options(depth=depth), (4,), 5)
    place = [0.0, 0.25, 0.5, 0.75]
    assert cell.time_mix_k.tolist() == pytest.approx([p ** (1 - depth) for p in place])
    assert cell.time_mix_v.tolist() == pytest.approx([p ** (1 - depth) + 0.3 * depth for p in place])
    assert cell.time_mix_r.tolist() == pytest.approx([p ** (0.5 - 0.5 * depth) for p in place])
    decay = [-5 + 8 * (h / 4) ** (0.7 + 1.3 * depth) for h in range(5)]
    assert cell.time_decay.tolist() == pytest.approx(decay)
    assert cell.time_first.tolist() == pytest.approx([math.log(0.3) + z for z in (0.0, 0.5, -0.5, 0.0, 0.5)])
    assert not cell.key.any()
    assert not cell.receptance.any()
    torch.testing.assert_close(cell.value.T @ cell.value, 1.25 * torch.eye(4))


def test_rwkv7_that_keeps_everything_is_the_delta_rule() -> None:
    cell = RWKV7(RWKV7Options(), (1,), 2)
    kappa = torch.tensor([[[0.6, 0.8]]], dtype=torch.float64)
    v = torch.tensor([[[5.0, 7.0]]], dtype=torch.float64)
    S = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]], dtype=torch.float64)
    u = (kappa, v, v, torch.ones(1, 1, 1, 2).double(), kappa, -kappa.unsqueeze(2), v.unsqueeze(3), kappa.unsqueeze(2))
    after = cell.step(u, {"S": S}, ())["S"][0, 0]
    torch.testing.assert_close(after @ kappa[0, 0], v[0, 0])  # replaced
    across = torch.tensor([-0.8, 0.6], dtype=torch.float64)
    torch.testing.assert_close(after @ across, S[0, 0] @ across)  # left alone


def test_rwkv7_by_hand() -> None:
    cell = RWKV7(RWKV7Options(decay_rank=1, rate_rank=1, gate_rank=1), (1,), 2).double()
    fill(cell, mix=0.0, receptance=[1.0, 1.0], key=[3.0, 4.0], value=[1.0, 2.0], w0=0.0, a0=0.0, k_k=1.0, k_a=1.0)
    fill(cell, w1=0.0, a1=0.0, g1=0.0, g2=[2.0, 2.0], r_k=[0.1, 0.2], ln_weight=[1.0, 3.0], ln_bias=[0.0, 1.0])
    # a = 1/2 halves k; w = exp(−e^(−1/2) / 2); κ = (0.6, 0.8)
    w, k, kappa = math.exp(-math.exp(-0.5) / 2), [1.5, 2.0], [0.6, 0.8]
    S = [[0.0, 0.0], [0.0, 0.0]]
    expected = []
    for _ in range(2):
        held = [S[i][0] * kappa[0] + S[i][1] * kappa[1] for i in range(2)]
        S = [[S[i][j] * w - held[i] * kappa[j] / 2 + (i + 1) * k[j] for j in range(2)] for i in range(2)]
        y = [S[i][0] + S[i][1] for i in range(2)]
        half = (y[1] - y[0]) / 2
        normed = half / math.sqrt(half**2 + 64e-5)
        bonus = 0.1 * k[0] + 0.2 * k[1]
        expected.append([-normed + bonus, 3 * normed + 1 + 2 * bonus])  # the gate is σ(0) · 2
    found = run(cell, torch.ones(1, 2, 1, dtype=torch.float64))
    torch.testing.assert_close(found[0], torch.tensor(expected, dtype=torch.float64))


def test_later_layers_of_rwkv7_mix_in_the_values_of_the_first() -> None:
    torch.manual_seed(0)
    first = RWKV7(RWKV7Options(heads=2, give_values=True), (3,), 4).double()
    later = RWKV7(RWKV7Options(heads=2, value_rank=2, give_values=True), (7,), 4).double()
    assert later.load_state_dict(first.state_dict(), strict=False).missing_keys == ["v0", "v1", "v2"]
    assert later.v0.tolist() == pytest.approx([0.73 - 0.4 * (n / 3 - 0.5) for n in range(4)], abs=1e-6)
    x, values = torch.randn(2, 5, 3, dtype=torch.float64), torch.randn(2, 5, 4, dtype=torch.float64)
    own = run(first, x)
    both = torch.cat([x, values], 2)
    for weight, bias, expected in ((0.0, -1e9, own[..., 4:]), (0.0, 1e9, values), (0.5, 0.25, None)):
        fill(later, v1=weight, v2=weight, v0=bias)
        if expected is None:
            before = torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], 1)
            mixed = x + later.mix[3] * (before - x)
            share = torch.sigmoid(0.25 + (mixed @ later.v1) @ later.v2)
            expected = own[..., 4:] + (values - own[..., 4:]) * share
        torch.testing.assert_close(run(later, both)[..., 4:], expected)
    fill(later, v1=0.0, v2=0.0, v0=-1e9)
    torch.testing.assert_close(run(later, both), own)


def test_values_of_the_first_layer_need_an_input_that_has_them() -> None:
    with pytest.raises(ZooError, match=r"the last hidden_size \(4\) numbers of the input are .* has only 4"):
        RWKV7(RWKV7Options(value_rank=2), (4,), 4)


def test_rwkv7_starts_as_officially() -> None:
    torch.manual_seed(0)
    cell = RWKV7(RWKV7Options(heads=2, depth=0.5), (4,), 6)
    place = [0.0, 0.25, 0.5, 0.75]
    for row, slope in zip(cell.mix, (0.2, 0.9, 0.7, 0.7, 0.9, 0.2), strict=True):
        assert row.tolist() == pytest.approx([1 - p ** (slope * 0.5) for p in place])
    zigzag, line = [-1.0, 0.0, 1.0] * 2, [n / 5 for n in range(6)]
    decay = [-5.5 + 6 * line[n] ** (1 + 0.5**0.3) + 2.5 * zigzag[n] for n in range(6)]
    assert cell.w0.tolist() == pytest.approx(decay, abs=1e-6)
    assert cell.a0.tolist() == pytest.approx([-0.19 + 0.3 * zigzag[n] + 0.4 * (line[n] - 0.5) for n in range(6)])
    assert cell.k_k.tolist() == pytest.approx([0.71 - 0.1 * (line[n] - 0.5) for n in range(6)])
    assert not cell.w1.any()
    torch.testing.assert_close(cell.w2.T @ cell.w2, 0.01 * 32 / 6 * torch.eye(6), atol=1e-6, rtol=1e-5)


def test_heads_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ZooError, match=r"heads \(3\) must divide hidden_size \(8\)"):
        describe_gla(GLAOptions(heads=3), (4,), 8)
