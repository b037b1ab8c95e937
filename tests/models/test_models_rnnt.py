"""The transducer of the MLPerf benchmark, and a joiner as torchaudio has it, against their sources' forward passes."""

from __future__ import annotations

import pytest
import torch
from speech_sources import RNNT, Torchaudio
from torch import nn

import zoo
from zoo.testing import tiny

BOUND = {"atol": 1e-10, "rtol": 0}


@pytest.fixture(scope="module", autouse=True)
def exact():
    """Models, sources and inputs in float64, where a wrong digit cannot hide behind rounding."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


LENGTHS, SYMBOLS = [8, 2, 6, 4], [3, 5, 0, 1]
BLANK = 0.95


def put(mine, theirs):
    with torch.no_grad():
        assert theirs.shape == mine.shape
        theirs.copy_(mine)


def put_layers(layers, module):
    """torch's layers in one module, with both biases or, where zoo has one, the other zero."""
    for index, layer in enumerate(layers):
        for name, parameter in layer.cell.named_parameters():
            put(parameter, module.get_parameter(f"{'bias_ih' if name == 'bias' else name}_l{index}"))
        if "bias" in dict(layer.cell.named_parameters()):
            nn.init.zeros_(module.get_parameter(f"bias_hh_l{index}"))


def shaken(model):
    """Weights far enough from zero to matter."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.rand(parameter.shape, generator=generator, dtype=torch.float32) - 0.5)
    return model.eval()


@pytest.fixture(scope="module")
def pair():
    model = shaken(zoo.build(tiny("speech/rnnt"), seed=0))
    lstm = model.encoder.layers
    theirs = RNNT(
        model.encoder.input_shape[0],
        lstm[0].cell.hidden_size,
        model.predictor.output_shape[0],
        model.joiner.output.in_features,
        model.outputs,
    ).eval()
    put_layers(lstm[:2], theirs.pre_rnn)
    put_layers(lstm[3:], theirs.post_rnn)
    put(model.predictor.input.embedding.weight, theirs.embed.weight)
    put_layers(model.predictor.layers, theirs.dec_rnn)
    for mine, other in (("encoder", "joint_enc"), ("predictor", "joint_pred"), ("output", "joint_net.1")):
        for name in ("weight", "bias"):
            put(model.joiner.get_parameter(f"{mine}.{name}"), theirs.get_parameter(f"{other}.{name}"))
    return model, theirs


def batch(model, rows, steps, symbols):
    generator = torch.Generator().manual_seed(2)
    shape = (rows, steps, model.encoder.input_shape[0])
    x = torch.randn(shape, generator=generator, dtype=torch.float32).double()
    return x, torch.randint(0, model.vocabulary, (rows, symbols), generator=generator)


def test_scores_of_a_ragged_batch(pair):
    model, theirs = pair
    x, target = batch(model, 4, max(LENGTHS), max(SYMBOLS))
    found = model(x, target, lengths=LENGTHS, target_lengths=SYMBOLS)
    expected = theirs(x, target)
    assert expected.abs().max() > 0.1
    for row, (steps, symbols) in enumerate(zip(LENGTHS, SYMBOLS, strict=True)):
        own = (row, slice(steps // 2), slice(symbols + 1))
        torch.testing.assert_close(found[own], expected[own], **BOUND)
        assert not found[row, steps // 2 :].any()
        assert not found[row, :, symbols + 1 :].any()


def test_the_last_of_an_odd_number_of_steps_stands_beside_zeros(pair):
    model, theirs = pair
    x, target = batch(model, 2, 7, 3)
    torch.testing.assert_close(model(x, target), theirs(x, target), **BOUND)
    assert model.output_lengths(torch.tensor([7, 6, 1])).tolist() == [4, 3, 1]


@pytest.mark.parametrize("most", [2, 3])
def test_the_text(pair, most):
    model, theirs = pair
    x = 3 * batch(model, 4, max(LENGTHS), 1)[0]
    with torch.no_grad():  # or the blank would win everywhere or nowhere
        model.joiner.output.bias[model.blank] = theirs.joint_net[1].bias[theirs.blank] = BLANK
    found = model.decode(x, lengths=LENGTHS, most=most)
    texts = [theirs.greedy(x[row : row + 1, :steps], most) for row, steps in enumerate(LENGTHS)]
    assert any(0 < len(text) < most * steps // 2 for text, steps in zip(texts, LENGTHS, strict=True))
    assert [row[:end].tolist() for row, end in zip(found.symbols, found.lengths.tolist(), strict=True)] == texts


def test_a_predictor_that_reads_the_blank_first():
    symbols, size, units, width = 11, 6, 7, 5
    spec = {
        "schema": 1,
        "name": "torchaudio",
        "architecture": {"kind": "transducer", "start": "blank", "joiner": {"activation": "relu"}},
        "encoder": {"input": 3, "cell": "gru", "hidden_size": width},
        "predictor": {
            "input": {"kind": "tokens", "vocabulary": symbols, "size": size},
            "layers": [
                {"kind": "norm", "norm": "layer"},
                {"cell": "lstm", "hidden_size": units, "repeat": 2},
                {"kind": "linear", "size": width},
                {"kind": "norm", "norm": "layer"},
            ],
        },
    }
    model = shaken(zoo.build(spec, seed=0))
    theirs = Torchaudio(symbols, size, units, width).eval()
    layers = model.predictor.layers
    put(model.predictor.input.embedding.weight, theirs.embedding.weight)
    put_layers(layers[1:3], theirs.lstm)
    for mine, other in (
        (layers[0].norm, theirs.input_layer_norm),
        (layers[3].linear, theirs.linear),
        (layers[4].norm, theirs.output_layer_norm),
        (model.joiner.output, theirs.joiner),
    ):
        put(mine.weight, other.weight)
        put(mine.bias, other.bias)
    x, target = torch.randn(2, 4, 3), torch.randint(0, symbols - 1, (2, 3))
    encoded = model.encode(x).output
    behind = torch.cat([torch.full((2, 1), symbols - 1), target], 1)
    torch.testing.assert_close(model(x, target), theirs(encoded, behind), **BOUND)
