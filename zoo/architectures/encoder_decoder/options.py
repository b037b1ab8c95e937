"""What can be chosen for an encoder and a decoder: attention, what it is fed to, and how the decoder starts."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field, model_validator

from zoo.architectures.encoder_decoder.forms import by_name, either, place
from zoo.components import Options, Width
from zoo.layers.options import Activation, Rate

Positive = Annotated[int, Field(ge=1)]
Feed = Literal["input", "next_input", "layers", "head"]
Word = Literal["zeros", "last", "first", "mean"]
WORDS: Final[tuple[Word, ...]] = get_args(Word)
LEARNED: Final = ("additive", "location")
"""Scores of a hidden layer, which has a size of its own."""


class After(Options):
    """Asked with the output of a layer of the decoder."""

    after: Annotated[int | str, place()] = Field(
        description="The layer of the decoder that asks: its name, or its position from 0.",
        json_schema_extra={"x-place": True},
    )


class Combine(Options):
    """A map of the context and of what asked for it, as in arXiv:1508.04025, equation 5."""

    size: Annotated[Positive, Width] = Field(description="Number of features that it gives.")
    bias: bool = Field(True, description="Add a bias.")
    activation: Activation = Field("tanh", description="Activation function of the result.")
    dropout: Rate = Field(0.0, description="Dropout rate on the result, wherever it is fed.")


class AttentionOptions(Options):
    """Options of the attention of a decoder over what an encoder has read."""

    score: Literal["dot", "general", "additive", "location"] = Field(
        "general",
        description="How well a step of the source answers: `dot` q k, `general` q W k (arXiv:1508.04025), `additive` "
        "v tanh(W q + U k) (arXiv:1409.0473), `location` with the weights of the step before beside them "
        "(arXiv:1506.07503).",
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
    filters: Positive = Field(10, description="Of `location`: number of filters over the weights of the step before.")
    kernel: Annotated[int, Field(ge=1, multiple_of=1)] = Field(
        15, description="Of `location`: width of these filters, an odd number of steps.", examples=[5, 9]
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
        "the next step; `layers`, every recurrent layer behind the one that asks; `head`.",
        examples=[["head"], ["next_input", "head"], ["input"], ["input", "head"], ["layers"]],
    )
    gate: Literal["none", "sigmoid"] = Field(
        "none", description="`sigmoid` multiplies the context by a gate of what asked (arXiv:1502.03044)."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        hidden = self.size is not None or self.normalised or self.activation != "tanh"
        if self.score not in LEARNED and hidden:
            raise ValueError(
                f"score {self.score!r} has no hidden layer: size, activation and normalised belong to "
                f"{' and '.join(LEARNED)}"
            )
        if self.score == "dot" and self.bias:
            raise ValueError("score 'dot' has no product with weights, and so no bias")
        location = {"filters", "kernel"} & self.model_fields_set
        if self.score != "location" and any(getattr(self, name) != _default(name) for name in location):
            raise ValueError("filters and kernel belong to score 'location'")
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel must be an odd number of steps, so that it has a middle, not {self.kernel}")
        if len(set(self.feed)) < len(self.feed):
            raise ValueError("feed names something twice")
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

    attention: Annotated[Literal["none"] | AttentionOptions, either(AttentionOptions, "none")] = Field(
        "none", description="How the decoder asks the steps that the encoder has read; `none` if it does not."
    )
    bridge: Annotated[Word | Linear | dict[str, Rule], by_name(Linear, *WORDS)] = Field(
        "last",
        description="How the decoder's states start: `zeros`; `last`, as the encoder's end, layer by layer; `first`, "
        "as the end of its backward direction; `mean` of its output; `{kind: linear, from: last, activation: tanh}`, a "
        "map of one of them. Or one of these for each name of a state: `{h: last, c: zeros}`, `{layers.0.h: last}`.",
        examples=["zeros", "last", "first", "mean", {"kind": "linear"}, {"kind": "linear", "from": "mean"}],
    )


def uses_output(options: EncoderDecoderOptions) -> bool:
    """Whether the output of the encoder is read, and not only its states."""
    return options.attention != "none" or any(source_of(rule) == "mean" for rule in rules(options))


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
