"""Options and closed forms of the built-in inputs. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zoo.components import Description, Extent, Options, Vocabulary, Width
from zoo.errors import did_you_mean
from zoo.layers.nested.options import EachOptions, JoinOptions, describe_each, describe_join
from zoo.layers.options import Rate, with_norm
from zoo.spec.inside import describe_inputs
from zoo.spec.model import NormOption
from zoo.spec.problems import mistake
from zoo.spec.several import Inputs
from zoo.spec.tree import NamedInput


class FeaturesOptions(Options):
    """Options of real-valued features."""

    size: Annotated[int, Field(ge=1), Width] = Field(description="Number of features at each step.")


class MapsOptions(Options):
    """Options of maps."""

    channels: Annotated[int, Field(ge=1), Width] = Field(description="Number of channels of a map.")
    height: Annotated[int, Field(ge=1), Extent] = Field(description="Height of a map, in rows.")
    width: Annotated[int, Field(ge=1), Extent] = Field(description="Width of a map, in columns.")


class OneHotOptions(Options):
    """Options of symbols as one-hot vectors."""

    vocabulary: Annotated[int, Field(ge=1), Vocabulary] = Field(description="Number of symbols, and of features.")


class TokensOptions(Options):
    """Options of embedded symbols."""

    vocabulary: Annotated[int, Field(ge=1), Vocabulary] = Field(description="Number of symbols.")
    size: Annotated[int, Field(ge=1), Width] = Field(description="Size of each symbol's embedding vector.")
    padding: Annotated[int, Field(ge=0)] | None = Field(
        None, description="The padding symbol, whose embedding is zero and is not trained."
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Dropout rate of whole symbols, the same ones throughout a forward pass (arXiv:1512.05287)."
    )

    @model_validator(mode="after")
    def _padding_is_a_symbol(self) -> Self:
        if self.padding is not None and self.padding >= self.vocabulary:
            raise ValueError(f"padding must be one of the {self.vocabulary} symbols, 0 to {self.vocabulary - 1}")
        return self


def describe_features(options: FeaturesOptions) -> Description:
    return Description(output_shape=(options.size,), parameters=0)


def describe_maps(options: MapsOptions) -> Description:
    return Description(output_shape=(options.channels, options.height, options.width), parameters=0)


def describe_one_hot(options: OneHotOptions) -> Description:
    """Without a table, which is what a tied head could share."""
    return Description(output_shape=(options.vocabulary,), parameters=0)


def describe_tokens(options: TokensOptions) -> Description:
    return Description(
        output_shape=(options.size,),
        parameters=options.vocabulary * options.size,
        vocabulary=options.vocabulary,
    )


class ImageOptions(Options):
    """Options of the columns of an image."""

    channels: Annotated[int, Field(ge=1), Width] = Field(1, description="Number of channels: 1 for grey, 3 for colour.")
    height: Annotated[int, Field(ge=1)] = Field(description="Height of the image; its width is the number of steps.")


class CharactersOptions(EachOptions):
    """Options of the characters of each word."""

    vocabulary: Annotated[int, Field(ge=1), Vocabulary] = Field(description="Number of characters.")
    size: Annotated[int, Field(ge=1), Width] = Field(description="Size of each character's embedding vector.")
    length: Annotated[int, Field(ge=1, le=10_000)] = Field(description="Number of characters of a word, filled up.")
    padding: Annotated[int, Field(ge=0)] | None = Field(
        None, description="The character that fills words up, whose embedding is zero and is not trained."
    )
    masked: bool = Field(
        False,
        description="Leave the characters that fill a word up out of its layers and of its pool, but for those that a "
        "window longer than the word needs.",
    )

    @model_validator(mode="after")
    def _padding_is_a_character(self) -> Self:
        if self.padding is not None and self.padding >= self.vocabulary:
            raise ValueError(f"padding must be one of the {self.vocabulary} characters, 0 to {self.vocabulary - 1}")
        if self.masked and self.padding is None:
            raise ValueError("masked leaves out the character that fills words up: say which it is, padding: 0")
        return self


def describe_image(options: ImageOptions) -> Description:
    return Description(output_shape=(options.channels, options.height), parameters=0)


def describe_characters(options: CharactersOptions) -> Description | None:
    found = describe_each(options, (options.length, options.size))
    if found is None:
        return None
    table = options.vocabulary * options.size
    return replace(found, parameters=found.parameters + table)


class SeveralOptions(Options):
    """Options of several inputs."""

    of: Inputs = Field(
        description="The inputs by name, in the order in which they are merged; `per: sequence` marks one that comes "
        "in once for a sequence, and is repeated over its steps."
    )
    merge: Literal["concat", "sum"] = Field("concat", description="How the inputs become one.")
    norm: NormOption | None = Field(None, description="A norm behind the merge.")
    dropout: Rate = Field(0.0, description="Dropout rate behind the merge and its norm.")
    feeds: str | None = Field(
        None,
        description="Name of the input that is the model's own sample of the step before, where it writes: the others "
        "are given.",
        json_schema_extra={"x-place": True},
    )
    lag: Literal[1] | None = Field(
        None,
        description="Of `feeds`: how many steps before its own a sample was made.",
        json_schema_extra={"x-place": True},
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if self.feeds is not None and self.lag is None:
            raise ValueError("feeds is what was sampled one step before: write lag: 1 beside it")
        if self.feeds is None and self.lag is not None:
            raise ValueError(
                "lag belongs to feeds, the input that is the model's own sample: name it, or leave lag out"
            )
        if self.feeds is not None:
            _feeds(self.feeds, self.of)
        return self


def _feeds(name: str, of: Mapping[str, NamedInput]) -> None:
    """Refuse what is no input of one symbol, or of some numbers, at each step."""
    if name not in of:
        hint = did_you_mean(name, of) or f"; there is {', '.join(of)}"
        raise mistake("feeds", f"feeds names one of the inputs, and none is called {name!r}{hint}", "feeds")
    if of[name].per == "sequence":
        said = f"a sample is made at each step, and input {name!r} comes in once per sequence"
        raise mistake("feeds", said, "feeds")


def describe_several(options: SeveralOptions) -> Description | None:
    found = describe_inputs(options.of)
    if found is None:
        return None
    each = found.values()
    shape = describe_join(JoinOptions(merge=options.merge), [one.output_shape for one in each]).output_shape
    together = Description(
        output_shape=shape,
        parameters=sum(one.parameters for one in each),
        buffers=sum(one.buffers for one in each),
        frozen=sum(one.frozen for one in each),
        macs_per_step=sum(one.macs_per_step for one in each),
        macs_per_sequence=sum(one.macs_per_sequence for one in each),
        sequential_depth=sum(one.sequential_depth for one in each),
    )
    return with_norm(together, options.norm, shape)
