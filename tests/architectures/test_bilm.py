"""Bidirectional language models: torch's own modules from each end, files, calls, and bugs that checks must find."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

import zoo
from zoo.testing import assert_bug_caught

TOKENS = {"kind": "tokens", "vocabulary": 9, "size": 5}
SAME = {"kind": "same", "of": "forwards.input"}
LENGTHS = [6, 1, 4]


def spec(backwards=None, **keys):
    forwards = {"input": TOKENS, "cell": "gru", "hidden_size": 5, "layers": 2, **keys}
    data = {"schema": 1, "name": "b", "architecture": "bilm", "forwards": forwards}
    return data if backwards is None else {**data, "backwards": backwards}


def built(**keys):
    return zoo.build(spec(**keys), seed=0, dtype=torch.float64).eval()


def as_torch(stack):
    module = nn.GRU(5, 5, 2, batch_first=True).double()
    with torch.no_grad():
        for index, layer in enumerate(stack.layers):
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                getattr(module, f"{name}_l{index}").copy_(layer.cell.get_parameter(name))
    return module


@pytest.mark.parametrize("head", [None, {"kind": "linear", "size": 9}, "tied"])
def test_each_row_is_read_from_both_of_its_own_ends(head):
    model = built(**({} if head is None else {"head": head}))
    forward, backward = as_torch(model.forwards), as_torch(model.backwards)
    words = torch.randint(9, (3, 6))
    found, state = model(words, lengths=LENGTHS, return_state=True)
    for row, length in enumerate(LENGTHS):
        features = model.forwards.input.embedding.weight[words[row : row + 1, :length]]
        ahead, first = forward(features)
        back, last = backward(features.flip(1))
        back = back.flip(1)
        expected = torch.cat([ahead, back], -1)
        if head is not None:
            expected = torch.stack([model.forwards.head(ahead), model.forwards.head(back)], 2)
        torch.testing.assert_close(found[row : row + 1, :length], expected, atol=1e-12, rtol=0)
        assert not found[row, length:].any()
        torch.testing.assert_close(state["forwards.layers.1.h"][row], first[1, 0])
        torch.testing.assert_close(state["backwards.layers.0.h"][row], last[0, 0])


def test_the_outputs_of_all_layers_come_with_the_input_first():
    model = built()
    words = torch.randint(9, (2, 6))
    layers, _ = model(words, lengths=[6, 3], layer_outputs=True)
    assert layers.shape == (2, 6, 3, 10)
    features = model.forwards.input(words)
    torch.testing.assert_close(layers[0, :, 0], torch.cat([features, features], -1)[0])
    torch.testing.assert_close(layers[:, :, 2], model(words, lengths=[6, 3])[0])
    assert not layers[1, 3:].any()


def test_the_loss_is_that_of_the_next_and_of_the_previous_word():
    model = built(head={"kind": "linear", "size": 9})
    words = torch.randint(9, (3, 6))
    scores = model(words, lengths=LENGTHS)
    logs = scores.log_softmax(-1)
    following = [-logs[r, t, 0, words[r, t + 1]].item() for r, n in enumerate(LENGTHS) for t in range(n - 1)]
    preceding = [-logs[r, t, 1, words[r, t - 1]].item() for r, n in enumerate(LENGTHS) for t in range(1, n)]
    expected = (sum(following) / len(following) + sum(preceding) / len(preceding)) / 2
    assert math.isclose(model.loss(scores, words, LENGTHS).item(), expected, rel_tol=1e-12)


def test_a_file_that_leaves_backwards_out_has_forwards_twice():
    short = zoo.load(spec(dropout=0.1, head="tied"))
    long = zoo.load(
        spec({"input": SAME, "cell": "gru", "hidden_size": 5, "layers": 2, "dropout": 0.1}, dropout=0.1, head="tied")
    )
    assert short == long
    assert zoo.describe(short).parameters == 9 * 5 + 9 + 4 * 180
    keys = list(zoo.build(short).state_dict())
    assert "forwards.input.embedding.weight" in keys
    assert "backwards.layers.1.cell.weight_hh" in keys
    assert not any(key.startswith(("backwards.input", "backwards.head")) for key in keys)


def test_the_directions_have_weights_of_their_own():
    model = built()
    one, other = (stack.layers[0].cell.weight_hh for stack in (model.forwards, model.backwards))
    assert not torch.equal(one, other)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"bidirectional": True}, "the forwards of architecture 'bilm' runs one step at a time, and cannot"),
        ({"layers": [{}, {"residual": True, "hidden_size": 7}]}, "residual adds the layer's input to its output"),
        ({"backwards": {"input": TOKENS, "cell": "gru", "hidden_size": 5}}, "has the input of the forwards: write"),
        ({"backwards": {"input": SAME, "cell": "gru", "hidden_size": 7}}, "both directions must give as many features"),
        (
            {"backwards": {"input": SAME, "cell": "gru", "hidden_size": 5, "head": "tied"}},
            "the backwards of architecture 'bilm' has no head",
        ),
        ({"backwards": {"cell": "gru", "hidden_size": 5}}, "missing key 'input'"),
    ],
)
def test_a_mistake_in_a_file_is_one_line(keys, said):
    with pytest.raises(zoo.SpecError) as caught:
        zoo.load(spec(**keys))
    assert any(said in one.message for one in caught.value.diagnostics), caught.value
    assert len(caught.value.diagnostics) == 1, caught.value


def test_the_input_of_another_is_for_stacks_that_are_like_another():
    encoder = {"input": TOKENS, "cell": "gru", "hidden_size": 5}
    decoder = {**encoder, "input": {"kind": "same", "of": "encoder.input"}, "head": {"kind": "linear", "size": 9}}
    with pytest.raises(zoo.SpecError, match="has an input of its own, and 'same' is for a stack that is like another"):
        zoo.load({"schema": 1, "name": "e", "architecture": "encoder-decoder", "encoder": encoder, "decoder": decoder})


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda m, x: m(x.double()), "x must be symbols of dtype torch.int64"),
        (lambda m, x: m(x, lengths=[9, 1]), "lengths must be from 1 to 6"),
        (lambda m, x: m(x, {"forwards.layers.0.h": torch.zeros(2, 5)}), "state lacks 'forwards.layers.1.h'"),
        (lambda m, x: m.loss(m(x), x[:, :1]), "output must have shape (2, 1, 2, V)"),
        (lambda m, x: m.loss(m(x), x, [1, 1]), "no word has a neighbour"),
        (lambda m, x: m.step(x[:, 0]), "does not run one step at a time"),
    ],
)
def test_a_wrong_call_is_one_line(call, said):
    with pytest.raises(zoo.InputError) as caught:
        call(built(head="tied"), torch.randint(9, (2, 6)))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_layers_of_other_widths_cannot_be_put_together():
    model = built(layers=[{"hidden_size": 7}, {}])
    words = torch.randint(9, (2, 6))
    assert model(words)[0].shape == (2, 6, 10)
    with pytest.raises(zoo.InputError, match="layer_outputs needs an input and layers of one width"):
        model(words, layer_outputs=True)


@pytest.mark.parametrize(
    "keys",
    [
        {"dropout": {"input": 0.2, "between": 0.3}, "head": "tied"},
        {"input": 3, "layers": [{"cell": "lstm"}, {"kind": "linear", "size": 4}]},
        {"backwards": {"input": SAME, "cell": "lstm", "hidden_size": 5}},
    ],
    ids=str,
)
def test_it_fulfils_the_contract(keys):
    report = zoo.check(zoo.load(spec(**keys)))
    assert not report.failed, report


MODEL = "zoo.architectures.bilm.model:BiLM"


@pytest.mark.parametrize(
    ("check", "where", "right", "wrong"),
    [
        ("padding_invariance", f"{MODEL}._directions", "reversal(run.lengths,", "reversal(None,"),
        ("causality", f"{MODEL}._directions", "take(features, order)", "features"),
        ("causality", f"{MODEL}._directions", "take(one, order) for one", "one for one"),
        ("direction", f"{MODEL}._directions", "_each(self.backwards,", "_each(self.forwards,"),
        ("causality", f"{MODEL}._directions", "take(features, order)", "0 * take(features, order)"),
        ("state_default", f"{MODEL}._directions", '_own(before, "backwards")', "None"),
        ("chunked", f"{MODEL}._directions", "_each(self.forwards, features,", "_each(self.forwards, features + 0.1,"),
        ("shapes", "zoo.architectures.bilm.model:_each", "[*found, y.output]", "[*found[1:], y.output, y.output]"),
        ("padding_invariance", f"{MODEL}._headed", "zero_where(scores, run.valid)", "scores"),
        ("loss_reference", f"{MODEL}.loss", "scores[:, 1:, 1]", "scores[:, :-1, 1]"),
        ("loss_reference", f"{MODEL}.loss", "(following + preceding) / 2", "following + preceding"),
        ("reset", "zoo.model.stack:StackModel.forward", "observed, reset, all_states", "observed, None, all_states"),
        ("causality", f"{MODEL}.forward", "for one in (forward, backward)], 2)", "for one in (backward, forward)], 2)"),
        ("parameters", "zoo.architectures.bilm.options:describe", "parameters=0, macs", "parameters=1, macs"),
        (
            "summary",
            "zoo.architectures.bilm.options:describe",
            "macs_per_step=forwards.head",
            "macs_per_step=0 * forwards.head",
        ),
    ],
)
def test_a_bug_would_be_found(check, where, right, wrong):
    assert_bug_caught(spec(head={"kind": "linear", "size": 9}), check, where, right, wrong)
