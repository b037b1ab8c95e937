"""Cells over maps: what they are where a map is one place, what a place sees of its neighbours, and the maps' input."""

from __future__ import annotations

import pytest
import torch
from alone import fill, run
from each import each
from test_cells_starts import uniform

from zoo.cells.gru import GRU
from zoo.cells.lstm import make as make_lstm
from zoo.cells.options import GRUOptions, LSTMOptions
from zoo.cells.spatial.convgru import ConvGRU
from zoo.cells.spatial.convlstm import ConvLSTM
from zoo.cells.spatial.options import ConvGRUOptions, ConvLSTMOptions, describe_convgru, describe_convlstm
from zoo.errors import ZooError
from zoo.inputs.maps import Maps
from zoo.inputs.options import MapsOptions, describe_maps


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("peephole", [True, False])
def test_convolutional_lstm_of_one_place_is_the_lstm(kernel: int, peephole: bool) -> None:
    torch.manual_seed(0)
    cell = ConvLSTM(ConvLSTMOptions(kernel=kernel, peephole=peephole), (3, 1, 1), 4).double()
    flat = make_lstm(LSTMOptions(bias="one", peephole=peephole), (3,), 4).double()
    middle = kernel // 2
    fill(flat, weight_ih=cell.weight_ih[..., middle, middle], weight_hh=cell.weight_hh[..., middle, middle])
    fill(flat, bias=torch.randn(16))
    fill(cell, bias=flat.bias)
    if peephole:
        fill(flat, weight_ch=torch.randn(12))
        fill(cell, peephole=flat.weight_ch)
    x = torch.randn(2, 6, 3, dtype=torch.float64)
    torch.testing.assert_close(run(cell, x.view(2, 6, 3, 1, 1)).flatten(2), run(flat, x))


@pytest.mark.parametrize("bias", ["one", "none"])
def test_convolutional_gru_of_one_place_is_the_gru_with_its_gate_the_other_way_round(bias: str) -> None:
    torch.manual_seed(0)
    cell = ConvGRU(ConvGRUOptions(kernel=1, bias=bias), (3, 1, 1), 4).double()
    flat = GRU(GRUOptions(bias=bias, reset_gate="before"), (3,), 4).double()
    if bias == "one":
        fill(cell, bias=torch.randn(12))
    for name in ("weight_ih", "weight_hh", "bias")[: 2 + (bias == "one")]:
        z, r, n = getattr(cell, name).flatten(1).chunk(3) if name != "bias" else cell.bias.chunk(3)
        fill(flat, **{name: torch.cat([r, -z, n])})  # torch's z is the share of the old value
    x = torch.randn(2, 6, 3, dtype=torch.float64)
    torch.testing.assert_close(run(cell, x.view(2, 6, 3, 1, 1)).flatten(2), run(flat, x))


@each("kernel", [1, 3, 5])
@each(
    ("kind", "reaches"),
    [
        ("convlstm", (3, 2, 1)),
        # the reset gate's convolution stands before the candidate's; at the first step it has nothing to reset
        ("convgru", (5, 4, 2)),
    ],
)
def test_what_a_place_sees_spreads_by_half_a_kernel(kind: str, reaches: tuple[int, ...], kernel: int) -> None:
    torch.manual_seed(0)
    cell = ConvGRU(ConvGRUOptions(kernel=kernel), (2, 3, 25), 3)
    if kind == "convlstm":
        cell = ConvLSTM(ConvLSTMOptions(kernel=kernel), (2, 3, 25), 3)
    x = torch.randn(1, 3, 2, 3, 25, dtype=torch.float64, requires_grad=True)
    run(cell.double(), x)[0, 2, :, 1, 12].sum().backward()
    assert x.grad is not None
    for seen, reach in zip(x.grad[0].abs().amax((1, 2)) > 0, reaches, strict=True):
        wide = reach * (kernel // 2)
        assert seen.nonzero().flatten().tolist() == list(range(12 - wide, 13 + wide))


def test_a_peephole_is_each_places_own() -> None:
    cell = ConvLSTM(ConvLSTMOptions(kernel=1), (1, 1, 2), 1).double()
    fill(cell, weight_ih=0.0, weight_hh=0.0, bias=0.0)
    fill(cell, peephole=[[[1.0, 2.0]], [[0.0, 0.0]], [[0.0, 3.0]]])
    zero = torch.zeros(1, 1, 1, 1, 2, dtype=torch.float64)
    c = torch.tensor([[[[1.0, -1.0]]]], dtype=torch.float64)
    # f is 1/2 at both places, the candidate is 0, and o looks at the new c
    expected = [0.5 * torch.tanh(torch.tensor(0.5)), torch.sigmoid(torch.tensor(-1.5)) * torch.tanh(torch.tensor(-0.5))]
    assert run(cell, zero, c=c).flatten().tolist() == pytest.approx([float(value) for value in expected])


def test_convolutions_start_as_keras_starts_them() -> None:
    torch.manual_seed(0)
    cell = ConvLSTM(ConvLSTMOptions(), (20, 2, 2), 30)
    bound = (6 / (9 * (20 + 120))) ** 0.5
    uniform(cell.weight_ih.detach(), -bound, bound)
    rows = cell.weight_hh.detach().flatten(1)
    torch.testing.assert_close(rows @ rows.T, torch.eye(120), atol=1e-5, rtol=0)
    assert cell.bias.tolist() == [0.0] * 30 + [1.0] * 30 + [0.0] * 60
    assert not cell.peephole.any()


def test_maps_come_in_as_they_are() -> None:
    options = MapsOptions(channels=2, height=3, width=5)
    maps = Maps(options)
    x = maps.example(4, 6, torch.Generator().manual_seed(0), torch.float32)
    assert x.shape == (4, 6, 2, 3, 5)
    assert maps(x) is x
    assert describe_maps(options).output_shape == maps.output_shape == (2, 3, 5)
    assert describe_maps(options).parameters == 0


def test_what_cannot_be_is_refused() -> None:
    for describe, options in ((describe_convlstm, ConvLSTMOptions()), (describe_convgru, ConvGRUOptions())):
        with pytest.raises(ZooError, match=r"needs maps .* not features of shape \(7,\); input: {kind: maps, ...}"):
            describe(options, (7,), 3)
    with pytest.raises(ValueError, match="kernel must be odd, so that the size of a map does not change, not 4"):
        ConvLSTMOptions(kernel=4)
