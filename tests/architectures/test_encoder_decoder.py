"""What an encoder-decoder says of an encoder without layers, and of its attention's forms, in plain equations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema
import numpy as np
import pytest
import torch
from torch import Tensor

import zoo
from zoo.plugin.manager import isolated
from zoo.spec.schema import json_schema
from zoo.testing import parametrize_with_checks

PLACES, SYMBOLS, SIZE, UNITS = 5, 13, 6, 8


def spec(*, encoder: Any = None, decoder: Any = None, name: str = "t", **options: Any) -> dict[str, Any]:
    tokens = {"kind": "tokens", "vocabulary": SYMBOLS, "size": SIZE}
    head = {"kind": "linear", "size": SYMBOLS}
    return {
        "schema": 1,
        "name": name,
        "architecture": {"kind": "encoder-decoder", **options},
        "encoder": {"input": PLACES, "layers": [], **(encoder or {})},
        "decoder": {"input": tokens, "cell": "gru", "hidden_size": UNITS, "head": head, **(decoder or {})},
    }


def built(**keys: Any) -> zoo.Model:
    return zoo.build(spec(**keys), seed=0, dtype=torch.float64).eval()


def refused(document: dict[str, Any]) -> str:
    with pytest.raises(zoo.SpecError) as caught:
        zoo.load(document)
    (found,) = caught.value.diagnostics
    assert "\n" not in found.message
    return str(found)


def test_an_encoder_without_layers_gives_its_input() -> None:
    model = built(attention={"score": "additive", "size": 4}, bridge={"kind": "linear", "from": "mean"})
    source = model.encoder.example_input(3, 7, seed=1)
    memory, lengths, state = model.encode(source, lengths=[7, 2, 4])
    assert lengths.tolist() == [7, 2, 4]
    p = {name: parameter.detach().numpy() for name, parameter in model.named_parameters()}
    assert not any(name.startswith("encoder.") for name in p)
    for row, steps in enumerate((7, 2, 4)):
        kept = source[row, :steps].numpy()
        np.testing.assert_array_equal(memory[row, :steps].numpy(), kept)
        assert not memory[row, steps:].any()
        h = p["bridge.maps.layers_0_h.weight"] @ kept.mean(0) + p["bridge.maps.layers_0_h.bias"]
        np.testing.assert_allclose(state["decoder.layers.0.h"][row].detach().numpy(), h, atol=1e-12)


def test_what_the_input_embeds_is_read() -> None:
    """Of symbols their vectors are the memory, and the table is the encoder's only parameter."""
    tokens = {"kind": "tokens", "vocabulary": 9, "size": 4}
    model = built(encoder={"input": tokens}, attention={"score": "general"}, bridge="zeros")
    source = torch.tensor([[1, 2, 8], [3, 0, 0]])
    memory, _, _ = model.encode(source, lengths=[3, 1])
    table = model.encoder.input.embedding.weight
    torch.testing.assert_close(memory[0], table[[1, 2, 8]], atol=0, rtol=0)
    torch.testing.assert_close(memory[1, 0], table[3], atol=0, rtol=0)
    figures = zoo.describe(zoo.load(spec(encoder={"input": tokens}, attention={"score": "general"}, bridge="zeros")))
    assert figures.parameters == sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (spec(bridge="last", attention={"score": "general"}), "the encoder has 0 layers with a state, the decoder 1"),
        (spec(bridge="first", attention={"score": "general"}), "the encoder has 0 layers with a state, the decoder 1"),
        (spec(bridge="zeros"), "the decoder knows nothing of the source"),
        (spec(bridge="mean"), "use bridge: {kind: linear}"),
        (spec(encoder={"cell": "gru"}, bridge="zeros", attention={}), "cell is for recurrent layers"),
        (spec(encoder={"layers": 0}, bridge="zeros", attention={}), "must be 1 to 1000 layers, not 0"),
        (spec(decoder={"layers": []}, bridge="zeros", attention={}), "must be 1 to 1000 layers, not 0"),
        ({"schema": 1, "name": "t", "input": 3, "layers": []}, "must be 1 to 1000 layers, not 0"),
        (
            spec(encoder={"layers": [{"kind": "block", "layers": []}]}, bridge="zeros", attention={}),
            "must be 1 to 1000 layers, not 0",
        ),
        (
            spec(attention={"score": "dot", "activation": "relu"}),
            "activation belongs to score 'additive' and 'location', not to 'dot'",
        ),
        (spec(attention={"score": "additive", "activation": "rule"}), "'activation'"),
        (
            spec(attention={"score": "additive", "over": ["total"]}),
            "over belongs to score 'location', not to 'additive'",
        ),
        (spec(attention={"score": "location", "over": ["total", "total"]}), "over names something twice"),
        (spec(attention={"score": "location", "over": ["sum"]}), "'over'"),
        (spec(attention={"score": "location", "over": []}), "'over'"),
        (spec(attention={"pace": 0.5}), "pace belongs to score 'window', not to 'general'"),
        (spec(attention={"score": "window", "pace": 0}), "'pace'"),
        (spec(attention={"score": "window", "size": 4}), "size belongs to score 'additive' and 'location'"),
        (spec(attention={"score": "window", "bias": True}), "score 'window' has its bias anyway"),
        (spec(attention={"feed": ["head", "head_alone"]}), "beside the last layer's output, or alone"),
        (spec(attention={"feed": ["head_alone"], "combine": {"size": 4}}), "write feed 'head'"),
        (spec(attention={"ask": {"after": 0, "fed": True}}), "add next_input to feed"),
    ],
)
def test_a_mistake_is_one_line(document: dict[str, Any], said: str) -> None:
    assert said in refused(document)


def test_the_schema_says_which_stack_may_be_empty() -> None:
    validator = jsonschema.Draft7Validator(json_schema(isolated()))
    assert validator.is_valid(spec(bridge="zeros", attention={"score": "general"}))
    assert not validator.is_valid(spec(decoder={"layers": []}, bridge="zeros", attention={"score": "general"}))
    assert not validator.is_valid(spec(encoder={"layers": 0}, bridge="zeros", attention={"score": "general"}))
    assert not validator.is_valid({"schema": 1, "name": "t", "input": 3, "layers": []})


def test_the_activation_of_a_score() -> None:
    """v · relu(W q + U m), as in place of tanh."""
    model = built(attention={"score": "additive", "size": 4, "activation": "relu"}, bridge="zeros")
    source = model.encoder.example_input(2, 7, seed=1)
    target = torch.tensor([[1, 2, 3], [4, 5, 6]])
    weights = model.alignments(source, target).detach().numpy()
    p = {name: parameter.detach().numpy() for name, parameter in model.named_parameters()}
    asked = model.decoder.layers[0].cell
    with torch.no_grad():
        x, h = model.decoder.input(target), torch.zeros(2, UNITS, dtype=torch.float64)
        for t in range(3):
            h = torch.gru_cell(x[:, t], h, asked.weight_ih, asked.weight_hh, asked.bias_ih, asked.bias_hh)
            for row in range(2):
                hidden = (
                    p["attention.query.weight"] @ h[row].numpy() + source[row].numpy() @ p["attention.key.weight"].T
                )
                e = np.exp(np.maximum(hidden, 0) @ p["attention.score.weight"][0])
                np.testing.assert_allclose(weights[row, t], e / e.sum(), atol=1e-12)


def gru(p: dict[str, np.ndarray], x: np.ndarray, h: np.ndarray) -> np.ndarray:
    """The decoder's layer, with the reset gate behind the product, as in torch."""
    a = p["decoder.layers.0.cell.weight_ih"] @ x + p["decoder.layers.0.cell.bias_ih"]
    b = p["decoder.layers.0.cell.weight_hh"] @ h + p["decoder.layers.0.cell.bias_hh"]
    n = len(h)
    r, z = 1 / (1 + np.exp(-(a[:n] + b[:n]))), 1 / (1 + np.exp(-(a[n : 2 * n] + b[n : 2 * n])))
    return (1 - z) * np.tanh(a[2 * n :] + r * b[2 * n :]) + z * h


LENGTHS = (7, 2, 4)
TARGETS = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]])


def given(model: zoo.Model) -> tuple[Tensor, dict[str, np.ndarray]]:
    """Sources, and parameters far enough from zero to matter."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype) / 2)
    p = {name: parameter.detach().numpy() for name, parameter in model.named_parameters()}
    return model.encoder.example_input(3, 7, seed=1), p


def softplus(x: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(x))


@pytest.mark.parametrize(
    ("keys", "function", "pace", "narrowest"),
    [
        ({}, np.exp, 1.0, 0.0),
        ({"function": "softplus", "pace": 0.25, "narrowest": 0.7}, softplus, 0.25, 0.7),
    ],
)
def test_a_window_moves_along_the_source(keys: dict[str, Any], function: Any, pace: float, narrowest: float) -> None:
    """Graves 2013, equations 46 to 51, read by the input of the next step and by the head; a width divides."""
    window = {"score": "window", "components": 3, "feed": ["next_input", "head"], **keys}
    model = built(attention=window, bridge="zeros")
    source, p = given(model)
    found = model(source, TARGETS, source_lengths=LENGTHS)
    weights = model.alignments(source, TARGETS, source_lengths=LENGTHS)
    assert weights.detach().sum(-1).max().item() != pytest.approx(1.0)
    for row, steps in enumerate(LENGTHS):
        memory = source[row, :steps].numpy()
        h, context, position = np.zeros(UNITS), np.zeros(PLACES), np.zeros(3)
        for t, symbol in enumerate(TARGETS[row]):
            h = gru(p, np.concatenate([p["decoder.input.embedding.weight"][symbol], context]), h)
            made = function(p["attention.window.linear.weight"] @ h + p["attention.window.linear.bias"])
            height, width, advance = made[:3], np.maximum(made[3:6], narrowest), made[6:]
            position = position + pace * advance
            bells = [sum(height * np.exp(-((position - u) ** 2) / width)) for u in range(steps)]
            np.testing.assert_allclose(weights[row, t, :steps].detach().numpy(), bells, atol=1e-12)
            assert not weights[row, t, steps:].any()
            context = np.array(bells) @ memory
            scores = p["decoder.head.linear.weight"] @ np.concatenate([h, context]) + p["decoder.head.linear.bias"]
            np.testing.assert_allclose(found[row, t].detach().numpy(), scores, atol=1e-12)


@pytest.mark.parametrize("over", [["total"], ["last", "total"], ["total", "last"]])
def test_filters_over_the_total_of_all_weights_before(over: list[str]) -> None:
    """Shen et al. 2018, section 2.2, cumulative weights; their code has the last ones beside them."""
    location = {"score": "location", "size": 4, "filters": 2, "kernel": 3, "over": over, "feed": ["head"]}
    model = built(attention=location, bridge="zeros")
    source, p = given(model)
    found = model(source, TARGETS, source_lengths=LENGTHS)
    for row, steps in enumerate(LENGTHS):
        memory = source[row, :steps].numpy()
        h, earlier = np.zeros(UNITS), {"last": np.zeros(steps), "total": np.zeros(steps)}
        for t, symbol in enumerate(TARGETS[row]):
            h = gru(p, p["decoder.input.embedding.weight"][symbol], h)
            padded = np.stack([np.pad(earlier[one], 1) for one in over])
            f = [[(k * padded[:, s : s + 3]).sum() for k in p["attention.filters.weight"]] for s in range(steps)]
            hidden = p["attention.query.weight"] @ h + memory @ p["attention.key.weight"].T
            e = np.exp(np.tanh(hidden + f @ p["attention.location.weight"].T) @ p["attention.score.weight"][0])
            weights = e / e.sum()
            earlier = {"last": weights, "total": earlier["total"] + weights}
            read = np.concatenate([h, weights @ memory])
            scores = p["decoder.head.linear.weight"] @ read + p["decoder.head.linear.bias"]
            np.testing.assert_allclose(found[row, t].detach().numpy(), scores, atol=1e-12)


def test_asked_with_what_was_fed_and_read_alone() -> None:
    """What asks is [h; the context before], and the head reads the context and nothing else."""
    asks = {"score": "general", "ask": {"after": 0, "fed": True}, "feed": ["next_input", "head_alone"]}
    model = built(attention=asks, bridge="zeros")
    source, p = given(model)
    assert p["attention.query.weight"].shape == (PLACES, UNITS + PLACES)
    assert p["decoder.head.linear.weight"].shape == (SYMBOLS, PLACES)
    found = model(source, TARGETS, source_lengths=LENGTHS)
    for row, steps in enumerate(LENGTHS):
        memory = source[row, :steps].numpy()
        h, context = np.zeros(UNITS), np.zeros(PLACES)
        for t, symbol in enumerate(TARGETS[row]):
            h = gru(p, np.concatenate([p["decoder.input.embedding.weight"][symbol], context]), h)
            e = np.exp(memory @ (p["attention.query.weight"] @ np.concatenate([h, context])))
            context = (e / e.sum()) @ memory
            scores = p["decoder.head.linear.weight"] @ context + p["decoder.head.linear.bias"]
            np.testing.assert_allclose(found[row, t].detach().numpy(), scores, atol=1e-12)


def test_what_attention_remembers_is_a_state() -> None:
    window = {"score": "window", "components": 3, "feed": ["next_input", "head"]}
    model = built(attention=window, bridge="zeros")
    assert {name: tuple(one.shape) for name, one in model.init_state(2).items()} == {
        "decoder.layers.0.h": (2, UNITS),
        "decoder.feed": (2, PLACES),
        "decoder.position": (2, 3),
    }
    assert zoo.describe(zoo.load(spec(attention=window, bridge="zeros"))).state_elements == UNITS + PLACES + 3
    source, _ = given(model)
    whole, after = model(source, TARGETS, source_lengths=LENGTHS, lengths=[4, 1, 3], return_state=True)
    memory, lengths, state = model.encode(source, lengths=LENGTHS)
    found = []
    for t in range(4):
        alive = [int(t < end) for end in (4, 1, 3)]
        scores, state = model.decode(TARGETS[:, t : t + 1], state, memory=memory, memory_lengths=lengths, lengths=alive)
        found.append(scores)
    torch.testing.assert_close(torch.cat(found, 1), whole, atol=1e-12, rtol=0)
    torch.testing.assert_close(state["decoder.position"], after["decoder.position"], atol=1e-12, rtol=0)
    assert (after["decoder.position"][0] > after["decoder.position"][1]).all(), "a window never goes back"
    location = built(attention={"score": "location", "over": ["last", "total"]}, bridge="zeros")
    with pytest.raises(zoo.InputError, match=r"use model\.encode"):
        location.init_state(2)
    state = location.encode(source, lengths=LENGTHS).state
    assert not state["decoder.weights"].any()
    assert state["decoder.total"].shape == (3, 7)


CONTRACT = [
    spec(
        name="places", attention={"score": "additive", "activation": "relu"}, bridge={"kind": "linear", "from": "mean"}
    ),
    spec(
        name="symbols",
        encoder={"input": {"kind": "one_hot", "vocabulary": 9}},
        attention={"score": "general", "feed": ["next_input", "head"]},
        bridge="zeros",
    ),
    spec(
        name="window",
        attention={
            "score": "window",
            "components": 3,
            "function": "softplus",
            "pace": 0.5,
            "narrowest": 0.1,
            "ask": {"after": 0, "fed": True},
            "feed": ["next_input", "head"],
            "gate": "sigmoid",
        },
        bridge="zeros",
    ),
    spec(
        name="totals",
        attention={"score": "location", "over": ["last", "total"], "kernel": 5, "feed": ["next_input", "head_alone"]},
        bridge="zeros",
    ),
]


@parametrize_with_checks(CONTRACT)
def test_the_contract_holds(check: Callable[[], None]) -> None:
    check()
