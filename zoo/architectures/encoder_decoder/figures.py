"""What attention and bridge add to the stacks, in closed form. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping

from zoo.architectures.encoder_decoder.options import (
    LEARNED,
    After,
    AttentionOptions,
    EncoderDecoderOptions,
    SharedOptions,
)
from zoo.architectures.encoder_decoder.plan import asker, fed_width, mismatch, starts
from zoo.components import Description, Shape, StackDescription, features
from zoo.errors import ZooError
from zoo.layers.options import linear

ENCODER, DECODER = ("encoder",), ("decoder",)


def describe(options: EncoderDecoderOptions, stacks: Mapping[str, StackDescription]) -> Description:
    """The parameters and products of attention and bridge."""
    encoder, decoder = stacks["encoder"], stacks["decoder"]
    if decoder.windows:
        raise mismatch("a layer of the decoder changes the number of steps, and those are the target's")
    parameters, once = 0, 0
    begin = starts(options, _states(encoder), mine := _states(decoder), _output(encoder))
    for name, start in begin.items():
        if start.linear is not None:
            one = linear((start.width,), mine[name][0], bias=start.linear.bias)
            parameters, once = parameters + one.parameters, once + one.macs_per_step
    if isinstance(options.attention, str):
        return Description(output_shape=decoder.output_shape, parameters=parameters, macs_per_sequence=once)
    memory = features(_output(encoder))
    query = _query(options.attention, decoder)
    if isinstance(options.attention.ask, After) and options.attention.ask.fed:
        query += fed_width(options.attention, memory)
    more, per, fed = attention(options.attention, query, memory)
    kept = {"feed": (fed,)} if "next_input" in options.attention.feed else {}
    if options.attention.score == "window":
        kept["position"] = (options.attention.components,)
    return Description(
        output_shape=decoder.output_shape,
        parameters=parameters + more,
        macs_per_sequence=once,
        macs_per=per,
        state=kept,
        sequential_depth=2,
    )


def attention(options: AttentionOptions, query: int, memory: int) -> tuple[int, dict[tuple[str, ...], int], int]:
    """Its parameters, its multiply-adds by whose steps they go, and the width of what it feeds.

    Args:
        options: Its options.
        query: Width of what asks.
        memory: Width of a step of the source.
    """
    parameters, keys, asked, pairs, fed = 0, 0, 0, memory, memory
    if options.score == "dot":
        if query != memory:
            raise mismatch(
                f"score 'dot' needs steps of the source ({memory} wide) as wide as what asks ({query} wide): use "
                "score: general",
                "attention",
                "score",
            )
        pairs += memory
    elif options.score == "general":
        parameters += query * memory + memory * options.bias
        asked += query * memory
        pairs += memory
    elif options.score == "window":
        parameters += 3 * options.components * (query + 1)
        asked += 3 * options.components * query
    else:
        size = options.size or memory
        parameters += (query + memory) * size + 2 * size * options.bias + size + options.bias
        parameters += (1 + size) * options.normalised
        keys, asked, pairs = memory * size, query * size, pairs + size
        if options.score == "location":
            parameters += options.filters * (len(options.over) * options.kernel + size)
            pairs += options.filters * (len(options.over) * options.kernel + size)
    if options.gate != "none":
        parameters += query * memory + memory
        asked += query * memory
    if not isinstance(options.combine, str):
        one = linear((memory + query,), options.combine.size, bias=options.combine.bias)
        parameters, asked, fed = parameters + one.parameters, asked + one.macs_per_step, options.combine.size
    return parameters, {ENCODER: keys, DECODER: asked, (*ENCODER, *DECODER): pairs}, fed


def describe_shared(options: SharedOptions, owner: Description) -> Description:
    """It adds nothing: the table counts where it stands."""
    if owner.vocabulary is None:
        raise ZooError(f"{options.of} embeds no symbols, and so has no table that could be shared")
    return Description(output_shape=owner.output_shape, parameters=0, vocabulary=owner.vocabulary)


def _query(options: AttentionOptions, decoder: StackDescription) -> int:
    """The width of what asks."""
    index = asker(options, decoder.names)
    if index is not None:
        return _flat(decoder.layers[index].output_shape)
    state = next((shape for layer in decoder.layers for shape in list(layer.state.values())[:1]), None)
    if state is None:
        raise mismatch("the decoder has no state to ask with", "attention", "ask")
    return _flat(state)


def _flat(shape: Shape) -> int:
    if len(shape) != 1:
        raise mismatch(f"attention is asked with flat features, not with numbers of shape {shape}", "attention")
    return math.prod(shape)


def _states(stack: StackDescription) -> dict[str, Shape]:
    return {
        f"layers.{index}.{name}": shape
        for index, layer in enumerate(stack.layers)
        for name, shape in layer.state.items()
    }


def _output(encoder: StackDescription) -> Shape:
    return encoder.output_shape


__all__ = ["LEARNED", "attention", "describe", "describe_shared"]
