"""The architecture encoder-decoder: what its options compute, in plain equations; its mistakes; its two ways to run."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

import zoo

SOURCE, TARGET = 11, 13


def stack(vocabulary, **keys):
    return {"input": {"kind": "tokens", "vocabulary": vocabulary, "size": 6}, "cell": "gru", "hidden_size": 8, **keys}


def spec(*, encoder=None, decoder=None, top=None, **options):
    return {
        "schema": 1,
        "name": "t",
        "architecture": {"kind": "encoder-decoder", **options},
        "encoder": stack(SOURCE, **(encoder or {})),
        "decoder": {**stack(TARGET), "head": {"kind": "linear", "size": TARGET}, **(decoder or {})},
        **(top or {}),
    }


def built(seed=0, **keys):
    return zoo.build(spec(**keys), seed=seed, dtype=torch.float64).eval()


def batch(rows=3, source=7, target=5):
    generator = torch.Generator().manual_seed(1)
    return (
        torch.randint(SOURCE, (rows, source), generator=generator),
        torch.randint(TARGET, (rows, target), generator=generator),
    )


WHOLE = [
    {},
    {"attention": {"score": "general", "combine": {"size": 5}}},
    {"attention": {"score": "additive", "size": 5, "gate": "sigmoid"}, "bridge": "mean"},
    {"attention": {"score": "dot", "ask": {"after": 0}, "feed": ["layers", "head"]}, "bridge": "zeros", "two": True},
]


@pytest.mark.parametrize("options", WHOLE)
def test_all_steps_at_once_are_the_steps_one_by_one(options):
    options = dict(options)
    layers = {"layers": 2} if options.pop("two", False) else {}
    model = built(encoder=layers, decoder=layers, **options)
    source, target = batch()
    given = {"source_lengths": [7, 2, 4], "lengths": [5, 3, 1]}
    assert model._decoder.whole
    together, after = model(source, target, **given, return_state=True)
    model._decoder.whole = False
    one_by_one, last = model(source, target, **given, return_state=True)
    torch.testing.assert_close(together, one_by_one, atol=1e-12, rtol=0)
    for name in after:
        torch.testing.assert_close(after[name], last[name], atol=1e-12, rtol=0)


def numpy_of(model):
    return {name: parameter.detach().numpy() for name, parameter in model.named_parameters()}


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def gru_step(p, prefix, x, h):
    """Cho et al. with the reset gate behind the product, as in torch."""
    a = p[f"{prefix}.weight_ih"] @ x + p[f"{prefix}.bias_ih"]
    b = p[f"{prefix}.weight_hh"] @ h + p[f"{prefix}.bias_hh"]
    n = len(h)
    r, z = 1 / (1 + np.exp(-(a[:n] + b[:n]))), 1 / (1 + np.exp(-(a[n : 2 * n] + b[n : 2 * n])))
    return (1 - z) * np.tanh(a[2 * n :] + r * b[2 * n :]) + z * h


def encoded(p, source):
    h, outputs = np.zeros(8), []
    for symbol in source:
        h = gru_step(p, "encoder.layers.0.cell", p["encoder.input.embedding.weight"][symbol], h)
        outputs.append(h)
    return np.stack(outputs)


def test_location_attention_before_the_step():
    """Chorowski et al. 2015, equations 5 to 9, with the weights of the step before, and the context to input and head."""
    options = {"score": "location", "size": 5, "filters": 3, "kernel": 5, "ask": "before", "feed": ["input", "head"]}
    model = built(attention=options)
    p, (source, target) = numpy_of(model), batch()
    found = model(source, target)
    for row in range(len(source)):
        memory = encoded(p, source[row])
        h, weights = memory[-1], np.zeros(len(memory))
        for t, symbol in enumerate(target[row]):
            padded = np.pad(weights, 2)
            f = np.stack(
                [[k[0] @ padded[s : s + 5] for k in p["attention.filters.weight"]] for s in range(len(memory))]
            )
            hidden = p["attention.query.weight"] @ h + memory @ p["attention.key.weight"].T
            hidden = hidden + f @ p["attention.location.weight"].T
            weights = softmax(np.tanh(hidden) @ p["attention.score.weight"][0])
            context = weights @ memory
            x = np.concatenate([p["decoder.input.embedding.weight"][symbol], context])
            h = gru_step(p, "decoder.layers.0.cell", x, h)
            scores = p["decoder.head.linear.weight"] @ np.concatenate([h, context]) + p["decoder.head.linear.bias"]
            np.testing.assert_allclose(found[row, t].detach().numpy(), scores, atol=1e-12)


def test_a_gate_and_a_dot_product():
    """Luong et al. 2015, equation 8 (dot), with the gate of Xu et al. 2015, section 4.2.1, on the context."""
    model = built(attention={"score": "dot", "gate": "sigmoid"})
    p, (source, target) = numpy_of(model), batch()
    found, weights = model(source, target), model.alignments(source, target)
    for row in range(len(source)):
        memory = encoded(p, source[row])
        h = memory[-1]
        for t, symbol in enumerate(target[row]):
            h = gru_step(p, "decoder.layers.0.cell", p["decoder.input.embedding.weight"][symbol], h)
            a = softmax(memory @ h)
            np.testing.assert_allclose(weights[row, t].detach().numpy(), a, atol=1e-12)
            gate = 1 / (1 + np.exp(-(p["attention.gate.weight"] @ h + p["attention.gate.bias"])))
            read = np.concatenate([h, gate * (a @ memory)])
            scores = p["decoder.head.linear.weight"] @ read + p["decoder.head.linear.bias"]
            np.testing.assert_allclose(found[row, t].detach().numpy(), scores, atol=1e-12)


def test_a_bridge_of_both_directions_and_of_the_first_step():
    both = {"bidirectional": True, "hidden_size": 4}
    source, _ = batch()
    model = built(encoder=both)
    _, end = model.encoder(source, lengths=torch.tensor([7, 2, 4]), return_state=True)
    state = model.encode(source, lengths=[7, 2, 4]).state
    torch.testing.assert_close(state["decoder.layers.0.h"], torch.cat([end[0], end[1]], -1))
    model = built(encoder={"bidirectional": True}, bridge="first")
    _, end = model.encoder(source, lengths=torch.tensor([7, 2, 4]), return_state=True)
    torch.testing.assert_close(model.encode(source, lengths=[7, 2, 4]).state["decoder.layers.0.h"], end[1])


def test_a_bridge_state_by_state():
    bridge = {"layers.0.h": "mean", "h": {"kind": "linear", "from": "last", "activation": "tanh"}, "c": "zeros"}
    model = built(encoder={"cell": "lstm", "layers": 2}, decoder={"cell": "lstm", "layers": 2}, bridge=bridge)
    source, _ = batch()
    output, (h, _) = model.encoder(source[:1, :4], return_state=True)
    state = model.encode(source, lengths=[4, 7, 2]).state
    torch.testing.assert_close(state["decoder.layers.0.h"][0], output.mean(1)[0])
    torch.testing.assert_close(state["decoder.layers.1.h"][0], model.bridge.maps["layers_1_h"](h[1])[0].tanh())
    assert not state["decoder.layers.0.c"].any()
    assert not state["decoder.layers.1.c"].any()


def test_a_reversed_encoder_ends_at_the_first_step():
    model = built(encoder={"layers": [{"reverse": True}]})
    source, _ = batch()
    memory, _, state = model.encode(source, lengths=[7, 2, 4])
    torch.testing.assert_close(state["decoder.layers.0.h"], memory[:, 0])


SHARED = {"kind": "shared", "of": "encoder.input"}


def shared(**keys):
    tied = {"input": SHARED, "hidden_size": 6, "head": {"kind": "tied"}, **keys}
    return built(encoder={"hidden_size": 6}, decoder=tied)


def test_a_shared_table_is_one_through_copies_and_files():
    model = shared()
    keys = [key for key in model.state_dict() if "embedding" in key]
    assert keys == ["encoder.input.embedding.weight"]
    source, target = batch(target=4)
    target = target % SOURCE
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.decoder.input.table is other.encoder.input.embedding
        assert other.decoder.head.source[0].table is other.encoder.input.embedding
        with torch.no_grad():
            other.encoder.input.embedding.weight.mul_(2)
        assert not torch.equal(other(source, target), model(source, target))


def test_dropout_of_a_shared_table_belongs_to_its_use():
    model = shared(input={**SHARED, "dropout": 0.5}).train()
    x = torch.arange(SOURCE).unsqueeze(0)
    torch.manual_seed(0)
    assert (model.decoder.input(x) == 0).all(-1).any()
    assert not (model.encoder.input(x) == 0).all(-1).any()


def test_generate_stops_fills_and_scores():
    model = built()
    source, _ = batch()
    free = model.generate(source, 6, start=1)
    stop = int(free[0, 1])
    stopped, scores = model.generate(source, 6, start=1, stop=stop, return_scores=True)
    first = (free == stop).float().argmax(1)
    for row in range(3):
        end = int(first[row]) + 1 if (free[row] == stop).any() else 6
        assert torch.equal(stopped[row, :end], free[row, :end])
        assert (stopped[row, end:] == stop).all()
        given = torch.cat([torch.tensor([1]), free[row, : end - 1]]).unsqueeze(0)
        log_p = model(source[row : row + 1], given).log_softmax(-1)[0]
        expected = log_p.gather(1, free[row, :end].unsqueeze(1)).sum()
        torch.testing.assert_close(scores[row], expected)


def test_a_wide_beam_finds_the_best_of_all_targets():
    model = built(
        decoder={"input": {"kind": "tokens", "vocabulary": 5, "size": 6}, "head": {"kind": "linear", "size": 5}}
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    source, _ = batch()
    every = torch.cartesian_prod(torch.arange(5), torch.arange(5))
    found, scores = model.generate(source, 2, start=0, beam=5, return_scores=True)
    for row in range(3):
        given = torch.cat([torch.zeros(25, 1, dtype=torch.int64), every[:, :1]], 1)
        log_p = model(source[row : row + 1].expand(25, -1), given).log_softmax(-1)
        sums = log_p.gather(2, every.unsqueeze(-1)).squeeze(-1).sum(1)
        assert torch.equal(found[row], every[sums.argmax()])
        torch.testing.assert_close(scores[row], sums.max())


def test_what_is_drawn_follows_the_scores():
    """2000 draws of one symbol, against softmax(scores / temperature)."""
    model = built()
    source, _ = batch(rows=1)
    many = source.expand(2000, -1)
    drawn = model.generate(many, 1, start=1, temperature=2.0, seed=0).flatten()
    with torch.no_grad():
        chances = (model(source, torch.tensor([[1]]))[0, 0] / 2.0).softmax(-1)
    shares = torch.bincount(drawn, minlength=TARGET) / 2000
    assert (shares - chances).abs().max() < 4 * (0.25 / 2000) ** 0.5


@pytest.mark.parametrize(
    ("keys", "place", "said"),
    [
        ({"attention": {"score": "dot"}, "encoder": {"hidden_size": 9}, "bridge": "zeros"}, "score", "as wide as"),
        (
            {"attention": {"score": "dot", "size": 4}},
            "attention",
            "size belongs to score 'additive' and 'location', not to 'dot'",
        ),
        ({"attention": {"feed": ["input"]}}, "attention", "use ask: before, or feed: [next_input]"),
        ({"attention": {"ask": "before", "feed": ["layers"]}}, "attention", "behind the layer that asks"),
        ({"attention": {"feed": ["layers"]}}, "feed", "no recurrent layer behind the one that asks"),
        ({"attention": {"ask": {"after": "asker"}}}, "after", "no layer of the decoder is called 'asker'"),
        ({"attention": {"ask": {"after": 3}}}, "after", "the decoder has no layer 3: it has 1, counted from 0"),
        ({"attention": {"kernel": 3}}, "attention", "kernel belongs to score 'location', not to 'general'"),
        ({"attention": {"score": "location", "kernel": 4}}, "attention", "odd number of steps"),
        ({"bridge": "zeros"}, "bridge", "knows nothing of the source"),
        ({"bridge": {"c": "last"}}, "bridge", "says nothing of the decoder's state layers.0.h"),
        ({"bridge": {"h": "last", "q": "last"}}, "bridge", "has no state 'q'"),
        ({"encoder": {"layers": 2}}, "bridge", "the encoder has 2 layers with a state, the decoder 1"),
        ({"encoder": {"hidden_size": 9}}, "bridge", "use bridge: {kind: linear}"),
        ({"decoder": {"cell": "lstm"}}, "bridge", "name what each starts from"),
        ({"decoder": {"bidirectional": True}}, "decoder", "runs one step at a time, and cannot"),
        ({"decoder": {"norm": "batch"}}, "norm", "needs a batch of all steps"),
        (
            {"attention": {"feed": ["next_input"]}, "decoder": {"dropout": {"recurrent": 0.1}}},
            "dropout",
            "dropout.recurrent keeps one mask",
        ),
        ({"decoder": {"layers": [{"initial_state": "learned"}]}}, "initial_state", "use bridge: zeros"),
        ({"decoder": {"input": {"kind": "shared", "of": "encoder.inputs"}}}, "of", "did you mean 'encoder.input'?"),
        ({"encoder": {"input": SHARED}}, "of", "this is the first: write an input of its own"),
        ({"decoder": {"attention": {"score": "dot"}}}, "attention", "belongs inside 'architecture'"),
        ({"top": {"bridge": "last"}}, "bridge", "belongs inside 'architecture'"),
    ],
)
def test_a_mistake_in_a_file_is_one_line(keys, place, said):
    with pytest.raises(zoo.SpecError) as caught:
        zoo.load(spec(**keys))
    assert len(caught.value.diagnostics) == 1, str(caught.value)
    (found,) = caught.value.diagnostics
    assert said in found.message
    assert place in str(found)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"attention": "nope"}, "'attention' must be 'none', or a mapping, not the text 'nope'; did you mean 'none'?"),
        ({"attention": {"scor": "dot"}}, "unknown key 'scor'; did you mean 'score'?"),
        ({"attention": {"ask": "befor"}}, "did you mean 'before'?"),
        ({"attention": {"ask": {"after": []}}}, "must be the name of a layer, or its position from 0, not a list"),
        ({"attention": {"combine": {"size": -1}}}, "'size' must be at least 1, not -1"),
        ({"bridge": {"kind": "linear", "from": "foo"}}, "'from' must be 'last', 'first' or 'mean', not the text 'foo'"),
        ({"bridge": {"h": {"kind": "linear", "frm": "last"}}}, "unknown key 'frm'; did you mean 'from'?"),
    ],
)
def test_a_wrong_form_is_said_of_the_form_that_was_written(keys, said):
    with pytest.raises(zoo.SpecError) as caught:
        zoo.load(spec(**keys))
    (found,) = caught.value.diagnostics
    assert said in found.message


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda m, s, t: m(s, t[:2]), "there are 3 sources and 2 targets"),
        (lambda m, s, t: m(s.float(), t), "source: x must be symbols"),
        (lambda m, s, t: m(s, t.float()), "target: x must be symbols"),
        (lambda m, s, t: m(s, t, lengths=[9, 1, 1]), "target: lengths must be from 1 to 5"),
        (lambda m, s, t: m(s, t, source_lengths=[0, 1, 1]), "source: lengths must be from 1 to 7"),
        (lambda m, s, t: m(pack_padded_sequence(s, [7, 7, 7], batch_first=True), t), "source: must be a tensor"),
        (lambda m, s, t: m.step(t[:, 0], m.encode(s).state), "memory is missing"),
        (lambda m, s, t: m.step(t, m.encode(s).state), "target: step takes one step"),
        (lambda m, s, t: m.step(t[:, 0], {}, memory=m.encode(s).memory), "state lacks 'decoder.layers.0.h'"),
        (lambda m, s, t: m.decode(t, m.encode(s).state, memory=s), r"memory must have shape \(3, S, 8\)"),
        (lambda m, s, t: m.init_state(3), "use model.encode"),
        (lambda m, s, t: m.decoder(t), "call the whole model"),
        (lambda m, s, t: m.generate(s, 0, start=1), "steps must be a whole number from 1"),
        (lambda m, s, t: m.generate(s, 3, start=13), "start must be a whole number from 0 to 12"),
        (lambda m, s, t: m.generate(s, 3, start=1, beam=2, temperature=1.0), "leave out temperature"),
        (lambda m, s, t: m.generate(s, 3, start=1, seed=1), "give temperature="),
        (lambda m, s, t: m.generate(s, 3, start=1, length_penalty=1.0), "give beam="),
    ],
)
def test_a_wrong_call_is_one_line(call, said):
    model = built(attention={"feed": ["next_input", "head"], "combine": {"size": 5}})
    with pytest.raises(zoo.InputError, match=said):
        call(model, *batch())


def test_a_decoder_of_features_writes_no_symbols():
    model = built(decoder={"input": 4})
    with pytest.raises(zoo.InputError, match="its decoder reads features"):
        model.generate(batch()[0], 3, start=1)


def test_a_head_that_scores_other_symbols_than_are_read_writes_none():
    model = built(decoder={"head": {"kind": "linear", "size": 5}})
    with pytest.raises(zoo.InputError, match="what is written cannot be read"):
        model.generate(batch()[0], 3, start=1)


def test_bridge_zeros_starts_from_nothing():
    model = built(attention={"score": "general"}, bridge="zeros")
    assert not model.init_state(2)["decoder.layers.0.h"].any()


def test_attention_costs_what_each_pair_of_steps_costs():
    figures = zoo.describe(zoo.load(spec(attention={"score": "additive", "size": 5})))
    attention = 5 * 8 + 5 * 8  # U m for each step of the source, W q for each of the target
    assert figures.macs_per_pair == 5 + 8  # v, and the mean
    assert figures.macs(6) - figures.macs(5) == figures.macs_per_step + 13 * (36 - 25)
    without = zoo.describe(zoo.load(spec()))
    assert figures.macs_per_step - without.macs_per_step == attention + 8 * TARGET  # and the head reads 8 more
