"""What can be chosen for a transducer, and what its joiner adds to the stacks. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from zoo.components import Description, Options, Shape, StackDescription, Width
from zoo.errors import ZooError
from zoo.layers.options import Activation, Rate
from zoo.spec.mismatches import ShapeMismatch, ShapeMismatchError


class JoinerOptions(Options):
    """Options of what scores every step of the encoder with every step of the predictor."""

    size: Annotated[int, Field(ge=1), Width] | None = Field(
        None,
        description="Width of the hidden layer, to which both sides are mapped; not given, they are not mapped.",
        examples=[5, 6],
    )
    merge: Literal["sum", "concat"] = Field(
        "sum",
        description="`sum`: a linear map of each side, each with a bias, added; `concat`: one linear map of both side "
        "by side. Without `size` the sides themselves are added or put side by side.",
    )
    activation: Activation = Field("tanh", description="Activation function of the hidden layer.")


class TransducerOptions(Options):
    """Options of a transducer."""

    joiner: JoinerOptions = Field(description="How the two sides are joined.")
    dropout: Rate = Field(0.0, description="Dropout rate on the joiner's hidden layer, behind its activation.")
    start: Literal["zeros", "blank"] = Field(
        "zeros",
        description="What the predictor reads before the first symbol: `zeros` in place of a symbol's vector, and its "
        "table has no blank; or the vector of the `blank`, which is then a symbol of its table.",
    )
    blank: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Index of the blank among the scores; the last one if not given.", examples=[0, 1, 2]
    )

    def outputs(self, vocabulary: int) -> int:
        """Number of scores for a predictor of so many symbols: the blank is one of them, or one more."""
        return vocabulary + (self.start == "zeros")

    def blank_of(self, outputs: int) -> int:
        """Index of the blank among so many scores."""
        return outputs - 1 if self.blank is None else self.blank

    def tiny(self) -> Mapping[str, Any]:
        """A blank that is among few symbols too; the first stays the first."""
        return {} if self.blank is None else {"blank": min(self.blank, 1)}


def describe(options: TransducerOptions, stacks: Mapping[str, StackDescription]) -> Description:
    """The parameters and products of the joiner: for each step of either side, and for each pair of them."""
    encoder, predictor = stacks["encoder"], stacks["predictor"]
    vocabulary = predictor.input.vocabulary
    if vocabulary is None:
        raise ZooError("the predictor reads symbols: predictor.input must be of kind tokens, or shared with tokens")
    outputs = options.outputs(vocabulary)
    if options.blank_of(outputs) >= outputs:
        raise _mismatch(f"blank must be one of the {outputs} scores, 0 to {outputs - 1}", "blank")
    ahead = _flat(encoder.output_shape, "encoder")
    told = _flat(predictor.output_shape, "predictor")
    joiner = options.joiner
    width, parameters = joiner.size, 0
    per: dict[tuple[str, ...], int] = {("encoder",): 0, ("predictor",): 0}
    if width is not None:
        per = {("encoder",): ahead * width, ("predictor",): told * width}
        parameters = sum(per.values()) + (2 if joiner.merge == "sum" else 1) * width
    elif joiner.merge == "concat":
        width = ahead + told
    elif ahead == told:
        width = ahead
    else:
        said = f"sums the sides as they are, and the encoder is {ahead} wide, the predictor {told}: give joiner.size"
        raise _mismatch(said, "joiner", "merge")
    return Description(
        output_shape=(outputs,),
        parameters=parameters + width * outputs + outputs,
        macs_per={**per, ("encoder", "predictor"): width * outputs},
        state={"predictor.output": (told,)},
        fixed=frozenset({"predictor.output"}),
    )


def _flat(shape: Shape, stack: str) -> int:
    if len(shape) != 1:
        raise ZooError(f"the joiner reads flat features, and the {stack} gives maps of shape {shape}: flatten them")
    return shape[0]


def _mismatch(message: str, *path: str) -> ShapeMismatchError:
    return ShapeMismatchError((ShapeMismatch(path, message),))
