"""What the three built-in architectures refuse in their stacks: one line each, of what was written and how to mend it."""

from __future__ import annotations

from typing import Any

import pytest

import zoo

TOKENS = {"kind": "tokens", "vocabulary": 9, "size": 4}
STACK: dict[str, Any] = {"input": TOKENS, "cell": "gru", "hidden_size": 4}
HEAD = {"kind": "linear", "size": 9}
TWO = {"a": HEAD, "b": HEAD}
MAPS = {"input": {"kind": "maps", "channels": 2, "height": 3, "width": 3}, "cell": "convlstm", "hidden_size": 3}
STRIDED = [{"kind": "conv1d", "channels": 4, "kernel_size": 3, "padding": "causal", "stride": 2}, {}]
SAME = {"kind": "same", "of": "forwards.input"}
ONE = (
    "the forwards of architecture 'bilm' has one head, by which the backwards scores too: write head in place of heads"
)


def pair(encoder: dict[str, Any], decoder: dict[str, Any], **options: Any) -> dict[str, Any]:
    architecture = {"kind": "encoder-decoder", **options}
    return {"architecture": architecture, "encoder": {**STACK, **encoder}, "decoder": {**STACK, **decoder}}


def bilm(forwards: dict[str, Any], backwards: dict[str, Any] | None = None) -> dict[str, Any]:
    other = {} if backwards is None else {"backwards": {**STACK, "input": SAME, **backwards}}
    return {"architecture": "bilm", "forwards": {**STACK, **forwards}, **other}


def transducer(encoder: dict[str, Any], predictor: dict[str, Any]) -> dict[str, Any]:
    architecture = {"kind": "transducer", "joiner": {"size": 5}}
    encoder = {**STACK, "input": 4, **encoder}
    return {"architecture": architecture, "encoder": encoder, "predictor": {**STACK, **predictor}}


SAID: list[tuple[dict[str, Any], str]] = [
    (bilm({"heads": TWO}), ONE),
    (bilm({"heads": {**TWO, "merge": "sum"}}), ONE),
    (bilm({"heads": TWO}, {}), ONE),
    (bilm({}, {"head": HEAD}), "the backwards of architecture 'bilm' has no head: leave it out"),
    (bilm({}, {"heads": TWO}), "the backwards of architecture 'bilm' has no head: leave heads out"),
    (
        bilm({"head": {**HEAD, "pool": "mean"}}),
        "the forwards of architecture 'bilm' has no pool over time: leave it out",
    ),
    (
        bilm({"head": {**HEAD, "of": "low"}, "layers": [{"name": "low"}, {}]}),
        "the forwards of architecture 'bilm' has its head behind its last layer: leave out of",
    ),
    (
        bilm({"layers": STRIDED}),
        "the forwards of architecture 'bilm' runs one step at a time, and a layer of it changes the number of steps",
    ),
    (
        bilm({}, {"hidden_size": 5}),
        "both directions must give as many features at each step: the forwards 4, the backwards 5",
    ),
    (bilm(MAPS), "both directions must give flat features, not maps of shape (3, 3, 3): flatten them"),
    (
        pair({"heads": TWO}, {"head": HEAD}),
        "the encoder of architecture 'encoder-decoder' has no head: leave heads out",
    ),
    (
        pair({}, {"heads": TWO}),
        "the decoder of architecture 'encoder-decoder' gives one output: give its heads merge: sum, or have one head",
    ),
    (
        pair({}, {"head": {**HEAD, "pool": "mean"}}),
        "the decoder of architecture 'encoder-decoder' has no pool over time: leave it out",
    ),
    (
        pair({}, {"head": HEAD, "layers": [{}, {}]}),
        "'last' goes layer by layer, and the encoder has 1 layer with a state, the decoder 2: make them equal, or use "
        "another bridge",
    ),
    (
        pair({"input": {"kind": "shared", "of": "decoder.input"}}, {"head": HEAD}),
        "shares an input before this one, and this is the first: write an input of its own",
    ),
    (
        pair({}, {"head": HEAD}, attention={"ask": {"after": 5}}),
        "the decoder has no layer 5: it has 1, counted from 0",
    ),
    (transducer({"heads": TWO}, {}), "the encoder of architecture 'transducer' has no head: leave heads out"),
    (
        transducer({}, {"input": 4}),
        "the predictor reads symbols: predictor.input must be of kind tokens, or shared with tokens",
    ),
    (
        transducer({}, {"layers": STRIDED}),
        "the predictor of architecture 'transducer' runs one step at a time, and a layer of it "
        "changes the number of steps",
    ),
]


@pytest.mark.parametrize(("keys", "said"), SAID, ids=[str(index) for index in range(len(SAID))])
def test_it_is_one_line(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(zoo.SpecError) as caught:
        zoo.load({"schema": 1, "name": "a", **keys})
    assert [one.message for one in caught.value.diagnostics] == [said]
