"""Options and closed forms of the built-in heads and pools. Imports no torch."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from zoo.components import Count, Description, NoOptions, Options, Shape, Width, features
from zoo.errors import ZooError
from zoo.layers.options import Activation, Rate, linear

SoftCap = Annotated[
    Annotated[float, Field(gt=0)] | None,
    Field(examples=[0.5], description="Bound c of the logits y, which become c tanh(y / c); none if not given."),
]


class LinearOptions(Options):
    """Options of the linear head."""

    size: Annotated[int, Field(ge=1), Width] = Field(
        description="Number of outputs: classes, symbols, or 1 for a single logit."
    )
    bias: bool = Field(True, description="Add a bias.")
    soft_cap: SoftCap = None
    activation: Activation = Field(
        "none", description="Activation function of the result, which then is no logits and has no loss of its own."
    )
    dropout: Rate = Field(0.0, description="Dropout rate on the input of the head.")


class MLPOptions(Options):
    """Options of the head of several linear maps."""

    size: Annotated[int, Field(ge=1), Width] = Field(description="Number of outputs of the last linear map.")
    hidden: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(strict=False, min_length=1), Width] = Field(
        description="Widths of the hidden layers, first to last."
    )
    activation: Activation = Field("relu", description="Activation function after each linear map but the last.")
    dropout: Rate = Field(0.0, description="Dropout rate after each activation.")


class TiedOptions(Options):
    """Options of the head that shares the embedding's weights."""

    bias: bool = Field(True, description="Add a bias per symbol.")
    soft_cap: SoftCap = None


class MixtureOfSoftmaxesOptions(Options):
    """Options of the mixture of softmaxes."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"components": 2, "size": 7, "latent": 5}, {"components": 2, "tied": True}],
        }
    )

    components: Annotated[int, Field(ge=1), Count] = Field(description="Number of softmaxes.")
    size: Annotated[int, Field(ge=1), Width] | None = Field(None, description="Number of symbols; not with `tied`.")
    latent: Annotated[int, Field(ge=1), Width] | None = Field(
        None, description="Width of what each softmax reads; with `tied` it is that of the embedding."
    )
    tied: bool = Field(False, description="Score symbols with the embedding's weights instead of a table of its own.")
    bias: bool = Field(True, description="Add a bias per symbol.")
    dropout: Rate = Field(0.0, description="Dropout rate on what the softmaxes read.")
    variational: bool = Field(False, description="One mask of dropout per sequence instead of one per step.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.tied and not (self.size is None and self.latent is None):
            raise ValueError("tied: true takes its sizes from the embedding: leave out size and latent")
        if not self.tied and (self.size is None or self.latent is None):
            raise ValueError("a mixture of softmaxes needs size and latent, or tied: true")
        if self.variational and not self.dropout:
            raise ValueError("variational says how is dropped, and dropout is not given")
        return self


class MixtureDensityOptions(Options):
    """Options of the mixture density."""

    components: Annotated[int, Field(ge=1), Count] = Field(description="Number of normal distributions of a mixture.")
    size: Annotated[int, Field(ge=1), Width] = Field(description="Number of real numbers of a target.")
    form: Literal["independent", "diagonal", "bivariate"] = Field(
        "diagonal",
        description="What is mixed: 'diagonal', vectors whose numbers are independent within a component; "
        "'independent', each number by itself; 'bivariate', pairs with a correlation, for size 2.",
    )
    end: bool = Field(False, description="A yes or no beside the numbers, last in a target, such as a stroke's end.")

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if self.form == "bivariate" and self.size != 2:
            raise ValueError(f"form 'bivariate' is for size 2, not {self.size}")
        return self


class CTCOptions(Options):
    """Options of connectionist temporal classification."""

    size: Annotated[int, Field(ge=2), Width] = Field(description="Number of outputs: the symbols and the blank.")
    blank: Annotated[int, Field(ge=0)] | Literal["last"] = Field(
        0, description="Which output is the blank: its index, or `last`."
    )
    bias: bool = Field(True, description="Add a bias.")
    dropout: Rate = Field(0.0, description="Dropout rate on the input of the head.")

    @model_validator(mode="after")
    def _is_an_output(self) -> Self:
        if self.blank != "last" and self.blank >= self.size:
            raise ValueError(f"blank must be one of the {self.size} outputs, 0 to {self.size - 1}, or last")
        return self


class CRFOptions(Options):
    """Options of the linear-chain conditional random field."""

    size: Annotated[int, Field(ge=1), Width] = Field(description="Number of labels.")
    ends: Literal["both", "start", "none"] = Field(
        "both",
        description="Transitions at the ends of a sequence: 'both', from a start and to a stop; 'start', from one "
        "label more, which is scored too; 'none'.",
    )
    bias: bool = Field(True, description="Add a bias to the scores of labels.")
    dropout: Rate = Field(0.0, description="Dropout rate on the input of the head.")


class AdaptiveSoftmaxOptions(Options):
    """Options of the adaptive softmax."""

    size: Annotated[int, Field(ge=2), Width] = Field(description="Number of symbols, the most frequent ones first.")
    cutoffs: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(strict=False, min_length=1), Width] = Field(
        description="Where clusters of rarer symbols begin, in rising order."
    )
    div_value: Annotated[float, Field(ge=1)] = Field(
        4.0, description="How many times narrower each cluster's features are than those of the one before."
    )
    bias: bool = Field(False, description="Add a bias to the scores of frequent symbols and of clusters.")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if list(self.cutoffs) != sorted({*self.cutoffs}) or self.cutoffs[-1] >= self.size:
            raise ValueError(f"cutoffs must be rising numbers below size, {self.size}, not {list(self.cutoffs)}")
        return self


class NormaliseOptions(Options):
    """Options of vectors of length 1."""

    size: Annotated[int, Field(ge=1), Width] | None = Field(
        None, description="Width of a linear map in front; without it the features are taken as they are."
    )
    bias: bool = Field(True, description="Add a bias to the linear map.")
    activation: Activation = Field("none", description="Activation function in front of the norm.")

    @model_validator(mode="after")
    def _mapped(self) -> Self:
        if self.size is None and not self.bias:
            raise ValueError("bias is of the linear map, which there is none of without size")
        return self


class AttentionOptions(Options):
    """Options of the attention pool."""

    score: Literal["additive", "linear"] = Field(
        "additive",
        description="What scores a step: 'additive', v · tanh(W y + b); 'linear', v · y (arXiv:1708.00524).",
    )
    size: Annotated[int, Field(ge=1), Width] | None = Field(
        None,
        description="Width of the hidden layer of additive scores; the number of features if not given.",
    )

    @model_validator(mode="after")
    def _has_a_hidden_layer(self) -> Self:
        if self.score == "linear" and self.size is not None:
            raise ValueError("size is of the hidden layer, which linear scores do without: leave it out")
        return self


def describe_linear(options: LinearOptions, input_shape: Shape, source: Description) -> Description:
    return linear(input_shape, options.size, bias=options.bias)


def describe_mlp(options: MLPOptions, input_shape: Shape, source: Description) -> Description:
    shape, parameters, macs = input_shape, 0, 0
    for size in (*options.hidden, options.size):
        one = linear(shape, size, bias=True)
        shape, parameters, macs = one.output_shape, parameters + one.parameters, macs + one.macs_per_step
    return Description(output_shape=shape, parameters=parameters, macs_per_step=macs)


def describe_tied(options: TiedOptions, input_shape: Shape, source: Description) -> Description:
    if source.vocabulary is None:
        raise ZooError("a tied head shares the embedding's weights: it needs input: {kind: tokens, ...}")
    if input_shape != source.output_shape:
        raise ZooError(
            f"a tied head needs features as wide as the embedding ({source.output_shape[-1]}), not "
            f"{input_shape[-1]}: change the last layer's hidden_size or give it an output_projection"
        )
    product = input_shape[-1] * source.vocabulary
    return Description(
        output_shape=(source.vocabulary,),
        parameters=source.vocabulary * options.bias,
        macs_per_step=product,
    )


def describe_mixture_of_softmaxes(
    options: MixtureOfSoftmaxesOptions, input_shape: Shape, source: Description
) -> Description:
    width, K = features(input_shape), options.components
    if options.tied:
        if source.vocabulary is None:
            raise ZooError("a tied head shares the embedding's weights: it needs input: {kind: tokens, ...}")
        size, latent = source.vocabulary, features(source.output_shape)
    else:
        assert options.size is not None
        assert options.latent is not None
        size, latent = options.size, options.latent
    own = width * K + (width + 1) * K * latent
    return Description(
        output_shape=(size,),
        parameters=own + (0 if options.tied else size * latent) + size * options.bias,
        macs_per_step=width * K + width * K * latent + K * latent * size + K * size,  # the last is the mixing itself
    )


def density_outputs(options: MixtureDensityOptions) -> int:
    """How many numbers the density of one step has."""
    K, D = options.components, options.size
    each = {"independent": 3 * K * D, "diagonal": K * (1 + 2 * D), "bivariate": 6 * K}[options.form]
    return each + options.end


def describe_mixture_density(options: MixtureDensityOptions, input_shape: Shape, source: Description) -> Description:
    return linear(input_shape, density_outputs(options), bias=True)


def describe_ctc(options: CTCOptions, input_shape: Shape, source: Description) -> Description:
    return linear(input_shape, options.size, bias=options.bias)


def describe_crf(options: CRFOptions, input_shape: Shape, source: Description) -> Description:
    scored = linear(input_shape, options.size + (options.ends == "start"), bias=options.bias)
    labels = options.size + {"both": 2, "start": 1, "none": 0}[options.ends]
    return Description(
        output_shape=scored.output_shape,
        parameters=scored.parameters + labels**2,
        macs_per_step=scored.macs_per_step,
    )


def cluster_widths(options: AdaptiveSoftmaxOptions, width: int) -> list[int]:
    """How many features each cluster of rarer symbols is scored from."""
    return [max(1, int(width // options.div_value ** (index + 1))) for index in range(len(options.cutoffs))]


def describe_adaptive_softmax(options: AdaptiveSoftmaxOptions, input_shape: Shape, source: Description) -> Description:
    """Without products: a run gives the features, and what a loss takes depends on its targets."""
    width = features(input_shape)
    top = linear(input_shape, options.cutoffs[0] + len(options.cutoffs), bias=options.bias).parameters
    sizes = (high - low for low, high in pairwise((*options.cutoffs, options.size)))
    tails = (narrow * (width + size) for narrow, size in zip(cluster_widths(options, width), sizes, strict=True))
    return Description(output_shape=input_shape, parameters=top + sum(tails))


def describe_normalise(options: NormaliseOptions, input_shape: Shape, source: Description) -> Description:
    if options.size is None:
        return Description(output_shape=(math.prod(input_shape),), parameters=0)
    return linear(input_shape, options.size, bias=options.bias)


def describe_pool(options: NoOptions, input_shape: Shape) -> Description:
    return Description(output_shape=input_shape, parameters=0)


def describe_attention(options: AttentionOptions, input_shape: Shape) -> Description:
    width = features(input_shape)
    if options.score == "linear":
        return Description(output_shape=input_shape, parameters=width, macs_per_step=width)
    size = options.size or width
    hidden = linear(input_shape, size, bias=True)
    return Description(
        output_shape=input_shape,
        parameters=hidden.parameters + size,
        macs_per_step=hidden.macs_per_step + size,
    )
