"""Models whose layers make one step of several: the hop, pieces, steps and resets, against torch's own functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from each import each
from torch import Tensor
from torch.nn import functional as F

import zoo

FRAMES = {"kind": "stack_frames", "count": 2}
CONV = {"kind": "conv1d", "channels": 5, "kernel_size": 3, "stride": 2}
PLANE = {"kind": "conv2d", "axes": ["time", "features"], "channels": 3, "kernel_size": [3, 3], "stride": [2, 1]}
POOL = {"kind": "max_pool", "axes": ["time"], "size": [3]}
VALID = {**CONV, "padding": "valid"}


def build(*layers: Mapping[str, Any], **keys: Any) -> Any:
    inner = [one for layer in layers for one in (layer, *layer.get("layers", ()))]
    own = {"cell": "gru", "hidden_size": 6} if any("kind" not in layer for layer in inner) else {}
    spec = {"input": 4, **own, "layers": list(layers), **keys}
    return zoo.build(spec, seed=0, dtype=torch.float64).eval()


def numbers(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def step_by_step(model: Any, x: Tensor) -> Tensor:
    state, found = None, []
    for piece in x.split(model.hop, 1):
        y, state = model.step(piece, state)
        found.append(y)
    return torch.stack(found, 1)


HOPS = (
    ((FRAMES,), 2),
    ((CONV, {}, FRAMES, {}), 4),
    ((CONV, POOL), 6),
    (({}, {"kind": "block", "layers": [CONV, FRAMES], "residual": False}), 4),
    (({},), 1),
)


@each(("layers", "hop"), HOPS, ids=lambda case: str(case[1]))
def test_the_hop_is_the_product_of_the_strides(layers: Any, hop: int) -> None:
    model = build(*layers)
    assert model.hop == zoo.describe(model.spec).hop == hop
    assert model.output_lengths(torch.tensor([hop * 5])).tolist() == [5]


@each(
    ("conv", "left", "right"),
    [
        (CONV, 1, 1),
        ({**CONV, "padding": "causal"}, 2, 0),
        ({**CONV, "kernel_size": 5, "padding": "causal", "dilation": 2}, 8, 0),
        ({**CONV, "kernel_size": 1, "stride": 3}, 0, 0),
        ({**CONV, "kernel_size": 4, "padding": [2, 0]}, 2, 0),
    ],
)
def test_steps_of_a_convolution_are_torchs_convolution(conv: dict[str, Any], left: int, right: int) -> None:
    model = build(conv)
    x = numbers(3, 7 * model.hop, 4)
    (layer,) = model.layers
    padded = F.pad(x.transpose(1, 2), (left, right))
    own = layer.conv
    expected = F.conv1d(padded, own.weight, own.bias, stride=own.stride, dilation=own.dilation).transpose(1, 2)
    torch.testing.assert_close(model(x)[0], expected, atol=1e-12, rtol=0)
    torch.testing.assert_close(step_by_step(model, x), expected, atol=1e-12, rtol=0)


def test_steps_of_a_convolution_over_time_and_features_are_torchs() -> None:
    model = build(PLANE)
    x = numbers(3, 14, 4)
    own = model.layers[0].conv
    expected = F.conv2d(x.unsqueeze(1), own.weight, own.bias, (2, 1), (1, 1)).transpose(1, 2)
    torch.testing.assert_close(model(x)[0], expected, atol=1e-12, rtol=0)
    torch.testing.assert_close(step_by_step(model, x), expected, atol=1e-12, rtol=0)


def test_a_step_takes_the_hop_and_gives_one_output() -> None:
    model = build(FRAMES, {})
    cell = model.layers[1].cell
    own = torch.nn.GRU(8, 6, batch_first=True).double()
    with torch.no_grad():
        own.weight_ih_l0.copy_(cell.weight_ih)
        own.weight_hh_l0.copy_(cell.weight_hh)
        own.bias_ih_l0.copy_(cell.bias_ih)
        own.bias_hh_l0.copy_(cell.bias_hh)
    x = numbers(3, 10, 4)
    expected = own(x.reshape(3, 5, 8))[0]
    torch.testing.assert_close(step_by_step(model, x), expected, atol=1e-12, rtol=0)
    y, state = model.step(x[:, :2])
    assert y.shape == (3, 6)
    assert {name: tuple(one.shape) for name, one in state.items()} == {"layers.1.h": (3, 6), "left_over": (3,)}


def test_the_last_piece_may_end_inside_a_hop_and_no_other() -> None:
    model = build(CONV, {}, FRAMES, {})
    x = numbers(2, 23, 4)
    whole, last = model(x)
    first, state = model(x[:, :16])
    second, after = model(x[:, 16:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole, atol=1e-12, rtol=0)
    assert after["left_over"].tolist() == last["left_over"].tolist() == [3, 3]
    with pytest.raises(
        zoo.InputError, match=r"sequence 0 cannot .* ended 3 steps behind a multiple of 4 \(model.hop\)"
    ):
        model(x[:, :4], after)
    _, ended = model(x[:, :8], lengths=[8, 5])
    with pytest.raises(zoo.InputError, match="sequence 1 cannot go on"):
        model.step(x[:, :4], ended)
    y, held = model(x[:, :8], ended, lengths=[8, 0])
    torch.testing.assert_close(y[:1], model(x[:1, :8], zoo.State(ended)[:1])[0], atol=1e-12, rtol=0)
    assert held["left_over"].tolist() == [0, 1]
    anew, _ = model.step(x[:, :4], ended, reset=torch.tensor([False, True]))
    torch.testing.assert_close(anew[1:], model.step(x[1:, :4])[0], atol=1e-12, rtol=0)


def test_a_reset_before_a_hop_is_two_sequences() -> None:
    model = build({**CONV, "kernel_size": 4, "padding": "causal"}, {"bidirectional": True}, FRAMES, {"cell": "lstm"})
    x, reset = numbers(2, 24, 4), torch.zeros(2, 24, dtype=torch.bool)
    reset[0, 8] = reset[0, 20] = True
    found, _ = model(x, reset=reset)
    parts = [model(x[:1, start:stop])[0] for start, stop in ((0, 8), (8, 20), (20, 24))]
    torch.testing.assert_close(found[:1], torch.cat(parts, 1), atol=1e-12, rtol=0)
    torch.testing.assert_close(found[1:], model(x[1:])[0], atol=1e-12, rtol=0)


def test_a_reset_in_padding_may_stand_anywhere() -> None:
    model = build(FRAMES, {})
    x, reset = numbers(2, 8, 4), torch.zeros(2, 8, dtype=torch.bool)
    reset[0, 5] = True
    expected, _ = model(x, lengths=[4, 8])
    torch.testing.assert_close(model(x, lengths=[4, 8], reset=reset)[0], expected, atol=1e-12, rtol=0)


RESETS = (
    (
        (CONV, {}, FRAMES, {}),
        3,
        "reset is given before step 3, and layers.0 makes one step of 2: a sequence starts anew",
    ),
    ((CONV, {}, FRAMES, {}), 6, "reset is given before step 6, and layers.2 makes one step of 4"),
    ((VALID, {}), 4, "reset cannot be given: layers.0 changes the number of steps"),
    (
        ({"kind": "block", "layers": [VALID], "residual": False},),
        4,
        "reset cannot be given: layers.0 changes the number",
    ),
    (({**POOL, "size": [3], "stride": [2]}, {}), 4, "reset cannot be given: layers.0 changes the number of steps"),
)


@each(("layers", "at", "said"), RESETS)
def test_a_reset_inside_a_hop_names_the_layer(layers: Any, at: int, said: str) -> None:
    reset = torch.zeros(2, 12, dtype=torch.bool)
    reset[1, at] = True
    with pytest.raises(zoo.InputError, match=said):
        build(*layers)(numbers(2, 12, 4), reset=reset)


REASONS = (
    ((VALID, {}), r"layers.0 \(conv1d\) cannot run in chunks: its window looks 1 step ahead"),
    (({**CONV, "kernel_size": 7}, {}), r"layers.0 \(conv1d\) cannot run in chunks: its window looks 2 steps ahead"),
    (({**CONV, "padding": [3, 0]}, {}), "its window gives more steps than its stride tells"),
    (
        ({**POOL, "size": [3], "stride": [2]}, {}),
        r"layers.0 \(max_pool\) cannot run in chunks: its window looks 1 step",
    ),
    (({**POOL, "stride": [2], "padding": [1]}, {}), r"layers.0 \(max_pool\) cannot run in chunks: its windows overlap"),
    (({"kind": "lookahead", "context": 3}, {}), r"\(lookahead\) cannot run in chunks: its window looks 2 steps ahead"),
    (
        ({"kind": "periodic", "period": 3, "layers": [{"cell": "gru", "hidden_size": 2}]}, {}),
        "its periods are counted from the end of a sequence",
    ),
    ((FRAMES, {"bidirectional": True}), "layers.1 is bidirectional"),
)


@each(("layers", "said"), REASONS)
def test_a_model_that_has_no_steps_says_why(layers: Any, said: str) -> None:
    model = build(*layers)
    with pytest.raises(zoo.InputError, match=said):
        model.step(numbers(2, model.hop, 4) if model.hop > 1 else numbers(2, 4))


WRONG: tuple[tuple[Any, str], ...] = (
    (lambda m: m.step(numbers(2, 4)), r"step takes 4 steps of a batch, \(B, 4, 4\), not \(2, 4\)"),
    (lambda m: m.step(numbers(2, 3, 4)), r"step takes 4 steps of a batch, \(B, 4, 4\), not \(2, 3, 4\)"),
    (
        lambda m: m.step(numbers(2, 4, 4), reset=torch.zeros(2, 4, dtype=torch.bool)),
        r"reset must be booleans of shape \(2,\)",
    ),
    (lambda m: m.step(numbers(2, 4, 4), (torch.zeros(1, 2, 6),)), "state must be a zoo.State"),
)


@each(("call", "said"), WRONG)
def test_what_is_no_hop_is_refused(call: Any, said: str) -> None:
    model = build(CONV, FRAMES, {})
    with pytest.raises(zoo.InputError, match=said):
        call(model)


def test_several_inputs_and_heads_are_given_a_hop_at_a_time() -> None:
    source = {"kind": "several", "of": {"sound": 3, "word": {"kind": "tokens", "vocabulary": 5, "size": 2}}}
    source["of"]["who"] = {"kind": "tokens", "vocabulary": 5, "size": 2, "per": "sequence"}  # type: ignore[index]
    heads = {"one": {"kind": "linear", "size": 2}, "two": {"kind": "linear", "size": 3}}
    model = build({}, FRAMES, {}, input=source, heads=heads)
    x = model.example_input(2, 8)
    whole, state = model(x), None
    for t in range(4):
        now = {name: one if name == "who" else one[:, 2 * t : 2 * t + 2] for name, one in x.items()}
        y, state = model.step(now, state)
        for name, one in y.items():
            torch.testing.assert_close(one, whole[name][:, t], atol=1e-12, rtol=0)
    with pytest.raises(zoo.InputError, match=r"step takes 2 steps of a batch, x\['sound'\] \(B, 2, 3\), not \(2, 3\)"):
        model.step({name: one if name == "who" else one[:, 0] for name, one in x.items()})


def test_gaps_belong_to_the_steps_of_the_input() -> None:
    model = build({"cell": "gru-d"}, FRAMES, {})
    x, dt, seen = numbers(2, 8, 4), numbers(2, 8).abs() + 0.1, numbers(2, 8, 4) > 0
    whole, _ = model(x, dt=dt, observed=seen)
    state, found = None, []
    for t in range(0, 8, 2):
        now = slice(t, t + 2)
        y, state = model.step(x[:, now], state, dt=dt[:, now], observed=seen[:, now])
        found.append(y)
    torch.testing.assert_close(torch.stack(found, 1), whole, atol=1e-12, rtol=0)
    with pytest.raises(zoo.InputError, match=r"dt must be real numbers of shape \(2, 2\), not torch.float64 \(2,\)"):
        model.step(x[:, :2], dt=dt[:, 0], observed=seen[:, :2])


def test_a_cell_that_reads_gaps_behind_a_stride_does_not_fit() -> None:
    with pytest.raises(zoo.SpecError, match="a layer before it changes the number of steps: put the cell before it"):
        build(FRAMES, {"cell": "gru-d"})


@each("stack", ["predictor", "decoder", "forwards"])
def test_a_stack_that_runs_step_by_step_makes_no_steps_fewer(stack: str) -> None:
    words = {"input": {"kind": "tokens", "vocabulary": 7, "size": 4}, "cell": "gru", "hidden_size": 6}
    fewer, head = [FRAMES, {}], {"kind": "linear", "size": 7}
    specs: dict[str, dict[str, Any]] = {
        "predictor": {
            "architecture": {"kind": "transducer", "joiner": {"size": 5}},
            "encoder": words,
            "predictor": {**words, "layers": fewer},
        },
        "decoder": {
            "architecture": {"kind": "encoder-decoder"},
            "encoder": words,
            "decoder": {**words, "layers": fewer, "head": head},
        },
        "forwards": {
            "architecture": {"kind": "bilm"},
            "forwards": {**words, "layers": fewer, "head": head},
            "backwards": {**words, "layers": fewer, "head": head},
        },
    }
    with pytest.raises(zoo.SpecError, match=f"the {stack} of architecture .* changes the number of steps"):
        zoo.build(specs[stack])


def test_a_transducer_reads_pieces_of_whole_hops() -> None:
    words = {"kind": "tokens", "vocabulary": 7, "size": 4}
    model = zoo.build(
        {
            "architecture": {"kind": "transducer", "joiner": {"size": 5}},
            "encoder": {"input": 4, "cell": "lstm", "hidden_size": 6, "layers": [{}, {**FRAMES, "tail": "pad"}, {}]},
            "predictor": {"input": words, "cell": "gru", "hidden_size": 6},
        },
        seed=0,
        dtype=torch.float64,
    ).eval()
    assert model.hop == 2
    x = numbers(2, 13, 4)
    whole, state, texts = model.decode(x, most=2), None, ([], [])
    for piece in x.split(4, 1):  # the last of one step
        found = model.decode(piece, state, most=2)
        state = found.state
        for row, text in enumerate(texts):
            text += found.symbols[row, : found.lengths[row]].tolist()
    assert [list(text) for text in texts] == [s[:n].tolist() for s, n in zip(whole.symbols, whole.lengths, strict=True)]
    assert any(texts)
    assert found.state["encoder.left_over"].tolist() == [1, 1]
    with pytest.raises(zoo.InputError, match="sequence 0 cannot go on from this state"):
        model.encode(x[:, :2], found.state)


def test_a_card_says_how_many_steps_at_a_time() -> None:
    assert "yes, 2 steps at a time" in str(
        zoo.summary({"input": 4, "cell": "gru", "hidden_size": 6, "layers": [FRAMES, {}]})
    )
