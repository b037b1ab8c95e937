"""What an encoder-decoder says of an encoder without layers, and of its attention's forms, in plain equations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema
import numpy as np
import pytest
import torch

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
]


@parametrize_with_checks(CONTRACT)
def test_the_contract_holds(check: Callable[[], None]) -> None:
    check()
