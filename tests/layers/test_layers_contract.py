"""The contract for every layer kind, a few of them in one model each time."""

from __future__ import annotations

from typing import Any

import pytest
from torch import Tensor

import zoo
from zoo.plugin.manager import catalogue
from zoo.spec.tree import parts
from zoo.testing import isolated_plugins

CONV: dict[str, Any] = {"kind": "conv1d", "channels": 6, "kernel_size": 3}
MAPS = {"kind": "maps", "channels": 2, "height": 4, "width": 6}
RMS = {"kind": "rms", "position": "before"}
CHARACTERS = {"kind": "characters", "vocabulary": 9, "size": 4, "length": 5}
WIDE = {"kind": "conv1d", "kernel_size": 2, "padding": "valid", "activation": "tanh"}
PLANES = {"axes": ["time", "features"], "kernel_size": [5, 3], "stride": [2, 1], "norm": "batch"}
MODELS: dict[str, dict[str, Any]] = {
    "pointwise": {
        "layers": [
            {"kind": "highway", "layers": 2},
            {"kind": "mlp", "hidden": 9, "dropout": 0.1},
            {"kind": "activation", "function": "elu", "max_value": 0.5, "factor": 3.0},
            {"kind": "affine", "groups": 2},
            {"kind": "linear", "size": 18},
            {"kind": "chunk", "parts": 3, "index": 1},
            {"kind": "norm", "norm": "layer"},
            {"kind": "dropout", "dropout": 0.2, "variational": True},
            {"kind": "linear", "size": 6, "dropout": 0.1, "norm": "layer", "activation": "tanh"},
            {},
        ]
    },
    "blocks": {
        "layers": [
            {"kind": "block", "layers": [{}], "norm": RMS, "dropout": 0.2, "repeat": 3},
            {"kind": "block", "layers": [{"cell": "rwkv4", "bidirectional": True, "merge": "sum"}]},
            {
                "kind": "block",
                "layers": [{"kind": "channel_mix", "hidden": 9}],
                "norm": {"kind": "layer", "position": "sum"},
            },
            {
                "kind": "block",
                "layers": [{"kind": "gated_mlp", "hidden": 9}],
                "norm": {"kind": "batch", "position": "after"},
            },
            {"kind": "norm", "norm": "rms"},
        ]
    },
    "streaming": {"layers": [{**CONV, "dilation": 2, "padding": "causal", "norm": "layer"}, {}]},
    "within the features": {
        "input": 12,
        "layers": [
            {"kind": "conv2d", "channels": 6, "axes": ["time", "features"], "kernel_size": [1, 4], "padding": "valid"},
            {"kind": "magnitude"},
            {"kind": "max_pool", "axes": ["time", "features"], "size": [1, 2]},
            {"kind": "flatten"},
            {},
        ],
    },
    "strided": {
        "layers": [
            {**CONV, "stride": 2, "norm": "batch", "activation": "relu"},
            {"name": "low", "bidirectional": True, "merge": "sum"},
            {"kind": "lookahead", "context": 2, "name": "ahead"},
            {"kind": "join", "of": ["low", "ahead"]},
            {"kind": "stack_frames", "count": 2},
        ],
        "head": {"kind": "linear", "size": 3, "pool": "mean"},
    },
    "in hops": {
        "layers": [
            {**CONV, "kernel_size": 4, "stride": 2, "padding": "causal", "norm": "layer"},
            {"dropout": {"recurrent": 0.2}},
            {"kind": "avg_pool", "axes": ["time"], "size": [2]},
            {"kind": "block", "layers": [{**CONV, "padding": "causal"}, {}]},
        ],
        "head": {"kind": "linear", "size": 3},
    },
    "planes in hops": {
        "input": 8,
        "layers": [
            {"cell": "gru-d", "hidden_size": 8},
            {"kind": "conv2d", "channels": 3, **PLANES, "kernel_size": [3, 3], "activation": "relu"},
            {"kind": "conv2d", "channels": 2, **PLANES, "kernel_size": [3, 3]},
            {"kind": "flatten"},
            {},
        ],
    },
    "a pyramid": {
        "layers": [
            {"bidirectional": True},
            {**CONV, "stride": 2},
            {"cell": "lstm", "reverse": True},
            {"kind": "stack_frames", "count": 2},
            {"bidirectional": True, "merge": "sum"},
        ],
    },
    "planes": {
        "input": 8,
        "layers": [
            {"kind": "conv2d", "channels": 3, **PLANES},
            {"kind": "max_pool", "axes": ["features"], "size": [2]},
            {"kind": "avg_pool", "axes": ["time", "features"], "size": [2, 2], "padding": [1, 0]},
            {"kind": "linear", "size": 5},
            {},
        ],
    },
    "mirrored": {
        "layers": [
            {"kind": "conv2d", "channels": 3, "axes": ["time", "features"], "kernel_size": [3, 3], "beyond": "mirror"},
            {"kind": "norm", "norm": "layer", "whole": True},
            {"kind": "dropout", "dropout": 0.2, "channels": True, "variational": True},
            {"kind": "flatten"},
            {"kind": "affine", "bias": False},
            {"cell": {"kind": "ligru", "candidate_dropout": 0.2}, "bidirectional": True, "share": "all"},
        ],
    },
    "characters by convolutions": {
        "input": {
            **CHARACTERS,
            "branches": [
                {"layers": [{**WIDE, "channels": 3}], "pool": "max"},
                {"layers": [{**WIDE, "channels": 5, "kernel_size": 3}], "pool": "max"},
            ],
        },
        "layers": [{"kind": "highway"}, {}],
    },
    "characters by a recurrent layer": {
        "input": {
            **CHARACTERS,
            "padding": 0,
            "masked": True,
            "layers": [{"cell": "lstm", "hidden_size": 4, "bidirectional": True}],
            "pool": "last",
        }
    },
    "columns of an image": {
        "input": {"kind": "image", "channels": 2, "height": 6},
        "layers": [
            {"kind": "conv2d", "channels": 3, "axes": ["time", "features"], "kernel_size": [3, 3], "padding": [1, 0]},
            {"kind": "each", "layers": [{"cell": "gru", "hidden_size": 5}], "pool": "mean"},
            {},
        ],
    },
    "some of the steps": {
        "layers": [
            {
                "kind": "dilated",
                "dilation": 4,
                "layers": [
                    {"cell": "lstm", "hidden_size": 5, "initial_state": "learned", "dropout": {"input": 0.2}},
                    {**CONV, "padding": "causal"},
                    {"cell": "qrnn", "hidden_size": 4},
                ],
            },
            {"kind": "autoregression", "steps": 5},
            {},
        ]
    },
    "whole periods": {
        "layers": [
            {},
            {
                "kind": "periodic",
                "period": 7,
                "layers": [{"cell": "lstm", "hidden_size": 5, "bidirectional": True}, CONV],
            },
        ]
    },
    "frozen": {
        "layers": [
            {"kind": "conv1d", "channels": 6, "kernel_size": 3, "padding": "causal", "norm": "batch", "frozen": True},
            {"cell": {"kind": "lstm", "frozen": True}, "bidirectional": True, "merge": "sum"},
            {},
        ]
    },
    "maps": {
        "input": MAPS,
        "layers": [
            {"kind": "conv2d", "channels": 3, "axes": ["height", "width"], "kernel_size": [3, 3]},
            {"kind": "avg_pool", "axes": ["height", "width"], "size": [2, 2]},
            {"kind": "flatten"},
            {},
        ],
    },
}


@pytest.mark.parametrize("name", MODELS)
def test_the_contract_holds(name: str) -> None:
    keys = {"schema": 1, "name": "a", "input": 6, "cell": "gru", "hidden_size": 6, **MODELS[name]}
    report = zoo.check({"head": {"kind": "linear", "size": 3}, **keys})
    assert report.ok, str(report)
    assert not [one for one in report.outcomes if "without effect here" in f"{one.reason} {one.detail}"]


def test_every_kind_is_held_to_it() -> None:
    shared = {"schema": 1, "name": "a", "input": 6, "cell": "gru", "hidden_size": 6}
    specs = [zoo.load({**shared, **keys}) for keys in MODELS.values()]
    used = {part.record.name for spec in specs for _, part in parts(spec) if part.record.kind == "layer"}
    built_in = {one.record.name for one in catalogue().all("layer") if one.distribution == "recurrent-zoo"}
    assert built_in == used


class DeafOptions(zoo.Options):
    """An option that nothing reads."""

    gain: float = 1.0


class Deaf(zoo.Layer):
    """x, whatever the gain."""

    def __init__(self, options: DeafOptions, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.output_shape = input_shape

    def forward(self, x: Tensor, state: Any, run: zoo.Run) -> zoo.LayerOutput:
        return zoo.LayerOutput(1.0 * x, {})


class Plugin:
    """Hooks of a stranger's plugin."""

    @zoo.hookimpl
    def zoo_layers(self) -> list[zoo.LayerType]:
        return [zoo.LayerType(name="deaf", options=DeafOptions, build="test_layers_contract:Deaf")]


def test_an_option_that_a_strangers_layer_ignores_is_found() -> None:
    """What is only said of a built-in layer, whose neighbours may undo it, is a failure of a plugin's."""
    spec = {"schema": 1, "name": "a", "input": 4, "layers": [{"cell": "gru", "hidden_size": 4}, {"kind": "deaf"}]}
    with isolated_plugins(Plugin()):
        (found,) = zoo.check(spec, checks=["options"]).outcomes
    assert (found.status, found.reason) == ("failed", "changes nothing: layers.1.gain")
