"""The model of a line gives what kraken's layers give, with the same weights, and has as many of them."""

import kraken_layers
import pytest
import torch
from torch import nn

import zoo
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo_vgsl.reader import read

LINES = [
    "[1,48,0,1 Cr3,3,6 Mp2,2 Cr3,3,4 Mp2,2 S1(1x12)1,3 Lbx10 Do O1c9]",
    "[1,12,0,1 Cr3,13,5 Do0.1,2 Mp2,2 Clr4,2,3,1,2 Ct2,2,4 Cs3,3,2 S1(1x0)1,3 Lbx7 Do0.1,2 Lfx6 O1l5]",
    "[1,9,0,3 Cl3,3,4,2,1 Mp2,3,1,2 S1(0x4)3,1 Lbx5 O1c4]".replace("S1(0x4)3,1", "S1(0x1)3,1"),
    "[1,30,0,3 Cr3,3,4 Mp3,3 Lfys6 Lbx5 Lbx4 Do O1c8]",
    "[1,1,0,14 Lbx10 Do O1c57]",
    "[1,1,0,14 Lfx10 Lfxs6 O1s3]",
    "[256,1,20,14 Grx4 Gbx3 O1c5]",
    "[1,8,0,1 S1(1x8)1,3 Lrx4 O1s6]",
    "[1,8,0,2 Lfys3 Do.2 Lfx{Mine}4 O{out}1c6]",
    "[1,6,0,1 Cr{C_0}3,3,4 S{S_1}1(6x1)1,3 Mp6,1 Lbx{L_2}4 O1c5]",
    "[1,10,0,1 Cr3,3,4,1,1 Lfys5 Lfxs4 O1l2]",
]
COLUMNS = 25


def both(line, **changes):
    keys = {**read(line).keys, **changes}
    model = zoo.build({"schema": 1, "name": "read", **keys}, seed=0).double().eval()
    theirs = kraken_layers.network(line).eval()
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    recurrent = [m for m in model.modules() if isinstance(m, RecurrentLayer)]
    with torch.no_grad():
        for layer in theirs:
            if isinstance(layer, kraken_layers.Conv):
                mine = convolutions.pop(0)
                layer.co.weight.copy_(mine.weight.transpose(2, 3))
                layer.co.bias.copy_(mine.bias)
            elif isinstance(layer, kraken_layers.RNN):
                mine = recurrent.pop(0)
                for name, weight in layer.layer.named_parameters():
                    cell = mine.reverse_cell if name.endswith("_reverse") else mine.cell
                    weight.copy_(getattr(cell, name.removesuffix("_reverse").removesuffix("_l0")))
            elif isinstance(layer, kraken_layers.Output):
                layer.lin.load_state_dict(model.head.linear.state_dict())
    assert not convolutions
    assert not recurrent
    return model, theirs


def images(line, columns=COLUMNS):
    _, height, _, channels = (int(n) for n in line[1:-1].split()[0].split(","))
    x = torch.randn(3, channels, height, columns, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    mine = x.permute(0, 3, 1, 2)
    return (mine.squeeze(3) if read(line).keys["input"]["kind"] == "features" else mine.contiguous()), x


def outputs(line, model, theirs):
    mine, x = images(line)
    found, expected = model(mine), theirs(x)
    assert expected.shape[2] == 1
    expected = expected.squeeze(2).transpose(1, 2)  # (N, W, outputs)
    return found, expected.squeeze(1) if found.dim() == 2 else expected


@pytest.mark.parametrize("line", LINES)
def test_the_same_weights_give_the_same_output(line):
    model, theirs = both(line)
    found, expected = outputs(line, model, theirs)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    assert float(expected.std()) > 1e-3
    count = sum(p.numel() for p in theirs.parameters())
    assert sum(p.numel() for p in model.parameters()) == count
    assert zoo.describe(zoo.load({"schema": 1, "name": "read", **read(line).keys})).parameters == count


def test_another_order_of_rows_and_channels_is_not_the_same():
    line = LINES[0]
    layers = [layer for layer in read(line).keys["layers"] if layer.get("kind") != "rows"]
    found, expected = outputs(line, *both(line, layers=layers))
    assert float((found - expected).abs().max()) > 1e-3


def test_the_network_that_kraken_trains_by_default_has_as_many_weights():
    line = (
        "[1,120,0,1 Cr3,13,32 Do0.1,2 Mp2,2 Cr3,13,32 Do0.1,2 Mp2,2 Cr3,9,64 Do0.1,2 Mp2,2 Cr3,9,64 Do0.1,2 "
        "S1(1x0)1,3 Lbx200 Do0.1,2 Lbx200 Do0.1,2 Lbx200 Do]"
    )
    spec = zoo.load({"schema": 1, "name": "read", **read(line).keys})
    assert zoo.describe(spec).parameters == sum(p.numel() for p in kraken_layers.network(line).parameters())


def test_a_padded_batch_gives_what_each_image_gives_alone():
    model, _ = both(LINES[0])
    x, _ = images(LINES[0])
    padded = x.clone()
    padded[1, 15:] = torch.nan
    together = model(padded, lengths=[COLUMNS, 15, COLUMNS])
    torch.testing.assert_close(together[1:2, :3], model(x[1:2, :15]), rtol=0, atol=1e-12)


def test_channels_are_dropped_whole_and_what_stays_is_scaled():
    from zoo_vgsl.layers import ChannelDropout
    from zoo_vgsl.options import ChannelDropoutOptions

    layer = ChannelDropout(ChannelDropoutOptions(dropout=0.25), (40, 3))
    torch.manual_seed(0)
    y = layer(torch.ones(20, 5, 40, 3), {}, zoo.Run()).output
    assert bool((y == y[:, :1, :, :1]).all())
    assert set(y.unique().tolist()) == {0.0, float(torch.tensor(1 / 0.75))}
    assert 0.2 < float((y == 0).double().mean()) < 0.3
    x = torch.randn(2, 5, 40, 3)
    assert layer.eval()(x, {}, zoo.Run()).output is x
