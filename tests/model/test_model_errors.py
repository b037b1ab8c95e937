"""What a model refuses, word for word: each mistake is one InputError that says what fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from each import each
from model_support import build, features, symbols
from torch.nn.utils.rnn import pack_padded_sequence

import zoo
from zoo.model.base import Model

LSTM = build(cell="lstm")
GRU = build(cell="gru", layers=2)
TOKENS = build(input={"kind": "tokens", "vocabulary": 9, "size": 3})
NAMED = build(layers=[{"cell": "lstm", "hidden_size": 4}, {"cell": "rnn", "hidden_size": 5}])
X = features()
H = torch.zeros(1, 4, 5, dtype=torch.float64)
MASK = torch.zeros(4, 7, dtype=torch.bool)
PACKED = pack_padded_sequence(X, torch.tensor([7, 5, 3, 1]), batch_first=True)
ONE = "x.unsqueeze(0) for one sequence"
POOLED = build(head={"kind": "linear", "size": 2, "pool": "mean"})
LEAVE_OUT = (
    ": a sequence of length 0 is allowed only where a state is given and the model has no pool; leave it "
    "out, keep = lengths > 0, with x[keep], lengths[keep] and the state's state[keep], or h[:, keep] in torch's layout"
)
LACKS = "; this model's state has layers.0.h, layers.0.c"


def call(model: Model = LSTM, *arguments: Any, **keys: Any) -> Callable[[], Any]:
    return lambda: model(*arguments, **keys)


CASES: dict[str, tuple[Callable[[], Any], str]] = {
    "x-none": (call(LSTM, None), "x must be a tensor or a PackedSequence, not NoneType"),
    "x-numpy": (call(LSTM, X.numpy()), "x must be a tensor or a PackedSequence, not ndarray"),
    "x-sparse": (
        call(LSTM, X.to_sparse()),
        "x must be an ordinary dense tensor: use x.to_dense(), or pad the sequences and give lengths",
    ),
    "x-2d": (
        call(LSTM, X[0]),
        "x must have shape (B, T, 3), not (7, 3): the batch or the time axis is missing; "
        f"use {ONE}, x.unsqueeze(1) for one step of a batch, or model.step",
    ),
    "x-1d": (call(LSTM, X[0, 0]), "x must have shape (B, T, 3), not (3,)"),
    "x-4d": (call(LSTM, X[None]), "x must have shape (B, T, 3), not (1, 4, 7, 3)"),
    "x-width": (call(LSTM, X[..., :2]), "x must have shape (B, T, 3), not (4, 7, 2)"),
    "x-no-rows": (call(LSTM, X[:0]), "x has no sequences: shape (0, 7, 3)"),
    "x-no-steps": (call(LSTM, X[:, :0]), "x has no steps: shape (4, 0, 3)"),
    "x-meta": (call(LSTM, X.to("meta")), "x is on meta, the model on cpu: use x.to('cpu')"),
    "x-float32": (
        call(LSTM, X.float()),
        "x has dtype torch.float32, the model torch.float64: use x.to(torch.float64) or model.to(torch.float32)",
    ),
    "x-integers": (
        call(LSTM, X.long()),
        "x must be real numbers of dtype torch.float64, not torch.int64: use x.to(torch.float64)",
    ),
    "tokens-real": (
        call(TOKENS, symbols(4, 7, 9).double()),
        "x must be symbols of dtype torch.int64, not torch.float64: use x.long()",
    ),
    "tokens-1d": (
        call(TOKENS, symbols(4, 7, 9)[0]),
        f"x must have shape (B, T), not (7,): the batch or the time axis is missing; use {ONE}",
    ),
    "tokens-high": (
        call(TOKENS, torch.tensor([[8, 9]])),
        "x must be symbols from 0 to 8, the input's vocabulary, not from 8 to 9",
    ),
    "tokens-low": (
        call(TOKENS, torch.tensor([[-1, 3]], dtype=torch.int32)),
        "x must be symbols from 0 to 8, the input's vocabulary, not from -1 to 3",
    ),
    "tokens-step": (
        lambda: TOKENS.step(torch.tensor([9])),
        "x must be symbols from 0 to 8, the input's vocabulary, not from 9 to 9",
    ),
    "lengths-zero": (
        call(LSTM, X, lengths=[0, 1, 2, 7]),
        "lengths must be from 1 to 7, the number of steps, not from 0 to 7" + LEAVE_OUT,
    ),
    "lengths-zero-pool": (
        call(POOLED, X, POOLED.init_state(4), lengths=[0, 1, 2, 7]),
        "lengths must be from 1 to 7, the number of steps, not from 0 to 7" + LEAVE_OUT,
    ),
    "lengths-negative": (
        call(LSTM, X, LSTM.init_state(4), lengths=[-1, 1, 2, 7]),
        "lengths must be from 0 to 7, the number of steps, not from -1 to 7",
    ),
    "lengths-long": (
        call(LSTM, X, lengths=[8, 1, 2, 7]),
        "lengths must be from 1 to 7, the number of steps, not from 1 to 8",
    ),
    "lengths-all-long": (
        call(LSTM, X, lengths=[8, 8, 8, 8]),
        "lengths must be from 1 to 7, the number of steps, not from 8 to 8",
    ),
    "lengths-count": (
        call(LSTM, X, lengths=[1, 2, 3]),
        "lengths must be 4 integers, one per sequence, not shape (3,) torch.int64",
    ),
    "lengths-2d": (
        call(LSTM, X, lengths=torch.ones(4, 1, dtype=torch.int64)),
        "lengths must be 4 integers, one per sequence, not shape (4, 1) torch.int64",
    ),
    "lengths-float": (
        call(LSTM, X, lengths=torch.ones(4)),
        "lengths must be 4 integers, one per sequence, not shape (4,) torch.float32",
    ),
    "lengths-floats": (
        call(LSTM, X, lengths=[1.0, 2, 3, 4]),
        "lengths must be 4 integers, one per sequence, not shape (4,) torch.float32",
    ),
    "lengths-mask": (
        call(LSTM, X, lengths=[True] * 4),
        "lengths must be 4 integers, one per sequence, not shape (4,) torch.bool",
    ),
    "lengths-int": (call(LSTM, X, lengths=5), "lengths must be 4 integers, one per sequence, not 5"),
    "lengths-text": (call(LSTM, X, lengths="1234"), "lengths must be 4 integers, one per sequence, not '1234'"),
    "lengths-set": (
        call(LSTM, X, lengths={1, 2, 3, 4}),
        "lengths must be 4 integers, one per sequence, not {1, 2, 3, 4}",
    ),
    "lengths-none": (
        call(LSTM, X, lengths=[None, 1, 2, 3]),
        "lengths must be 4 integers, one per sequence, not [None, 1, 2, 3]",
    ),
    "lengths-huge": (
        call(LSTM, X, lengths=[10**20, 1, 2, 3]),
        "lengths must be 4 integers, one per sequence, not [100000000000000000000, 1, 2, 3]",
    ),
    "lengths-meta": (
        call(LSTM, X, lengths=torch.ones(4, dtype=torch.int64, device="meta")),
        "lengths are on meta, which holds no numbers, and x is on cpu",
    ),
    "lengths-sparse": (
        call(LSTM, X, lengths=torch.ones(4, dtype=torch.int64).to_sparse()),
        "lengths must be an ordinary dense tensor: use lengths.to_dense()",
    ),
    "reset-meta": (call(LSTM, X, reset=MASK.to("meta")), "reset is on meta, which holds no numbers, and x is on cpu"),
    "reset-sparse": (
        call(LSTM, X, reset=MASK.to_sparse()),
        "reset must be an ordinary dense tensor: use reset.to_dense()",
    ),
    "reset-list": (call(LSTM, X, reset=[True]), "reset must be booleans of shape (4, 7), not list"),
    "reset-float": (
        call(LSTM, X, reset=MASK.float()),
        "reset must be booleans of shape (4, 7), not torch.float32 (4, 7)",
    ),
    "reset-shape": (call(LSTM, X, reset=MASK[:, :6]), "reset must be booleans of shape (4, 7), not torch.bool (4, 6)"),
    "dt": (
        call(LSTM, X, dt=torch.ones(4, 7)),
        "dt was given, but this model's cells (LSTM) do not use it: leave it out",
    ),
    "observed": (
        call(NAMED, X, observed=torch.ones(4, 7, 3, dtype=torch.bool)),
        "observed was given, but this model's cells (LSTM) do not use it: leave it out",
    ),
    "dt-step": (
        lambda: NAMED.step(X[:, 0], dt=torch.ones(4)),
        "dt was given, but this model's cells (LSTM, RNN) do not use it: leave it out",
    ),
    "state-bare": (
        call(LSTM, X, H),
        "state must be a tuple (h, c), as this model gives it, not a tensor of shape (1, 4, 5)",
    ),
    "state-three": (call(LSTM, X, (H, H, H)), "state must be a tuple (h, c), as this model gives it, not tuple of 3"),
    "state-pair": (call(GRU, X, (H, H)), "state must be a tensor h, as this model gives it, not tuple of 2"),
    "state-shape": (
        call(GRU, X, H),
        "state h must have shape (2, 4, 5) (layers * directions, B, H), not (1, 4, 5)",
    ),
    "state-rows": (
        call(LSTM, X, (H, H[:, :3])),
        "state c must have shape (1, 4, 5) (layers * directions, B, H), not (1, 3, 5)",
    ),
    "state-rows-ragged": (
        call(LSTM, X, (H, H[:, :3]), lengths=[1, 2, 3, 4]),
        "state c must have shape (1, 4, 5) (layers * directions, B, H), not (1, 3, 5)",
    ),
    "state-none-inside": (
        call(LSTM, X, (H, None)),
        "state c must have shape (1, 4, 5) (layers * directions, B, H), not NoneType",
    ),
    "state-integers": (call(LSTM, X, (H.long(), H)), "state h must have dtype torch.float64, not torch.int64"),
    "state-complex": (
        call(LSTM, X, (H, H.to(torch.complex128))),
        "state c must have dtype torch.float64, not torch.complex128",
    ),
    "state-meta": (
        call(GRU, X, torch.zeros(2, 4, 5, device="meta")),
        "state h is on meta, which holds no numbers, and the model on cpu",
    ),
    "state-lacks": (call(LSTM, X, {"layers.0.h": H[0]}), f"state lacks 'layers.0.c'{LACKS}"),
    "state-unknown": (
        call(LSTM, X, {"layers.0.h": H[0], "layers.0.c": H[0], "layers.1.h": H[0]}),
        f"state has an unknown 'layers.1.h'{LACKS}",
    ),
    "state-named-shape": (
        call(LSTM, X, {"layers.0.h": H[0], "layers.0.c": H}),
        "state 'layers.0.c' must have shape (4, 5), not (1, 4, 5)",
    ),
    "state-named-integers": (
        call(LSTM, X, {"layers.0.h": H[0], "layers.0.c": H[0].long()}),
        "state layers.0.c must have dtype torch.float64, not torch.int64",
    ),
    "state-tuple-for-named": (
        call(NAMED, X, (H, H)),
        "state must be a zoo.State (or a mapping of its names), as this model gives it, not tuple of 2; "
        "its layers have no layout in common",
    ),
    "packed-lengths": (
        call(LSTM, PACKED, lengths=[1, 2, 3, 4]),
        "lengths cannot be given beside a PackedSequence: pad the batch and give lengths",
    ),
    "packed-reset": (
        call(LSTM, PACKED, reset=MASK),
        "reset cannot be given beside a PackedSequence: pad the batch and give lengths",
    ),
    "packed-width": (
        call(GRU, pack_padded_sequence(X[..., :2], [7] * 4, batch_first=True)),
        "x must have shape (B, T, 3), not (4, 7, 2)",
    ),
    "step-sequence": (lambda: LSTM.step(X), "step takes one step of a batch, (B, 3), not (4, 7, 3)"),
    "step-width": (lambda: LSTM.step(X[:, 0, :2]), "step takes one step of a batch, (B, 3), not (4, 2)"),
    "step-packed": (lambda: LSTM.step(PACKED), "step takes one step of a batch, (B, 3), not PackedSequence"),  # type: ignore[arg-type]
    "step-symbols": (lambda: TOKENS.step(symbols(4, 7, 9)), "step takes one step of a batch, (B), not (4, 7)"),
    "step-reset": (
        lambda: LSTM.step(X[:, 0], reset=MASK[:, :1]),
        "reset must be booleans of shape (4,), not torch.bool (4, 1)",
    ),
    "step-observed": (
        lambda: LSTM.step(X[:, 0], observed=X[:, 0]),
        "observed must be booleans of shape (4, 3), not torch.float64 (4, 3)",
    ),
    "step-dt": (
        lambda: LSTM.step(X[:, 0], dt=torch.ones(4, dtype=torch.int64)),
        "dt must be real numbers of shape (4,), not torch.int64 (4,)",
    ),
    "init-negative": (lambda: LSTM.init_state(-1), "batch must be a number of sequences, not -1"),
    "init-bool": (lambda: LSTM.init_state(True), "batch must be a number of sequences, not True"),
    "init-huge": (lambda: LSTM.init_state(2**70), f"batch must be a number of sequences, not {2**70}"),
    "example-negative": (lambda: LSTM.example_input(2, -1), "steps must be a number of steps, not -1"),
    "example-text": (lambda: LSTM.example_input("a", 1), "batch must be a number of sequences, not 'a'"),  # type: ignore[arg-type]
    "init-real": (lambda: LSTM.init_state(2.0), "batch must be a number of sequences, not 2.0"),  # type: ignore[arg-type]
}


@each("name", CASES)
def test_a_mistake_is_one_input_error(name: str) -> None:
    mistaken, message = CASES[name]
    with pytest.raises(zoo.InputError) as caught:
        mistaken()
    assert str(caught.value) == message
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"bidirectional": True}, "layers.0 is bidirectional"),
        (
            {"layers": [{"cell": "rnn", "hidden_size": 4}, {"cell": "rnn", "hidden_size": 4, "reverse": True}]},
            "layers.1 is reversed",
        ),
        ({"head": {"kind": "linear", "size": 2, "pool": "max"}}, "the head pools over time (pool: max)"),
    ],
)
def test_a_model_that_cannot_step_says_why(keys: dict[str, Any], why: str) -> None:
    with pytest.raises(zoo.InputError) as caught:
        build(**keys).step(X[:, 0])
    assert str(caught.value) == f"a cannot run one step at a time: {why}"


def test_a_model_in_low_precision_takes_a_state_of_another_precision() -> None:
    model = build(cell="lstm", dtype=torch.bfloat16)
    output, (h, c) = model(X.to(torch.bfloat16), (H.double(), H.half()))
    assert (output.dtype, h.dtype, c.dtype) == (torch.bfloat16, torch.float32, torch.float32)
