"""Random specs of blocks, joins, convolutions, inner stacks, several stacks and heads by name, good and bad alike."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

Keys = dict[str, Any]
Draw = Callable[[Random], Any]

SIZES = (1, 2, 3, 4, 4, 4, 6, 8)
ODD = (0, -1, 1.5, True, None, "x", "4", [], [4], {}, {"kind": "gru"}, [[{}]], 10**18, 1e300, "", {"of": "a"})
"""Values that stand where none of their kind fits."""
NAMES = ("a", "b", "c", "input", "nowhere")
CELLS = ("gru", "lstm", "rnn", "mingru", "lru", "gla", "convlstm", "st-lstm", "nowhere")
SHARE_OF_ODD = 0.03


class Mild(Random):
    """Draws what mostly fits: one width everywhere, and few keys besides those that must be there."""


def mild(draw: Random) -> bool:
    return isinstance(draw, Mild) and draw.random() < 0.95


def size(draw: Random) -> int:
    return 4 if mild(draw) else draw.choice(SIZES)


def options(draw: Random, **may: Draw) -> Keys:
    """Some of these keys, each with a value that is drawn."""
    return {name: one(draw) for name, one in may.items() if draw.random() < (0.15 if mild(draw) else 0.4)}


def of(*values: Any) -> Draw:
    return lambda draw: draw.choice(values)


def cell(draw: Random) -> Any:
    if mild(draw):
        return draw.choice(CELLS[:5])
    kind = draw.choice(CELLS)
    return kind if draw.random() < 0.7 else {"kind": kind, "bias": draw.choice(("one", "none", "two"))}


def rates(draw: Random) -> Keys:
    rate = of(0.0, 0.3, 0.999)
    if mild(draw):
        return {"output": 0.3}
    return options(draw, input=rate, output=rate, between=rate, recurrent=rate, zoneout=rate, variational=of(True))


def padding(draw: Random) -> Any:
    return draw.choice(("same", "valid", "causal", [1, 0], [0, 2]))


def names(draw: Random) -> list[str]:
    if mild(draw):
        return ["input", "input"]
    return [draw.choice(NAMES) for _ in range(draw.randint(0, 3))]


def pair(draw: Random) -> list[int]:
    return [size(draw), draw.choice((1, 2, 3))]


def axes(draw: Random) -> list[str]:
    return draw.choice((["time", "features"], ["height", "width"], ["time"], ["features"], ["width", "time"]))


def layer(draw: Random, depth: int = 0) -> Any:
    """An entry of `layers`, with others inside while it is not too deep."""
    kinds: dict[str, Callable[[], Keys]] = {
        "": lambda: options(
            draw,
            cell=cell,
            hidden_size=size,
            bidirectional=of(True, False),
            reverse=of(True),
            residual=of(True),
            norm=of("layer", {"kind": "batch", "position": "before"}, "nowhere"),
            dropout=rates,
            output_projection=of(4, {"size": 4, "bias": False}),
            initial_state=of("learned"),
        ),
        "linear": lambda: {"size": size(draw)},
        "norm": lambda: {"norm": draw.choice(("layer", "batch", "rms"))},
        "activation": lambda: {"function": draw.choice(("relu", "tanh", "none"))},
        "dropout": lambda: {"dropout": 0.2},
        "flatten": dict,
        "highway": lambda: {"layers": 2},
        "mlp": lambda: {"hidden": size(draw)} | options(draw, activation=of("relu")),
        "stack_frames": lambda: {"count": draw.choice((2, 3)), **options(draw, tail=of("pad", "drop"))},
        "lookahead": lambda: {"context": draw.choice((1, 3))},
        "conv1d": lambda: {
            "channels": size(draw),
            "kernel_size": 3 if mild(draw) else draw.choice((1, 2, 3, 5)),
            **options(draw, stride=of(1, 2, 3), dilation=of(1, 2), groups=of(1, 2), padding=padding, norm=of("batch")),
        },
        "conv2d": lambda: {
            "channels": size(draw),
            "axes": axes(draw),
            "kernel_size": pair(draw),
            **options(draw, stride=pair, padding=of("same", "valid", [1, 1])),
        },
        "max_pool": lambda: {"axes": axes(draw), "size": [2] * draw.choice((1, 2))},
        "avg_pool": lambda: {"axes": axes(draw), "size": [2] * draw.choice((1, 2))},
        "join": lambda: {"of": names(draw), **options(draw, merge=of("concat", "sum", "mul"))},
        "channel_mix": lambda: options(draw, hidden=size),
        "block": lambda: {
            "layers": inner(draw, depth),
            **options(draw, residual=of(True, False), norm=of("layer", {"kind": "rms", "position": "after"})),
        },
        "each": lambda: {
            "axis": draw.choice(("height", "width", "features")),
            "layers": inner(draw, depth),
            **options(draw, pool=of("max", "mean", "last")),
        },
    }
    fitting = ("linear", "norm", "dropout", "highway", "conv1d", "join", "block", "block", "mlp", "stack_frames")
    kind = draw.choice(("", "", "", *(fitting if mild(draw) else kinds)))
    found = ({"kind": kind} if kind else {}) | kinds[kind]()
    found |= options(draw, repeat=of(2, 1, 3)) if draw.random() < 0.3 else {}
    if mild(draw):
        return found
    found |= options(draw, name=of(*NAMES), frozen=of(True)) if draw.random() < 0.4 else {}
    return {**found, "from": draw.choice(NAMES)} if draw.random() < 0.08 else found


def inner(draw: Random, depth: int) -> Any:
    if depth > 2 or draw.random() < 0.1:
        return draw.choice((1, 2, [{}]))
    return [layer(draw, depth + 1) for _ in range(draw.randint(1 if mild(draw) else 0, 3))]


def source(draw: Random) -> Any:
    """An input."""
    if mild(draw):
        return draw.choice((4, {"kind": "tokens", "vocabulary": 7, "size": 4}, {"kind": "one_hot", "vocabulary": 4}))
    inside = {"layers": [{"kind": "conv1d", "channels": 4, "kernel_size": 2, "padding": "valid"}], "pool": "max"}
    return draw.choice(
        (
            4,
            {"kind": "features", "size": size(draw)},
            {"kind": "tokens", "vocabulary": 7, "size": 4, **options(draw, padding=of(0, 9), dropout=of(0.1))},
            {"kind": "one_hot", "vocabulary": 4},
            {"kind": "maps", "channels": size(draw), "height": size(draw), "width": size(draw)},
            {"kind": "image", "height": size(draw), **options(draw, channels=size)},
            {"kind": "characters", "vocabulary": 7, "size": 3, "length": 5, **inside},
            {"kind": "shared", "of": draw.choice(("encoder.input", "input", "predictor.input"))},
        )
    )


def head(draw: Random) -> Any:
    kinds: tuple[Keys, ...] = (
        {"kind": "linear", "size": size(draw)},
        {"kind": "linear", "size": 7, "activation": "tanh"},
        {"kind": "mlp", "size": 3, "hidden": [size(draw)]},
        {"kind": "tied"},
        {"kind": "ctc", "size": 4},
        {"kind": "crf", "size": size(draw)},
        {"kind": "normalise"},
        {"kind": "mixture_of_softmaxes", "size": 5, "components": 2, "latent": 3},
        {"kind": "mixture_density", "size": 2, "components": 2},
        {"kind": "adaptive_softmax", "size": 9, "cutoffs": [2, 5]},
        {"kind": "none"},
    )
    if mild(draw):
        return draw.choice(kinds[:3])
    found = draw.choice(kinds)
    return {**found, "pool": draw.choice(("last", "mean", "max", "attention", "x"))} if draw.random() < 0.3 else found


def heads(draw: Random) -> Keys:
    """One head, several by name, or none."""
    if draw.random() < 0.3:
        return {}
    if draw.random() < 0.6:
        return {"head": head(draw)}
    several = {
        name: head(draw)
        for name in draw.sample(
            ("one", "two", "three") if mild(draw) else ("one", "two", "merge", "forward"), draw.randint(1, 3)
        )
    }
    return {"heads": several | options(draw, merge=of("sum", "concat"))}


def stack(draw: Random) -> Keys:
    found: Keys = {"input": source(draw), "cell": cell(draw), "hidden_size": size(draw), **heads(draw)}
    if mild(draw):
        return {**found, "layers": [{}, *(layer(draw) for _ in range(draw.randint(0, 3)))]}
    found |= options(draw, bidirectional=of(True), dropout=rates, norm=of("layer"), residual=of(True))
    if draw.random() < 0.8:
        found["layers"] = [layer(draw) for _ in range(draw.randint(0, 4))]
    return found


def rule(draw: Random) -> Any:
    linear = {"kind": "linear", **options(draw, activation=of("tanh"))}
    return draw.choice(("zeros", "last", "first", "mean", linear, {"h": "last", "c": "zeros"}, {"layers.0.h": "mean"}))


def attention(draw: Random) -> Any:
    return (
        draw.choice(("none", {"score": "nowhere"}))
        if draw.random() < 0.2
        else options(
            draw,
            score=of("dot", "general", "additive", "location"),
            size=size,
            ask=of("before", "after", {"after": "a"}),
            combine=of({"size": 3}, "none"),
            feed=of(["head"], ["next_input"], ["input", "head"], ["layers"]),
            gate=of("sigmoid"),
        )
    )


def model(draw: Random) -> Keys:
    """A whole spec: one stack, or several."""
    kind = draw.choice(("stack", "stack", "encoder-decoder", "transducer", "bilm"))
    found: Keys = {"schema": 1, "name": "x"}
    if kind == "stack":
        return found | stack(draw)
    own: Keys = {"kind": kind}
    sides = {"head": {"kind": "linear", "size": 7}, "input": {"kind": "tokens", "vocabulary": 7, "size": 4}}
    if mild(draw):
        recurrent = [{}, *([{}] if draw.random() < 0.5 else [])]
        second = {"cell": cell(draw), "hidden_size": 4, "layers": recurrent, **sides}
        bridge = {"bridge": "zeros"} if draw.random() < 0.5 else {"bridge": {"kind": "linear", "from": "mean"}}
        own |= {"encoder-decoder": bridge, "transducer": {"joiner": {"merge": "sum", "size": 3}}}.get(kind, {})
        if kind == "bilm":
            return {**found, "forwards": second, "architecture": own}
        own |= options(draw, attention=attention) if kind == "encoder-decoder" else {}
        names = ("encoder", "decoder") if kind == "encoder-decoder" else ("encoder", "predictor")
        second = second if kind == "encoder-decoder" else plain(draw, second)
        first = {k: v for k, v in stack(draw).items() if k not in ("head", "heads")}
        return {**found, names[0]: first, names[1]: second, "architecture": own}
    if kind == "encoder-decoder":
        own |= options(draw, attention=attention, bridge=rule)
        found |= {"encoder": plain(draw, stack(draw)), "decoder": stack(draw)}
    elif kind == "transducer":
        own["joiner"] = options(draw, size=size, merge=of("sum", "concat"), activation=of("tanh"))
        own |= options(draw, blank=of(0, 2, 99, "last"), start=of("blank", "zeros"))
        found |= {"encoder": plain(draw, stack(draw)), "predictor": plain(draw, stack(draw))}
    else:
        found["forwards"] = stack(draw)
        found |= {"backwards": plain(draw, stack(draw))} if draw.random() < 0.3 else {}
    return {**found, "architecture": own}


def plain(draw: Random, keys: Keys) -> Keys:
    """Mostly without a head, as most stacks of several must be."""
    return {k: v for k, v in keys.items() if k not in ("head", "heads")} if draw.random() < 0.9 else keys


def spoilt(draw: Random, value: Any) -> Any:
    """The same with an odd value in the place of a few, or a key too few or too many."""
    if draw.random() < SHARE_OF_ODD:
        return draw.choice(ODD)
    if isinstance(value, dict):
        found = {key: spoilt(draw, one) for key, one in value.items() if draw.random() > SHARE_OF_ODD / 3}
        return (
            {**found, draw.choice(("size", "layers", "of", "extra")): 3} if draw.random() < SHARE_OF_ODD / 3 else found
        )
    return [spoilt(draw, one) for one in value] if isinstance(value, list) else value


def fuzzed(seed: int) -> Keys:
    """A spec, the same for the same seed; every second one with something wrong besides what does not fit by chance."""
    draw = Random(seed) if seed % 2 else Mild(seed)
    found = model(draw)
    if seed % 2 or draw.random() < 0.2:
        found = {key: one if key == "schema" else spoilt(draw, one) for key, one in found.items()}
    return found
