"""Where the state spaces and the gated linear cell start, and single steps by hand."""

from __future__ import annotations

import cmath
import math

import pytest
import torch
from alone import fill, run
from test_cells_starts import uniform
from torch import Tensor

from zoo.cells.linear.hgrn import HGRN
from zoo.cells.linear.linoss import LinOSS
from zoo.cells.linear.mamba import Mamba
from zoo.cells.linear.s5 import S5
from zoo.cells.linear.spaces import (
    HGRNOptions,
    LinOSSOptions,
    MambaOptions,
    S5Options,
    describe_mamba,
    describe_s5,
)
from zoo.errors import ZooError


def series(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).view(1, -1, 1)


@pytest.mark.parametrize(
    ("discretisation", "decay", "gain"),
    [
        ("zoh", cmath.exp(0.1 * (-0.5 + 2j)), (cmath.exp(0.1 * (-0.5 + 2j)) - 1) / (-0.5 + 2j)),
        ("bilinear", (1 + 0.05 * (-0.5 + 2j)) / (1 - 0.05 * (-0.5 + 2j)), 0.1 / (1 - 0.05 * (-0.5 + 2j))),
    ],
)
def test_s5_by_hand(discretisation: str, decay: complex, gain: complex) -> None:
    cell = S5(S5Options(discretisation=discretisation), (1,), 1).double()
    fill(cell, Lambda_re=-0.5, Lambda_im=2.0, B=[3.0, 1.0], C=[1.0, -2.0], D=0.25, log_step=math.log(0.1))
    first = gain * (3 + 1j)
    second = decay * first - 2 * first
    expected = [2 * ((1 - 2j) * first).real + 0.25, 2 * ((1 - 2j) * second).real - 0.5]
    assert run(cell, series(1.0, -2.0)).flatten().tolist() == pytest.approx(expected, abs=1e-12)


def test_s5_starts_from_hippo() -> None:
    torch.manual_seed(0)
    cell = S5(S5Options(blocks=2), (300,), 80)
    # HiPPO-LegS of 80 states, made normal: −1/2 on the diagonal and a skew rest, whose size is half of HiPPO's
    root = torch.sqrt(2 * torch.arange(80, dtype=torch.float64) + 1)
    skew = 0.5 * torch.triu(root.outer(root), 1)
    eigenvalues = torch.linalg.eigvals(skew - skew.T - 0.5 * torch.eye(80))
    below = eigenvalues.imag.sort().values[:40].float()
    torch.testing.assert_close(cell.Lambda_im.detach(), below.repeat(2), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(cell.Lambda_re.detach(), torch.full((80,), -0.5))
    # real and imaginary part together, over the 160 states that are meant
    assert cell.B.square().sum(2).mean().item() == pytest.approx(1 / 160, rel=0.03)
    assert cell.C.square().sum(2).mean().item() == pytest.approx(2 / 160, rel=0.03)
    assert cell.D.std().item() == pytest.approx(1.0, rel=0.15)
    steps = S5(S5Options(dt_min=0.01, dt_max=0.5), (1,), 500).log_step.detach()
    uniform(steps, math.log(0.01), math.log(0.5))


@pytest.mark.parametrize(("discretisation", "expected"), [("im", [0.125, 0.125]), ("imex", [0.25, 0.25])])
def test_linoss_by_hand(discretisation: str, expected: list[float]) -> None:
    cell = LinOSS(LinOSSOptions(discretisation=discretisation), (1,), 1).double()
    # A = 4 and Δ = 1/2, so that one impulse brings z to 1/2 or, implicitly, half of that; then A y stops it
    fill(cell, A_diag=4.0, steps=0.0, B=[1.0, 0.0], C=[1.0, 0.0], D=0.0)
    assert run(cell, series(1.0, 0.0)).flatten().tolist() == pytest.approx(expected, abs=1e-12)


def test_linoss_takes_the_real_part_and_no_negative_stiffness() -> None:
    cell = LinOSS(LinOSSOptions(discretisation="imex"), (1,), 1).double()
    fill(cell, A_diag=-4.0, steps=0.0, B=[1.0, 2.0], C=[3.0, 5.0], D=0.5)
    # free flight: y = Δ² t, of which 3 · 1 − 5 · 2 is the real part
    assert run(cell, series(1.0, 0.0)).flatten().tolist() == pytest.approx([-7 * 0.25 + 0.5, -7 * 0.5], abs=1e-12)


def test_linoss_starts_as_officially() -> None:
    torch.manual_seed(0)
    cell = LinOSS(LinOSSOptions(), (100,), 400)
    uniform(cell.A_diag.detach(), 0.0, 1.0)
    uniform(cell.steps.detach(), 0.0, 1.0)
    uniform(cell.B.detach(), -0.1, 0.1)
    uniform(cell.C.detach(), -0.05, 0.05)


def test_mamba_by_hand() -> None:
    cell = Mamba(MambaOptions(state_size=1, kernel=3), (1,), 1).double()
    fill(cell, in_proj=[1.0, 2.0], conv_weight=[0.25, -1.0, 3.0], conv_bias=0.5, x_proj=[0.0, 1.0, 2.0])
    fill(cell, dt_weight=1.0, dt_bias=math.log(math.e - 1), A_log=math.log(0.25), D=0.125)  # Δ = 1, A = −1/4

    def silu(x: float) -> float:
        return x / (1 + math.exp(-x))

    x, h, expected = [0.0, 0.0, 1.0, 2.0, -1.0], 0.0, []
    for t in (2, 3, 4):
        v = silu(3 * x[t] - x[t - 1] + 0.25 * x[t - 2] + 0.5)
        h = math.exp(-0.25) * h + v * v
        expected.append((h * 2 * v + 0.125 * v) * silu(2 * x[t]))
    assert run(cell, series(*x[2:])).flatten().tolist() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kernel", [1, 4])
def test_mamba_that_forgets_all_sees_what_its_convolution_sees(kernel: int) -> None:
    torch.manual_seed(0)
    cell = Mamba(MambaOptions(state_size=2, kernel=kernel), (2,), 3).double()
    fill(cell, A_log=20.0, dt_bias=5.0)
    x = torch.randn(1, 8, 2, dtype=torch.float64, requires_grad=True)
    run(cell, x)[0, 6].sum().backward()
    seen = [t for t in range(8) if x.grad is not None and x.grad[0, t].abs().max() > 1e-12]
    assert seen == list(range(7 - kernel, 7))


def test_mamba_starts_as_officially() -> None:
    torch.manual_seed(0)
    cell = Mamba(MambaOptions(), (100,), 400)
    torch.testing.assert_close(cell.A_log.exp(), torch.arange(1.0, 17.0).expand(400, 16))
    uniform(torch.nn.functional.softplus(cell.dt_bias.detach()).log(), math.log(0.001), math.log(0.1))
    assert cell.dt_weight.shape == (400, 7)  # a sixteenth of 100, rounded up
    uniform(cell.dt_weight.detach(), -(7**-0.5), 7**-0.5)
    uniform(cell.in_proj.detach(), -0.1, 0.1)
    uniform(cell.conv_weight.detach(), -0.5, 0.5)
    uniform(cell.x_proj.detach(), -0.05, 0.05)
    assert cell.D.tolist() == [1.0] * 400


@pytest.mark.parametrize("bound", [0.0, 0.6])
def test_hgrn_by_hand(bound: float) -> None:
    cell = HGRN(HGRNOptions(lower_bound=bound), (1,), 2).double()
    fill(cell, weight_ih=[1.0, -1.0, 2.0, 0.0, 1.0, 3.0], norm_weight=[1.0, 0.5])

    def silu(x: float) -> float:
        return x / (1 + math.exp(-x))

    f = [bound + (1 - bound) / (1 + math.exp(-2.0)), bound + (1 - bound) / 2]
    h = [(1 - f[0]) * silu(1.0), (1 - f[1]) * silu(-1.0)]
    size = math.sqrt((h[0] ** 2 + h[1] ** 2) / 2 + 1e-5)
    expected = [h[0] / size * silu(1.0), h[1] / size * 0.5 * silu(3.0)]
    assert run(cell, series(1.0)).flatten().tolist() == pytest.approx(expected, rel=1e-12)


def test_hgrn_starts_as_torch_starts_linear_maps() -> None:
    torch.manual_seed(0)
    cell = HGRN(HGRNOptions(), (100,), 50)
    uniform(cell.weight_ih.detach(), -0.1, 0.1)
    assert cell.norm_weight.tolist() == [1.0] * 50


def test_a_mamba_block_has_the_published_size() -> None:
    # mamba-130m: 129,135,360 parameters, of which 24 blocks, each with a norm, one norm more, and an embedding
    block = (129_135_360 - 50_280 * 768 - 768) // 24 - 768
    assert describe_mamba(MambaOptions(), (768,), 1536).parameters + 768 * 1536 == block


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ZooError, match=r"blocks \(3\) must divide hidden_size \(8\)"):
        describe_s5(S5Options(blocks=3), (4,), 8)
    with pytest.raises(ValueError, match=r"dt_min \(0.5\) must be less than dt_max \(0.1\)"):
        S5Options(dt_min=0.5)
