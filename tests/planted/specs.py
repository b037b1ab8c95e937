"""The specs that show the bugs, each with as little as that takes."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from zoo.plugin.catalogue import Catalogue
from zoo.plugin.manager import given, isolated

from . import own


@cache
def known() -> Catalogue:
    """The built-in components and the cells of `own`."""
    return isolated(given(own, distribution="zoo-planted"))


def _spec(name: str, **keys: Any) -> dict[str, Any]:
    return {"schema": 1, "name": name, **keys}


_TOKENS = {"kind": "tokens", "vocabulary": 30, "size": 11, "padding": 0}
_LINEAR = {"kind": "linear", "size": 3}
_MOS = {"kind": "mixture_of_softmaxes", "components": 3, "size": 6, "latent": 4}
_PAIRS = {"kind": "mixture_density", "components": 3, "size": 2, "form": "bivariate", "end": True}
_CLUSTERS = {"kind": "adaptive_softmax", "size": 20, "cutoffs": [3, 8], "div_value": 2.0}
_LAYERS = [
    {
        "hidden_size": 11,
        "norm": "layer",
        "residual": True,
        "dropout": {"input": 0.3, "output": 0.4, "variational": True},
    },
    {"hidden_size": 13, "initial_state": "learned", "dropout": {"recurrent": 0.3, "weight": 0.3}},
]
_SYMBOLS = {"input": {"kind": "tokens", "vocabulary": 37, "size": 11}, "cell": "lstm", "hidden_size": 17}
_SCORES = {"kind": "linear", "size": 37}
_ENCODER = {**_SYMBOLS, "layers": [{"bidirectional": True}, {}]}
_ASKER = [{"name": "asker"}, {"residual": True}]
_LEARNED = {"hidden_size": 11, "initial_state": "learned"}
_INSIDE = {"layers": [{"cell": "lstm", "hidden_size": 7}]}
_CAUSAL = {"kind": "conv1d", "channels": 7, "kernel_size": 4, "stride": 2, "padding": "causal"}
_NAMED = [{"name": "low"}, {"name": "high"}]
_NAMES = {"one": {**_LINEAR, "of": "low"}, "two": {**_LINEAR, "of": ["low", "high"], "pool": "last"}, "three": _LINEAR}
_CONV = {"kind": "conv1d", "channels": 9, "kernel_size": 3}
_FROZEN = [
    {**_CONV, "padding": "causal", "norm": "batch", "frozen": True},
    {"cell": {"kind": "lstm", "frozen": True}, "bidirectional": True},
    {},
]
_STEPS = [
    {**_CONV, "padding": "valid", "dilation": 2},
    {**_CONV, "stride": 2},
    {"kind": "stack_frames", "count": 2},
    {},
]
_JOINED = [
    {"name": "zebra"},
    {"name": "asp"},
    {"kind": "join", "of": ["zebra", "asp", "input"]},
    {"kind": "linear", "size": 11},
]
_FORGET = {"kind": "lstm", "forget_bias": 1.0}

_TABLE = {"kind": "tokens", "vocabulary": 30, "size": 5}
_READ = {"kind": "several", "of": {"gaps": 3, "words": _TABLE, "speaker": {**_TABLE, "per": "sequence"}}}
_SEVERAL = {
    "kind": "several",
    "dropout": 0.5,
    "of": {"left": _TABLE, "right": _TABLE, "gaps": 3, "speaker": {**_TABLE, "per": "sequence"}},
}

SPECS: Final[dict[str, dict[str, Any]]] = {
    one["name"]: one
    for one in (
        _spec("lstm", input=9, cell="lstm", hidden_size=11, layers=2),
        _spec("gru", input=9, cell="gru", hidden_size=11, head=_LINEAR),
        _spec("relu", input=9, cell={"kind": "rnn", "nonlinearity": "relu"}, hidden_size=11),
        _spec("shared", input=9, cell="mgu", hidden_size=11, bidirectional=True, share="all"),
        _spec("risen", input=9, cell={"kind": "hgrn", "learned_bound": True}, hidden_size=11, layers=3),
        _spec("last", input=9, cell="lstm", hidden_size=11, head={**_LINEAR, "pool": "last"}),
        _spec("mean", input=9, cell="gru", hidden_size=11, head={**_LINEAR, "pool": "mean"}),
        _spec("max", input=9, cell="rnn", hidden_size=11, head={**_LINEAR, "pool": "max"}),
        _spec("attention", input=9, cell="rnn", hidden_size=11, head={**_LINEAR, "pool": "attention"}),
        _spec("both", input=9, cell="gru", hidden_size=11, bidirectional=True, head={**_LINEAR, "pool": "last"}),
        _spec("both-mul", input=9, cell="rnn", hidden_size=11, bidirectional=True, merge="mul"),
        _spec("both-mean", input=9, cell="lstm", hidden_size=11, bidirectional=True, merge="mean"),
        _spec("both-learned", input=9, cell="gru", layers=[{**_LEARNED, "bidirectional": True}]),
        _spec("back", input=9, layers=[{"cell": "lstm", "hidden_size": 11, "reverse": True, "norm": "rms"}]),
        _spec("normed", input=9, cell="rnn", hidden_size=11, norm="layer"),
        _spec("layers", input=11, cell="lstm", layers=_LAYERS),
        _spec("linear", input=9, cell="gru", layers=[{"hidden_size": 11}, {"kind": "linear", "size": 7}]),
        _spec("forget", input=9, cell=_FORGET, hidden_size=11, init={"kind": "uniform", "range": 0.3}),
        _spec("zoned", input=9, cell="gru", hidden_size=11, dropout={"zoneout": 0.2}),
        _spec("mos", input=9, cell="gru", hidden_size=11, head=_MOS),
        _spec("density", input=9, cell="gru", hidden_size=11, head=_PAIRS),
        _spec("each", input=9, cell="gru", hidden_size=11, head={**_PAIRS, "form": "independent"}),
        _spec("ctc", input=9, cell="gru", hidden_size=11, head={"kind": "ctc", "size": 4, "blank": "last"}),
        _spec("inputs", input=_SEVERAL, cell="gru", hidden_size=11),
        _spec("inputs-normed", input={**_SEVERAL, "norm": "layer"}, cell="gru", hidden_size=11),
        _spec("crf", input=9, cell="gru", hidden_size=11, head={"kind": "crf", "size": 4}),
        _spec("clusters", input=9, cell="gru", hidden_size=11, head=_CLUSTERS),
        _spec("unit", input=9, cell="gru", hidden_size=11, head={"kind": "normalise", "size": 7, "pool": "last"}),
        _spec("pooled", input=9, cell="gru", hidden_size=11, head={"kind": "none", "pool": "mean"}),
        _spec("sum", input=9, cell="gru", hidden_size=11, heads={"one": _LINEAR, "two": _LINEAR, "merge": "sum"}),
        _spec(
            "several", input=9, cell="gru", hidden_size=11, heads={"one": _LINEAR, "two": {**_LINEAR, "pool": "max"}}
        ),
        _spec("named", input=9, cell="gru", hidden_size=11, layers=_NAMED, heads=_NAMES),
        _spec(
            "dilated", input=9, cell="gru", hidden_size=11, layers=[{"kind": "dilated", "dilation": 3, **_INSIDE}, {}]
        ),
        _spec(
            "periodic", input=9, cell="gru", hidden_size=11, layers=[{"kind": "periodic", "period": 3, **_INSIDE}, {}]
        ),
        _spec("strided", input=9, cell="gru", hidden_size=11, layers=_STEPS),
        _spec("largest", input=9, layers=[{"kind": "max_pool", "axes": ["time"], "size": [3], "padding": [1]}]),
        _spec("averaged", input=9, layers=[{"kind": "avg_pool", "axes": ["time"], "size": [3], "padding": [1]}]),
        _spec("frozen", input=9, cell="gru", hidden_size=11, layers=_FROZEN),
        _spec("joined", input=9, cell="gru", hidden_size=11, layers=_JOINED),
        _spec("written", **{**_SYMBOLS, "head": _SCORES, "dropout": {"output": 0.2}}),
        _spec("pen", input=4, cell="gru", hidden_size=11, layers=2, head=_PAIRS),
        _spec("words", input=_READ, cell="gru", hidden_size=11, head={"kind": "linear", "size": 30}),
        _spec("hops", input=9, cell="gru", hidden_size=11, layers=[_CAUSAL, {}]),
        _spec("tied", input=_TOKENS, cell="lstm", hidden_size=11, head="tied"),
        _spec("mingru", input=9, cell="mingru", layers=[_LEARNED]),
        _spec("peephole", input=9, cell={"kind": "lstm", "peephole": True}, hidden_size=11),
        *(_spec(cell, input=9, cell=cell, hidden_size=11) for cell in ("mgu", "janet", "ligru", "miru1")),
        _spec("s5", input=9, cell="s5", hidden_size=11),
        _spec("lru", input=9, cell="lru", hidden_size=11),
        _spec("rglru", input=9, cell="rglru", hidden_size=9),
        _spec("mlstm", input=9, cell="mlstm", hidden_size=11),
        _spec("memory", input=9, cell={"kind": "lmu", "order": 16, "theta": 100.0}, hidden_size=11),
        _spec("orthogonal", input=9, cell="orthogonal", hidden_size=11),
        _spec("clocked", input=9, cell="phased-lstm", hidden_size=11),
        _spec("oscillating", input=9, cell="unicornn", hidden_size=11),
        _spec("chrono", input=9, cell="lstm", hidden_size=11, init={"kind": "chrono", "longest": 1000}),
        _spec("windowed", input=9, cell="windowed", hidden_size=11),
        _spec("timed", input=9, cell="timed", hidden_size=11, dropout={"zoneout": 0.2, "recurrent": 0.3}),
        _spec("timed-both", input=9, cell="timed", hidden_size=11, bidirectional=True),
        _spec(
            "translated",
            architecture={"kind": "encoder-decoder"},
            encoder={**_SYMBOLS, "layers": 2},
            decoder={**_SYMBOLS, "layers": 2, "head": _SCORES},
        ),
        _spec(
            "fed",
            architecture={
                "kind": "encoder-decoder",
                "attention": {"feed": ["next_input", "head"], "combine": {"size": 13}},
                "bridge": "last",
            },
            encoder={**_SYMBOLS, "layers": 2},
            decoder={**_SYMBOLS, "layers": 2, "head": _SCORES},
        ),
        _spec(
            "transduced",
            architecture={"kind": "transducer", "joiner": {"size": 13}, "blank": 0},
            encoder={
                "input": 9,
                "cell": "gru",
                "hidden_size": 11,
                "layers": [{}, {"kind": "stack_frames", "count": 2}, {}],
            },
            predictor={"input": {"kind": "tokens", "vocabulary": 5, "size": 7}, "cell": "gru", "hidden_size": 11},
        ),
        _spec("both-ways", architecture={"kind": "bilm"}, forwards={**_SYMBOLS, "head": _SCORES}),
        _spec(
            "handwriting",
            architecture={"kind": "encoder-decoder", "attention": {}, "bridge": "zeros"},
            encoder=_SYMBOLS,
            decoder={"input": 3, "cell": "gru", "hidden_size": 11, "head": _PAIRS},
        ),
        _spec(
            "spoken",
            architecture={"kind": "transducer", "joiner": {"size": 11, "activation": "tanh"}},
            encoder={"input": 9, "cell": "gru", "hidden_size": 11},
            predictor=_SYMBOLS,
        ),
        _spec(
            "small",
            architecture={"kind": "encoder-decoder", "attention": {}},
            encoder={"input": 2, "cell": "gru", "hidden_size": 3},
            decoder={"input": 2, "cell": "gru", "hidden_size": 3, "head": {"kind": "linear", "size": 2}},
        ),
        _spec(
            "dropped",
            architecture={"kind": "encoder-decoder", "attention": {"feed": ["next_input", "head"]}},
            encoder={**_SYMBOLS, "dropout": {"input": 0.3, "recurrent": 0.2}},
            decoder={**_SYMBOLS, "dropout": {"output": 0.4, "zoneout": 0.2}, "head": _SCORES},
        ),
        _spec(
            "asked",
            architecture={
                "kind": "encoder-decoder",
                "attention": {"score": "additive", "normalised": True, "ask": {"after": "asker"}, "feed": ["layers"]},
                "bridge": "zeros",
            },
            encoder=_ENCODER,
            decoder={**_SYMBOLS, "input": {"kind": "shared", "of": "encoder.input"}, "layers": _ASKER, "head": _SCORES},
        ),
        _spec(
            "before",
            architecture={
                "kind": "encoder-decoder",
                "attention": {"score": "location", "size": 13, "ask": "before", "feed": ["input", "head"]},
                "bridge": {"h": {"kind": "linear", "from": "mean", "activation": "tanh"}, "c": "zeros"},
            },
            encoder={**_SYMBOLS, "bidirectional": True},
            decoder={**_SYMBOLS, "head": _SCORES},
        ),
    )
}
