"""What a bidirectional language model asks of its stacks, and the input that both share. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from zoo.components import Description, NoOptions, Options, Shape, StackDescription
from zoo.errors import ZooError


class SameOptions(Options):
    """Options of an input that is another stack's."""

    of: str = Field(
        description="The place of the input that it is, in a stack before this one: `forwards.input`.",
        json_schema_extra={"x-place": True},
    )


def describe_same(options: SameOptions, owner: Description) -> Description:
    """It adds nothing: the features are computed once, where the input stands."""
    return Description(output_shape=owner.output_shape, parameters=0, vocabulary=owner.vocabulary)


def describe(options: NoOptions, stacks: Mapping[str, StackDescription]) -> Description:
    """The head runs for both directions, and counts once."""
    forwards, backwards = stacks["forwards"], stacks["backwards"]
    for name, stack in stacks.items():
        if stack.windows:
            raise ZooError(f"a layer of {name} changes the number of steps, and both directions need as many")
    forward, backward = _behind(forwards), _behind(backwards)
    for shape in (forward, backward):
        if len(shape) != 1:
            raise ZooError(f"both directions must give flat features, not maps of shape {shape}: flatten them")
    if forward != backward:
        widths = f"the forwards {forward[0]}, the backwards {backward[0]}"
        raise ZooError(f"both directions must give as many features at each step: {widths}")
    if forwards.head is None:
        return Description(output_shape=(2 * forward[0],), parameters=0)
    return Description(
        output_shape=(2, *forwards.output_shape), parameters=0, macs_per_step=forwards.head.macs_per_step
    )


def _behind(stack: StackDescription) -> Shape:
    """The shape of a step behind the last layer."""
    return stack.layers[-1].output_shape if stack.layers else stack.input.output_shape
