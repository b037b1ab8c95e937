"""The architecture against torch's own modules, its files and their mistakes, and bugs that its checks must find."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import zoo
from zoo.testing import assert_bug_caught

SOURCE, TARGET, WIDTH, HIDDEN = 11, 13, 5, 7


def spec(cell="lstm", hidden=HIDDEN, **keys):
    def stack(vocabulary):
        return {
            "input": {"kind": "tokens", "vocabulary": vocabulary, "size": WIDTH},
            "cell": cell,
            "hidden_size": hidden,
            "layers": 2,
        }

    return {
        "schema": 1,
        "name": "t",
        "architecture": {"kind": "seq2seq"},
        "encoder": stack(SOURCE),
        "decoder": {**stack(TARGET), "head": {"kind": "linear", "size": TARGET}},
        **keys,
    }


def stacked(model, kind):
    """torch's own module with the weights of a stack's layers."""
    module = kind(WIDTH, HIDDEN, 2, batch_first=True).double()
    with torch.no_grad():
        for index, layer in enumerate(model.layers):
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                getattr(module, f"{name}_l{index}").copy_(layer.cell.get_parameter(name))
    return module


@pytest.mark.parametrize(("cell", "kind"), [("lstm", nn.LSTM), ("gru", nn.GRU), ("rnn", nn.RNN)])
@pytest.mark.parametrize("reverse", [True, False])
def test_the_numbers_are_those_of_torch(cell, kind, reverse):
    architecture = {"kind": "seq2seq", "reverse": reverse}
    model = zoo.build(spec(cell, architecture=architecture), seed=0, dtype=torch.float64).eval()
    encoder, decoder = stacked(model.encoder, kind), stacked(model.decoder, kind)
    source, target = torch.randint(SOURCE, (4, 9)), torch.randint(TARGET, (4, 6))
    lengths = [9, 3, 1, 6]
    found = model(source, target, source_lengths=torch.tensor(lengths))
    for row, length in enumerate(lengths):
        read = source[row : row + 1, :length]
        _, state = encoder(model.encoder.input.embedding(read.flip(1) if reverse else read))
        output, _ = decoder(model.decoder.input.embedding(target[row : row + 1]), state)
        torch.testing.assert_close(found[row : row + 1], model.decoder.head.linear(output), atol=1e-12, rtol=0)


def test_greedy_takes_the_likeliest_symbol_each_time():
    model = zoo.build(spec(), seed=1).eval()
    source = torch.randint(SOURCE, (3, 5))
    found = model.greedy(source, start=2, steps=4)
    written = torch.full((3, 1), 2)
    for _ in range(4):
        written = torch.cat([written, model(source, written)[:, -1:].argmax(-1)], 1)
    assert torch.equal(found, written[:, 1:])


def test_it_learns_to_turn_a_sequence_round():
    model = zoo.build(spec("gru", 24, architecture={"kind": "seq2seq", "reverse": False}), seed=0)
    generator = torch.Generator().manual_seed(0)
    source = torch.randint(1, 4, (64, 3), generator=generator)
    target = source.flip(1)
    given = torch.cat([torch.zeros(64, 1, dtype=torch.int64), target[:, :-1]], 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(250):
        loss = nn.functional.cross_entropy(model(source, given).transpose(1, 2), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
    assert (model.eval().greedy(source, start=0, steps=3) == target).float().mean().item() > 0.98


def test_the_keys_of_its_weights_begin_with_its_stacks():
    keys = list(zoo.build(spec()).state_dict())
    assert keys[0] == "encoder.input.embedding.weight"
    assert "encoder.layers.1.cell.weight_hh" in keys
    assert keys[-1] == "decoder.head.linear.bias"


def test_the_published_count():
    assert zoo.describe(zoo.load("translation@sutskever")).parameters == 384_032_000
    recurrent = sum(8 * [2 * 1000 * 4000 + 4000])
    assert 160_000_000 + 80_000_000 + recurrent + 80_000_000 == 384_032_000


@pytest.mark.parametrize(
    ("keys", "place", "said"),
    [
        ({"decoder": {"input": 3, "cell": "lstm", "hidden_size": 7, "layers": 2}}, "decoder", "needs a head"),
        ({"hidden_size": 3}, "hidden_size", "belongs inside a stack of this architecture: encoder or decoder"),
        ({"encoder": 3}, "encoder", "must be a mapping"),
        ({"encoder": {"input": 3, "cell": "lstm", "hidden_size": 9}}, "", "as many layers, of the same cells"),
        ({"encoder": {"input": 3, "cell": "lstm", "hidden_size": 7, "layres": 2}}, "layres", "did you mean 'layers'?"),
        ({"encoder": {"cell": "lstm", "hidden_size": 7}}, "encoder", "missing key 'input'"),
    ],
)
def test_a_mistake_in_a_file_is_one_line(keys, place, said):
    with pytest.raises(zoo.SpecError) as caught:
        zoo.load(spec(**keys))
    (found,) = caught.value.diagnostics
    assert said in found.message
    assert place in str(found)


def test_a_decoder_that_looks_ahead_is_refused():
    decoder = {**spec()["decoder"], "bidirectional": True}
    with pytest.raises(zoo.SpecError, match=r"runs one step at a time, and cannot: layers\.0 is bidirectional"):
        zoo.load(spec(decoder=decoder, encoder={**spec()["encoder"], "bidirectional": True}))


@pytest.mark.parametrize(
    ("check", "where", "right", "wrong"),
    [
        ("teacher_forcing", "model:Seq2Seq.step", "self.decoder.step(target, state)", "self.decoder.step(target)"),
        ("bridge", "model:Seq2Seq.forward", "self.encode(source, source_lengths)", "None"),
        ("bridge", "model:Seq2Seq.encode", "return_state=True)[1]", "return_state=True)[1].detach()"),
        ("source_padding", "model:_reversed", "ends - 1 - steps", "(ends - steps).clamp(max=len(steps[0:7]) - 1)"),
        ("source_padding", "model:Seq2Seq.encode", "lengths=source_lengths", "lengths=None"),
        ("options", "model:Seq2Seq.__init__", "options.reverse", "True"),
    ],
)
def test_a_bug_would_be_found(check, where, right, wrong):
    assert_bug_caught(spec("gru"), check, f"zoo_seq2seq.{where}", right, wrong)
