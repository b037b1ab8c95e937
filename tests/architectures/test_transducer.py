"""Transducers: the loss against all ways of writing a target, texts, what is refused, and bugs that checks must find."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

import zoo
from zoo.testing import assert_bug_caught

TOKENS = {"kind": "tokens", "vocabulary": 4, "size": 3}
CONCAT = {"joiner": {"size": 6, "merge": "concat"}}
FRAMES = [{"hidden_size": 5, "bidirectional": True}, {"kind": "stack_frames", "count": 2}, {"hidden_size": 5}]


def spec(architecture=None, encoder=None, predictor=None):
    return {
        "schema": 1,
        "name": "t",
        "architecture": {"kind": "transducer", "joiner": {"size": 6}, **(architecture or {})},
        "encoder": {"input": 3, "cell": "gru", "hidden_size": 5, **(encoder or {})},
        "predictor": {"input": TOKENS, "cell": "lstm", "hidden_size": 7, **(predictor or {})},
    }


def built(**keys):
    return zoo.build(spec(**keys), seed=0, dtype=torch.float64).eval()


def paths(probabilities, target, blank):
    """P(target): every order of blanks and symbols that ends with the last blank, one after the other."""
    steps, symbols = len(probabilities), len(target)
    total = 0.0
    for order in set(itertools.permutations("b" * (steps - 1) + "s" * symbols)):
        p, t, u = 1.0, 0, 0
        for move in (*order, "b"):
            p *= probabilities[t][u][blank if move == "b" else target[u]]
            t, u = t + (move == "b"), u + (move == "s")
        total += p
    return total


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
@pytest.mark.parametrize("symbols", [0, 1, 2, 3])
@pytest.mark.parametrize("blank", [0, 2, 4])
def test_the_loss_is_the_sum_over_all_paths(steps, symbols, blank):
    model = built(architecture={"blank": blank})
    generator = torch.Generator().manual_seed(steps)
    scores = torch.randn(1, steps, symbols + 1, 5, generator=generator, dtype=torch.float64)
    target = torch.randint(0, 4, (1, symbols), generator=generator)
    indices = [symbol + (symbol >= blank) for symbol in target[0].tolist()]
    p = paths(scores[0].softmax(-1).tolist(), indices, blank)
    assert model.loss(scores, target).item() == pytest.approx(-math.log(p), abs=1e-10)


def test_the_loss_of_a_long_sequence_is_finite_in_float32_and_half():
    model = zoo.build(spec(), seed=0)
    scores = 20 * torch.randn(2, 300, 41, 5, generator=torch.Generator().manual_seed(0))
    target = torch.randint(0, 4, (2, 40))
    exact = model.loss(scores.double(), target, [300, 150], [40, 3], reduction="none")
    torch.testing.assert_close(
        model.loss(scores, target, [300, 150], [40, 3], reduction="none").double(), exact, rtol=1e-5, atol=0
    )
    half = model.loss(scores.bfloat16(), target)
    assert half.dtype == torch.float32
    assert half.isfinite()


def test_shapes_lengths_and_empty_targets():
    model = built(encoder={"layers": FRAMES})
    x = torch.randn(2, 7, 3, dtype=torch.float64)
    assert model(x, torch.zeros(2, 0, dtype=torch.int64)).shape == (2, 3, 1, 5)
    assert model.output_lengths(torch.tensor([7, 6, 5])).tolist() == [3, 3, 2]
    scores = model(x, torch.zeros(2, 4, dtype=torch.int32), lengths=[7, 4], target_lengths=[0, 4])
    assert scores.shape == (2, 3, 5, 5)
    assert scores[1, :2].all()
    assert not scores[1, 2].any()
    assert not scores[0, :, 1:].any()


def test_greedy_writes_on_until_the_blank():
    model = built()
    with torch.no_grad():
        model.joiner.output.bias[model.blank] += 100.0
    x = torch.randn(2, 5, 3, dtype=torch.float64)
    assert model.decode(x).lengths.tolist() == [0, 0]
    with torch.no_grad():
        model.joiner.output.bias[2] += 200.0
    found = model.decode(x, lengths=[5, 2], most=3)
    assert found.symbols.tolist() == [[2] * 15, [2] * 6 + [0] * 9]


def test_a_text_in_pieces_is_that_of_the_whole():
    model = built(architecture={"blank": 1})
    x = 3 * torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    whole = model.decode(x, most=2)
    assert whole.lengths.min() > 0
    state, rows = None, [[], []]
    for piece in x.split([4, 1, 4], 1):
        symbols, lengths, state = model.decode(piece, state, most=2)
        rows = [row + one[:end].tolist() for row, one, end in zip(rows, symbols, lengths.tolist(), strict=True)]
    assert rows == [row[:end].tolist() for row, end in zip(whole.symbols, whole.lengths.tolist(), strict=True)]


def test_a_beam_of_one_path_is_no_worse_than_greedy():
    model = built()
    x = 3 * torch.randn(3, 6, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    best, plain = model.decode(x, beam=8, most=3), model.decode(x, most=3)

    def losses(found):
        lengths = found.lengths.tolist()
        return [
            model.loss(model(x[row : row + 1], text), text).item()
            for row, end in enumerate(lengths)
            for text in (found.symbols[row : row + 1, :end],)
        ]

    assert all(a <= b + 1e-9 for a, b in zip(losses(best), losses(plain), strict=True))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"predictor": {"input": 3}}, "predictor.input must be of kind tokens"),
        ({"predictor": {"bidirectional": True}}, "the predictor of architecture 'transducer' runs one step at a time"),
        ({"predictor": {"head": {"kind": "linear", "size": 4}}}, "has no head: leave it out"),
        ({"architecture": {"blank": 5}}, "blank must be one of the 5 scores, 0 to 4"),
        ({"architecture": {"joiner": {"merge": "sum"}}}, "the encoder is 5 wide, the predictor 7: give joiner.size"),
        ({"architecture": {"joiner": {"size": 6, "merge": "mul"}}}, "merge"),
    ],
)
def test_a_mistake_in_a_file_is_one_line(keys, said):
    with pytest.raises(zoo.SpecError) as caught:
        zoo.load(spec(**keys))
    assert said in str(caught.value)
    assert len(caught.value.diagnostics) == 1


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda m, x, y: m(x, y.double()), "target must be symbols (B, U) of dtype torch.int64, not torch.float64"),
        (lambda m, x, y: m(x, y[0]), "target must be symbols (B, U)"),
        (lambda m, x, y: m(x, y + 9), "target: x must be symbols from 0 to 3"),
        (lambda m, x, y: m(x, y[:1]), "there are 2 sequences and 1 targets"),
        (lambda m, x, y: m(x, y, target_lengths=[1, 4]), "target_lengths: lengths must be from 0 to 3"),
        (lambda m, x, y: m.loss(m(x, y), y[:, :2]), "output must have shape (B, T, U + 1, V) = (2, 6, 3, 5)"),
        (lambda m, x, y: m.loss(m(x, y), y, [7, 6]), "lengths: lengths must be from 1 to 6"),
        (lambda m, x, y: m.loss(m(x, y), y, reduction="max"), "reduction must be 'mean', 'sum' or 'none'"),
        (lambda m, x, y: m.decode(x, most=0), "most must be a whole number from 1, not 0"),
        (lambda m, x, y: m.decode(x, m.init_state(2), beam=2), "a beam follows whole sequences"),
        (lambda m, x, y: m.predict(y, m.init_state(3)), "must have shape (2, 7), not (3, 7)"),
        (lambda m, x, y: m.step(x[:, 0]), "does not run one step at a time"),
    ],
)
def test_a_wrong_call_is_one_line(call, said):
    model = built()
    x = torch.randn(2, 6, 3, dtype=torch.float64)
    with pytest.raises(zoo.InputError) as caught:
        call(model, x, torch.tensor([[1, 2, 3], [3, 0, 0]]))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_encoder_that_looks_ahead_takes_no_pieces():
    model = built(encoder={"bidirectional": True})
    x = torch.randn(1, 6, 3, dtype=torch.float64)
    assert model.decode(x).symbols.shape[0] == 1
    with pytest.raises(zoo.InputError, match=r"reads no pieces, so a state cannot be given: .*is bidirectional"):
        model.decode(x, model.init_state(1))


def test_a_target_with_the_blank_is_refused_by_the_loss():
    model = built(architecture={"start": "blank", "blank": 0})
    x, target = torch.randn(1, 4, 3, dtype=torch.float64), torch.tensor([[1, 0]])
    scores = model(x, target)
    with pytest.raises(zoo.InputError, match="target has the blank, 0, as a symbol"):
        model.loss(scores, target)
    assert model.loss(scores, target, target_lengths=[1]).isfinite()


def test_the_keys_of_its_weights_begin_with_its_stacks():
    keys = list(built().state_dict())
    assert keys[0] == "encoder.layers.0.cell.weight_ih"
    assert keys[-2:] == ["joiner.output.weight", "joiner.output.bias"]
    assert {"predictor.input.embedding.weight", "joiner.encoder.bias", "joiner.predictor.bias"} <= set(keys)
    assert list(built(architecture=CONCAT).state_dict())[-4:-2] == ["joiner.both.weight", "joiner.both.bias"]


@pytest.mark.parametrize("keys", [{}, {"architecture": CONCAT | {"start": "blank", "blank": 0}}], ids=str)
def test_it_fulfils_the_contract(keys):
    report = zoo.check(zoo.load(spec(encoder={"layers": FRAMES, "dropout": {"output": 0.3}}, **keys)))
    assert not report.failed, report


MODEL, LOSS = "zoo.architectures.transducer.model:Transducer", "zoo.architectures.transducer.loss"
PREDICTING, SYMBOLS = "zoo.architectures.transducer.predicting", "zoo.architectures.transducer.symbols:Symbols"
JOINER, DECODING = "zoo.architectures.transducer.joiner:Joiner", "zoo.architectures.transducer.decoding"


@pytest.mark.parametrize(
    ("check", "where", "right", "wrong"),
    [
        ("parameters", f"{JOINER}.__init__", "nn.Linear(told, width)", "nn.Linear(told, width, bias=False)"),
        ("shapes", f"{JOINER}.forward", "told.unsqueeze(1)", "told.unsqueeze(1).mean(2, keepdim=True)"),
        ("causality", f"{JOINER}.forward", "told.unsqueeze(1)", "told.unsqueeze(1).flip(2)"),
        ("stepwise", f"{JOINER}.forward", "ahead.unsqueeze(2)", "ahead.flip(1).unsqueeze(2)"),
        ("transducer_loss", f"{LOSS}:negative_logs", "steps - 1 + symbols, symbols", "steps - 1, symbols * 0"),
        ("transducer_loss", f"{LOSS}:negative_logs", "torch.stack(lattice, 1) + blanks", "torch.stack(lattice, 1)"),
        ("transducer_loss", f"{LOSS}:negative_logs", "emitted[:, d - 1]", "blanks[:, d - 1, 1:]"),
        ("transducer_loss", f"{LOSS}:_skewed", ".clamp(0, steps - 1)", ".clamp(1 if steps > 1 else 0, steps - 1)"),
        ("transducer_loss", f"{LOSS}:negative_logs", ".log_softmax(-1)", "+ 0"),
        ("padding_invariance", f"{LOSS}:_valid", "(u <= symbols[:, None])", "(u <= symbols[:, None] + 99)"),
        ("transducer_loss", f"{SYMBOLS}.indices", "(symbols >= self.blank)", "(symbols > self.blank)"),
        ("transducer_decode", f"{SYMBOLS}.at", "(index > self.blank)", "(index > self.blank + 1)"),
        ("padding_invariance", f"{PREDICTING}:predicted", "known + 1", "known"),
        ("padding_invariance", f"{MODEL}._joined", "steps & predicted.valid.unsqueeze(1)", "steps"),
        (
            "causality",
            f"{PREDICTING}:predicted",
            "[_first(stack, symbols, target.shape[0], features), features]",
            "[features, features[:, :1]]",
        ),
        ("chunked", f"{PREDICTING}:predicted", "last = torch.where(", "_ = torch.where("),
        ("export", f"{MODEL}._encode", "named_state(after, output.shape[0])", "named_state(after, len(output))"),
        ("state_default", f"{PREDICTING}:begin", "torch.zeros((batch, 0)", "torch.zeros((batch, 1)"),
        (
            "chunked",
            f"{MODEL}._encode",
            "self.encoder(x, before,",
            "self.encoder(x, before and {name: 0 * one for name, one in before.items()},",
        ),
        (
            "batch_independence",
            f"{DECODING}:one_by_one",
            "going = t < lengths",
            "going = t < lengths.max().expand_as(lengths)",
        ),
        ("transducer_decode", f"{DECODING}:one_by_one", "where_sequences(going, after[name], before)", "after[name]"),
        ("transducer_decode", f"{DECODING}:_beam", "_plus(ended.get(text.symbols), text.log + log)", "text.log + log"),
        ("transducer_decode", f"{DECODING}:_longer", "tensor[parents]", "tensor[parents * 0]"),
    ],
)
def test_a_bug_would_be_found(check, where, right, wrong):
    keys = {"architecture": {"blank": 2}}
    assert_bug_caught(spec(**keys), check, where, right, wrong)
