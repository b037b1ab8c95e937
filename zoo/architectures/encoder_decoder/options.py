"""What can be chosen for an encoder and a decoder: attention, what it is fed to, and how the decoder starts."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self, get_args

from pydantic import ConfigDict, Field, model_validator

from zoo.architectures.encoder_decoder.forms import by_name, either, place
from zoo.components import Options, Width
from zoo.layers.options import Activation, Rate

Positive = Annotated[int, Field(ge=1)]
Feed = Literal["input", "next_input", "layers", "head", "head_alone"]
Score = Literal["dot", "general", "additive", "location", "window"]
Word = Literal["zeros", "last", "first", "mean"]
WORDS: Final[tuple[Word, ...]] = get_args(Word)
LEARNED: Final = ("additive", "location")
"""Scores of a hidden layer, which has a size of its own."""
REMEMBERING: Final = ("location", "window")
"""Scores that need what the step before has read, and so go step by step."""
OWNERS: Final[dict[str, tuple[Score, ...]]] = {
    **dict.fromkeys(("size", "activation", "normalised"), LEARNED),
    **dict.fromkeys(("filters", "kernel", "over"), ("location",)),
    **dict.fromkeys(("components", "function", "pace", "narrowest"), ("window",)),
}
"""The scores that each option belongs to, of those that do not belong to all."""


class After(Options):
    """Asked with the output of a layer of the decoder."""

    after: Annotated[int | str, place()] = Field(
        description="The layer of the decoder that asks: its name, or its position from 0.",
        json_schema_extra={"x-place": True},
    )
    fed: bool = Field(
        False, description="Ask with what was fed at the step before beside that output, as `next_input` feeds it."
    )


class Combine(Options):
    """A map of the context and of what asked for it, as in arXiv:1508.04025, equation 5."""

    size: Annotated[Positive, Width] = Field(description="Number of features that it gives.")
    bias: bool = Field(True, description="Add a bias.")
    activation: Activation = Field("tanh", description="Activation function of the result.")
    dropout: Rate = Field(0.0, description="Dropout rate on the result, wherever it is fed.")


class AttentionOptions(Options):
    """Options of the attention of a decoder over what an encoder has read."""

    score: Score = Field(
        "general",
        description="How well a step of the source answers: `dot` q k, `general` q W k (arXiv:1508.04025), `additive` "
        "v tanh(W q + U k) (arXiv:1409.0473), `location` with earlier weights beside them (arXiv:1506.07503), `window` "
        "bells that move along the source, whatever stands there (arXiv:1308.0850).",
    )
    size: Annotated[Positive, Width] | None = Field(
        None,
        description="Width of the hidden layer of `additive` and `location`; that of the source's steps if not given.",
    )
    normalised: bool = Field(
        False, description="Of `additive` and `location`: v is scaled to a learned length, with a bias before tanh."
    )
    activation: Activation = Field(
        "tanh", description="Of `additive` and `location`: activation function of the hidden layer."
    )
    bias: bool = Field(False, description="Add a bias to every product of the score, to v's too.")
    filters: Positive = Field(10, description="Of `location`: number of filters over earlier weights.")
    kernel: Annotated[int, Field(ge=1, multiple_of=1)] = Field(
        15, description="Of `location`: width of these filters, an odd number of steps.", examples=[5, 9]
    )
    over: Annotated[tuple[Literal["last", "total"], ...], Field(strict=False, min_length=1)] = Field(
        ("last",),
        description="Of `location`: what the filters run over: the `last` weights, those of the step before; the "
        "`total` of all steps before (arXiv:1712.05884); or both.",
        examples=[["last"], ["total"], ["last", "total"]],
    )
    components: Positive = Field(10, description="Of `window`: number of bells.")
    function: Literal["exp", "softplus"] = Field(
        "exp", description="Of `window`: what makes height, width and advance of a bell positive."
    )
    pace: Annotated[float, Field(gt=0)] = Field(1.0, description="Of `window`: what every advance is multiplied by.")
    narrowest: Annotated[float, Field(ge=0)] = Field(
        0.0, description="Of `window`: the least width of a bell.", examples=[0.8, 2.0]
    )
    ask: Annotated[Literal["before", "after"] | After, either(After, "before", "after")] = Field(
        "after",
        description="`after`: asked with the output of the last layer, or of the one that `{after: NAME}` names. "
        "`before`: with the first recurrent layer's state before the step.",
        examples=["before", "after"],
    )
    combine: Annotated[Literal["none"] | Combine, either(Combine, "none")] = Field(
        "none",
        description="A map of the context and of what asked; `none` feeds the context itself.",
        examples=["none", {"size": 5}],
    )
    feed: Annotated[tuple[Feed, ...], Field(strict=False, min_length=1)] = Field(
        ("head",),
        description="What reads it: `input`, the first recurrent layer at the same step; `next_input`, that layer at "
        "the next step; `layers`, every recurrent layer behind the one that asks; `head`, beside the last layer's "
        "output; `head_alone`, in its place.",
        examples=[["head"], ["next_input", "head"], ["input"], ["input", "head"], ["layers"]],
    )
    gate: Literal["none", "sigmoid"] = Field(
        "none", description="`sigmoid` multiplies the context by a gate of what asked (arXiv:1502.03044)."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name, owners in OWNERS.items():
            if self.score not in owners and getattr(self, name) != _default(name):
                raise ValueError(f"{name} belongs to score {' and '.join(map(repr, owners))}, not to {self.score!r}")
        if self.score in ("dot", "window") and self.bias:
            said = "has no product with weights, and so no bias" if self.score == "dot" else "has its bias anyway"
            raise ValueError(f"score {self.score!r} {said}")
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel must be an odd number of steps, so that it has a middle, not {self.kernel}")
        for name in ("feed", "over"):
            if len(set(getattr(self, name))) < len(getattr(self, name)):
                raise ValueError(f"{name} names something twice")
        if {"head", "head_alone"} <= {*self.feed}:
            raise ValueError(
                "feed names 'head' and 'head_alone': a head reads beside the last layer's output, or alone"
            )
        if "head_alone" in self.feed and self.ask == "after" and self.combine != "none":
            raise ValueError("behind combine the head reads nothing else anyway: write feed 'head'")
        if isinstance(self.ask, After) and self.ask.fed and "next_input" not in self.feed:
            raise ValueError("ask has fed: true, and nothing is fed to the next step: add next_input to feed")
        if "input" in self.feed and self.ask != "before":
            raise ValueError(
                "feed 'input' needs the context before the first layer runs: use ask: before, or feed: [next_input]"
            )
        if "layers" in self.feed and self.ask == "before":
            raise ValueError(
                "feed 'layers' is for those behind the layer that asks: use feed: [input], or ask: {after: ...}"
            )
        return self


def _default(name: str) -> object:
    return AttentionOptions.model_fields[name].default


class Linear(Options):
    """A linear map to each of the decoder's states."""

    kind: Literal["linear"]
    source: Literal["last", "first", "mean"] = Field(
        "last",
        alias="from",
        description="What is mapped: the encoder's `last` states, those of its backward direction at the `first` step, "
        "or the `mean` of its output over the steps of the source.",
    )
    activation: Activation = Field("none", description="Activation function of the result.")
    bias: bool = Field(True, description="Add a bias.")


Rule = Word | Linear


class EncoderDecoderOptions(Options):
    """Options of an encoder and a decoder."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"attention": {"score": "location", "over": ["last", "total"]}, "bridge": "zeros"},
                {"attention": {"score": "window", "components": 3}, "bridge": "zeros"},
            ]
        }
    )

    attention: Annotated[Literal["none"] | AttentionOptions, either(AttentionOptions, "none")] = Field(
        "none", description="How the decoder asks the steps that the encoder has read; `none` if it does not."
    )
    bridge: Annotated[Word | Linear | dict[str, Rule], by_name(Linear, *WORDS)] = Field(
        "last",
        description="How the decoder's states start: `zeros`; `last`, as the encoder's end, layer by layer; `first`, "
        "as the end of its backward direction; `mean` of its output; `{kind: linear, from: last, activation: tanh}`, a "
        "map of one of them. Or one of these for each name of a state: `{h: last, c: zeros}`, `{layers.0.h: last}`.",
        examples=["zeros", "last", {"kind": "linear", "from": "mean"}, "first", "mean", {"kind": "linear"}],
    )


def uses_output(options: EncoderDecoderOptions) -> bool:
    """Whether the output of the encoder is read, and not only its states."""
    return options.attention != "none" or any(source_of(rule) == "mean" for rule in rules(options))


def uses_states(options: EncoderDecoderOptions) -> bool:
    """Whether a state of the decoder starts as one of the encoder's."""
    return any(source_of(rule) in ("last", "first") for rule in rules(options))


def asks_with_a_state(options: EncoderDecoderOptions) -> bool:
    """Whether attention is asked with a state of the decoder, and not with an output."""
    return isinstance(options.attention, AttentionOptions) and options.attention.ask == "before"


def rules(options: EncoderDecoderOptions) -> tuple[Rule, ...]:
    """Every rule by which a state of the decoder may start."""
    return tuple(options.bridge.values()) if isinstance(options.bridge, dict) else (options.bridge,)


def source_of(rule: Rule) -> str:
    """What of the encoder a rule reads: `last`, `first`, `mean`, or `zeros` for nothing."""
    return rule if isinstance(rule, str) else rule.source


class SharedOptions(Options):
    """Options of an input that shares the table of another."""

    of: str = Field(
        description="The place of the input whose table it is, in a stack before this one: `encoder.input`.",
        json_schema_extra={"x-place": True},
    )
    dropout: Rate = Field(0.0, description="Dropout rate of whole symbols, as of the input `tokens`.")
