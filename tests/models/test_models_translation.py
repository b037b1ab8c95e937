"""Published encoder-decoders against forward passes written from their sources: the same weights, the same scores."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from translation_sources import GNMT, Luong, Sutskever, Tutorial

import zoo
from zoo.testing import tiny

SOURCES, TARGETS = [9, 3, 1, 6], [5, 7, 2, 7]
BOUND = {"atol": 1e-10, "rtol": 0}


@pytest.fixture(scope="module", autouse=True)
def exact():
    """Models, sources and inputs in float64, where a wrong digit cannot hide behind rounding."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def built(name):
    """The model of the library at small widths, in eval mode, with weights far enough from zero to matter."""
    model = zoo.build(tiny(name), seed=0).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.rand(parameter.shape, generator=generator) - 0.5)
    return model


def put(mine, theirs):
    """The numbers of a parameter of zoo in one of a source."""
    with torch.no_grad():
        assert theirs.shape == mine.shape
        theirs.copy_(mine)


def put_cell(cell, module, suffix="_l0"):
    """torch's gates stand in the order of zoo's; where a cell has one bias, torch's other one is zero."""
    for name in ("weight_ih", "weight_hh"):
        put(cell.get_parameter(name), module.get_parameter(name + suffix))
    biases = dict(cell.named_parameters())
    if "bias" in biases:
        put(biases["bias"], module.get_parameter(f"bias_ih{suffix}"))
        nn.init.zeros_(module.get_parameter(f"bias_hh{suffix}"))
    else:
        put(biases["bias_ih"], module.get_parameter(f"bias_ih{suffix}"))
        put(biases["bias_hh"], module.get_parameter(f"bias_hh{suffix}"))


def batch(model):
    """Symbols beyond the first two, which may be padding."""
    generator = torch.Generator().manual_seed(2)
    rows = len(SOURCES)
    source = torch.randint(2, model.encoder.input.vocabulary, (rows, max(SOURCES)), generator=generator)
    target = torch.randint(2, model.decoder.input.vocabulary, (rows, max(TARGETS)), generator=generator)
    return source, target, torch.tensor(SOURCES), torch.tensor(TARGETS)


def hold(found, expected):
    """Equal where there is a target, and zero behind it."""
    assert expected.abs().max() > 0.1
    for row, length in enumerate(TARGETS):
        torch.testing.assert_close(found[row, :length], expected[row, :length], **BOUND)
        assert not found[row, length:].any()


def test_gnmt():
    model = built("translation/gnmt")
    attention, units = model.attention, model.decoder.layers[0].cell.hidden_size
    source_model = GNMT(model.encoder.input.vocabulary, model.encoder.input.output_shape[0], units).eval()
    put(model.encoder.input.embedding.weight, source_model.embedder.weight)
    put_cell(model.encoder.layers[0].cell, source_model.first)
    put_cell(model.encoder.layers[0].reverse_cell, source_model.first, "_l0_reverse")
    put_cell(model.decoder.layers[0].cell, source_model.asker)
    for index in range(3):
        put_cell(model.encoder.layers[index + 1].cell, source_model.encoder[index])
        put_cell(model.decoder.layers[index + 1].cell, source_model.decoder[index])
    put(attention.query.weight, source_model.linear_q.weight)
    put(attention.key.weight, source_model.linear_k.weight)
    put(attention.score.weight[0], source_model.linear_att)
    put(attention.scale, source_model.normalize_scalar)
    put(attention.shift, source_model.normalize_bias)
    put(model.decoder.head.linear.weight, source_model.classifier.weight)
    put(model.decoder.head.linear.bias, source_model.classifier.bias)
    assert sum(p.numel() for p in source_model.parameters()) == sum(p.numel() for p in model.parameters())
    source, target, source_lengths, lengths = batch(model)
    found = model(source, target, source_lengths=source_lengths, lengths=lengths)
    hold(found, source_model(source, source_lengths, target))


def test_luong():
    model = built("translation/luong")
    cells = [layer.cell for layer in model.decoder.layers]
    units, size = cells[0].hidden_size, model.decoder.input.output_shape[0]
    source_model = Luong(model.encoder.input.vocabulary, size, units, len(cells)).eval()
    put(model.encoder.input.embedding.weight, source_model.source_tokens.weight)
    put(model.decoder.input.embedding.weight, source_model.target_tokens.weight)
    for index, layer in enumerate(model.encoder.layers):
        put_cell(layer.cell, source_model.lstm, f"_l{index}")
    for cell, module in zip(cells, source_model.layers, strict=True):
        put_cell(cell, module, "")
    put(model.attention.query.weight, source_model.input_proj.weight)
    put(model.attention.combine.weight, source_model.output_proj.weight)
    put(model.decoder.head.linear.weight, source_model.fc_out.weight)
    put(model.decoder.head.linear.bias, source_model.fc_out.bias)
    assert sum(p.numel() for p in source_model.parameters()) == sum(p.numel() for p in model.parameters())
    source, target, source_lengths, lengths = batch(model)
    found = model(source, target, source_lengths=source_lengths, lengths=lengths)
    hold(found, source_model(source, source_lengths, target))


def test_sutskever():
    model = built("translation/sutskever")
    layers = model.decoder.layers
    sizes = (model.encoder.input.vocabulary, model.decoder.input.vocabulary, model.decoder.input.output_shape[0])
    source_model = Sutskever(*sizes, layers[0].cell.hidden_size, len(layers)).eval()
    put(model.encoder.input.embedding.weight, source_model.source_tokens.weight)
    put(model.decoder.input.embedding.weight, source_model.target_tokens.weight)
    for index in range(len(layers)):
        put_cell(model.encoder.layers[index].cell, source_model.encoder, f"_l{index}")
        put_cell(layers[index].cell, source_model.decoder, f"_l{index}")
    put(model.decoder.head.linear.weight, source_model.softmax.weight)
    source, target, source_lengths, lengths = batch(model)
    found = model(source, target, source_lengths=source_lengths, lengths=lengths)
    alone = [source_model(source[i : i + 1, :length], target[i : i + 1]) for i, length in enumerate(SOURCES)]
    hold(found, torch.cat(alone))


def test_the_tutorial_of_pytorch():
    model = built("translation/pytorch-tutorial")
    attention = model.attention
    sizes = (model.encoder.input.vocabulary, model.decoder.input.vocabulary, model.decoder.layers[0].cell.hidden_size)
    source_model = Tutorial(*sizes).eval()
    put(model.encoder.input.embedding.weight, source_model.source_embedding.weight)
    put(model.decoder.input.embedding.weight, source_model.target_embedding.weight)
    put_cell(model.encoder.layers[0].cell, source_model.encoder)
    put_cell(model.decoder.layers[0].cell, source_model.gru)
    for mine, theirs in ((attention.query, "Wa"), (attention.key, "Ua"), (attention.score, "Va")):
        put(mine.weight, source_model.get_parameter(f"{theirs}.weight"))
        put(mine.bias, source_model.get_parameter(f"{theirs}.bias"))
    put(model.decoder.head.linear.weight, source_model.out.weight)
    put(model.decoder.head.linear.bias, source_model.out.bias)
    assert sum(p.numel() for p in source_model.parameters()) == sum(p.numel() for p in model.parameters())
    source, target, source_lengths, lengths = batch(model)
    found = model(source, target, source_lengths=source_lengths, lengths=lengths)
    # The tutorial has no mask, so that only a source without padding is its own.
    alone = [source_model(source[i : i + 1, :length], target[i : i + 1]) for i, length in enumerate(SOURCES)]
    hold(found, torch.cat(alone))


def test_the_core_of_the_tutorial_has_the_parameters_that_its_code_has():
    figures = {row.label: row.description.parameters for row in zoo.describe(zoo.load("pytorch-tutorial")).rows}
    assert figures["encoder.layers.0"] + figures["decoder.layers.0"] + figures["architecture"] == 280_449


def test_keras(tmp_path):
    """keras-team/keras-io, examples/nlp/lstm_seq2seq.py: LSTM(return_state), LSTM(initial_state), Dense.

    Equation by equation: Keras' kernel is (input, 4 units), its gates i, f, c, o, as zoo's are.
    """
    model = built("translation/keras-seq2seq")
    generator = torch.Generator().manual_seed(3)
    source = torch.rand(4, max(SOURCES), model.encoder.input.input_shape[0], generator=generator)
    target = torch.rand(4, max(TARGETS), model.decoder.input.input_shape[0], generator=generator)
    found = model(source, target, source_lengths=torch.tensor(SOURCES), lengths=torch.tensor(TARGETS))

    def lstm(cell, x, h, c):
        kernel, recurrent, bias = cell.weight_ih.T, cell.weight_hh.T, cell.bias
        outputs = []
        for step in x:
            i, f, g, o = (step @ kernel + h @ recurrent + bias).split(len(h))
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            outputs.append(h)
        return torch.stack(outputs), h, c

    encoder, decoder, dense = model.encoder.layers[0].cell, model.decoder.layers[0].cell, model.decoder.head.linear
    zeros = torch.zeros(encoder.hidden_size)
    rows = []
    for row, length in enumerate(SOURCES):
        _, h, c = lstm(encoder, source[row, :length], zeros, zeros)
        outputs, _, _ = lstm(decoder, target[row], h, c)
        rows.append(outputs @ dense.weight.T + dense.bias)
    hold(found, torch.stack(rows))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("translation/gnmt", 160_671_297),
        ("translation/luong", 221_114_000),
        ("translation/sutskever", 384_032_000),
        ("translation/keras-seq2seq", 718_173),
        ("speech/g2p-en", 834_890),
    ],
)
def test_published_counts(name, parameters):
    assert zoo.describe(zoo.load(name)).parameters == parameters
    model = zoo.build(name, device="meta")
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
