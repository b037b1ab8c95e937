"""Which layer asks, what is joined to which, and from what each state of the decoder starts. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from zoo.architectures.encoder_decoder.options import (
    REMEMBERING,
    AttentionOptions,
    EncoderDecoderOptions,
    Linear,
    Rule,
    source_of,
)
from zoo.components import Beside, Shape, features
from zoo.errors import ZooError, did_you_mean
from zoo.spec.mismatches import ShapeMismatch, ShapeMismatchError
from zoo.spec.tree import Path, Recurrent, Stack, dotted, parts
from zoo.spec.tree import recurrent as recurrent_of

OWN: Final = ("age", "past")
"""States that the engine keeps of a sequence itself: they begin with the sequence, and are not bridged."""
ARCHITECTURE: Final[Path] = ("architecture",)
BACKWARD: Final = "reverse"

Shapes = Mapping[str, Shape]


def mismatch(message: str, *path: str) -> ShapeMismatchError:
    """A mistake at an option of the architecture, whose path begins there."""
    return ShapeMismatchError((ShapeMismatch(path, message),))


def beside(options: EncoderDecoderOptions, stack: Stack, shapes: Mapping[str, Shape]) -> Beside:
    """What the attention joins to the features that flow through the decoder; mistakes have places in the spec."""
    if stack.name != "decoder":
        return Beside()
    try:
        return _beside(options, stack, shapes)
    except ShapeMismatchError as error:
        raise ShapeMismatchError(
            tuple(
                one if one.path[:1] == stack.path else ShapeMismatch((*ARCHITECTURE, *one.path), one.message)
                for one in error.mismatches
            )
        ) from None


def _beside(options: EncoderDecoderOptions, stack: Stack, shapes: Mapping[str, Shape]) -> Beside:
    for path, part in parts(stack, stack.path):
        if part.traits.batch_statistics:
            said = f"{dotted(path)} ({part.record.name}) needs a batch of all steps, and the decoder runs step by step"
            raise ShapeMismatchError((ShapeMismatch(path, said),))
    attention = options.attention
    for path, layer in _recurrent(stack):
        if layer.initial_state == "learned" and options.bridge != "zeros" and not isinstance(options.bridge, dict):
            said = "is learned, and the bridge puts the encoder's end in its place: use bridge: zeros, or leave it out"
            raise ShapeMismatchError((ShapeMismatch((*path, "initial_state"), f"initial_state {said}"),))
    if isinstance(attention, str):
        return Beside()
    if waits(attention):
        for path, layer in _recurrent(stack):
            rates = layer.dropout
            kept = {"variational": rates.variational, "recurrent": rates.recurrent, "weight": rates.weight}
            for kind in (kind for kind, rate in kept.items() if rate):
                said = (
                    "keeps one mask for a sequence, and with this attention the decoder runs step by step: leave it out"
                )
                raise ShapeMismatchError((ShapeMismatch((*path, "dropout", kind), f"dropout.{kind} {said}"),))
    try:
        memory = features(shapes["encoder"])
    except ZooError as error:
        raise mismatch(f"attention {error}", "attention") from None
    fed = fed_width(attention, memory)
    recurrent = [index for index, layer in enumerate(stack.layers) if isinstance(layer, Recurrent)]
    if not recurrent:
        raise ShapeMismatchError((ShapeMismatch((*stack.path, "layers"), "the decoder needs a recurrent layer"),))
    asks = asker(attention, [layer.name for layer in stack.layers])
    joined = dict.fromkeys(recurrent, 0)
    joined[recurrent[0]] = fed * sum(one in attention.feed for one in ("input", "next_input"))
    if "layers" in attention.feed:
        behind = [index for index in recurrent if asks is not None and index > asks]
        if not behind:
            raise mismatch("feed 'layers' has no recurrent layer behind the one that asks", "attention", "feed")
        joined |= {index: joined[index] + fed for index in behind}
    alone = "head_alone" in attention.feed
    head = fed if alone or "head" in attention.feed else 0
    last = asks == len(stack.layers) - 1
    return Beside(
        layers={index: count for index, count in joined.items() if count},
        head=head,
        instead=alone or (bool(head) and last and not isinstance(attention.combine, str)),
    )


def fed_width(attention: AttentionOptions, memory: int) -> int:
    """Width of what is fed on, of a source whose steps are this wide."""
    return memory if isinstance(attention.combine, str) else attention.combine.size


def waits(attention: AttentionOptions) -> bool:
    """Whether a step needs what the step before was answered, so that steps run one after the other."""
    return attention.ask == "before" or attention.score in REMEMBERING or "next_input" in attention.feed


def _recurrent(stack: Stack) -> list[tuple[Path, Recurrent]]:
    return [((*stack.path, *path), layer) for path, layer in recurrent_of(stack)]


def asker(attention: AttentionOptions, names: Sequence[str | None]) -> int | None:
    """The position of the layer whose output asks; None where the state before the step does.

    Args:
        attention: Its options.
        names: The name of each layer of the decoder, or None.

    Raises:
        ShapeMismatchError: There is no such layer.
    """
    if isinstance(attention.ask, str):
        return None if attention.ask == "before" else len(names) - 1
    after = attention.ask.after
    if isinstance(after, int):
        if not 0 <= after < len(names):
            raise mismatch(
                f"the decoder has no layer {after}: it has {len(names)}, counted from 0", "attention", "ask", "after"
            )
        return after
    if after not in names:
        known = [name for name in names if name]
        hint = did_you_mean(after, known) or f"; there is {', '.join(known) or 'none with a name'}"
        raise mismatch(f"no layer of the decoder is called {after!r}{hint}", "attention", "ask", "after")
    return names.index(after)


@dataclass(frozen=True, slots=True)
class Start:
    """How one state of the decoder starts.

    Attributes:
        rule: As the options say.
        sources: The states of the encoder that it is made of, one after the other; none for zeros and the mean.
        width: Of what it is made of, before a linear map; 0 for zeros.
    """

    rule: Rule
    sources: tuple[str, ...]
    width: int

    @property
    def linear(self) -> Linear | None:
        return None if isinstance(self.rule, str) else self.rule


def starts(options: EncoderDecoderOptions, encoder: Shapes, decoder: Shapes, output: Shape) -> dict[str, Start]:
    """How each state of the decoder starts, by its name.

    Args:
        options: Of the architecture.
        encoder: Shapes of the encoder's states, by names such as `layers.0.h` and `layers.0.reverse.h`.
        decoder: Shapes of the decoder's states.
        output: Shape of one step of the encoder's output.

    Raises:
        ShapeMismatchError: Something does not fit.
    """
    theirs, mine = _by_layer(encoder), _by_layer(decoder)
    used = set[str]()
    found = {
        f"{place}.{name}": _start(options, (index, place, name), shape, (theirs, len(mine)), output, used)
        for index, (place, states) in enumerate(mine.items())
        for name, shape in states.items()
        if name not in OWN and not name.startswith(f"{BACKWARD}.")  # which a decoder may not have, as its place says
    }
    if isinstance(options.bridge, dict):
        unused = [key for key in options.bridge if key not in used]
        if unused:
            raise mismatch(f"the decoder has no state {unused[0]!r}; it has {', '.join(found)}", "bridge")
    if options.attention == "none" and all(source_of(one.rule) == "zeros" for one in found.values()):
        raise mismatch("without attention and with a bridge of zeros the decoder knows nothing of the source", "bridge")
    return found


def _start(
    options: EncoderDecoderOptions,
    which: tuple[int, str, str],
    shape: Shape,
    encoder: tuple[Mapping[str, dict[str, Shape]], int],
    output: Shape,
    used: set[str],
) -> Start:
    """How a state starts, of the layer in this order, at this place, with this name."""
    index, place, name = which
    theirs, count = encoder
    full = f"{place}.{name}"
    rule = _rule(options, full, name, used)
    source = source_of(rule)
    if source == "zeros":
        return Start(rule, (), 0)
    if source == "mean":
        sources, given = tuple[str, ...](), output
    else:
        if len(theirs) != count:
            raise mismatch(
                f"{source!r} goes layer by layer, and the encoder has {_layers(len(theirs))} with a state, the decoder "
                f"{count}: make them equal, or use another bridge",
                "bridge",
            )
        sources, given = _states(list(theirs.items())[index], name, source, full)
    if isinstance(rule, str) and given != shape:
        raise mismatch(
            f"the decoder's {full} is {_said(shape)}, and starts as what is {_said(given)} ({source}): make them "
            "equal, or use bridge: {kind: linear}",
            "bridge",
        )
    if not isinstance(rule, str) and (len(given) != 1 or len(shape) != 1):
        raise mismatch(f"a linear bridge maps flat features, not {_said(given)} to {_said(shape)} ({full})", "bridge")
    return Start(rule, sources, given[0])


def _states(layer: tuple[str, dict[str, Shape]], name: str, source: str, full: str) -> tuple[tuple[str, ...], Shape]:
    """The states of a layer of the encoder from which a decoder's state starts, and their shape together."""
    place, states = layer
    both = f"{BACKWARD}.{name}" in states
    names = [f"{BACKWARD}.{name}"] if both else [name]
    if source == "last":
        names = [name, *names] if both else names
    if any(one not in states for one in names):
        has = ", ".join(states)
        said = (
            f"the decoder's {full} starts as the encoder's {name!r}, and {place} of the encoder has {has}: name what "
        )
        raise mismatch(said + "each starts from, as in bridge: {h: last, c: zeros}", "bridge")
    shapes = [states[one] for one in names]
    if len(shapes) > 1 and any(len(shape) != 1 for shape in shapes):
        raise mismatch(f"two directions are joined as flat features, not as {_said(shapes[0])}", "bridge")
    joined = shapes[0] if len(shapes) == 1 else (sum(shape[0] for shape in shapes),)
    return tuple(f"{place}.{one}" for one in names), joined


def _rule(options: EncoderDecoderOptions, full: str, name: str, used: set[str]) -> Rule:
    """The rule of a state: by its full name, else by its name in its layer."""
    if not isinstance(options.bridge, dict):
        return options.bridge
    for key in (full, name):
        if key in options.bridge:
            used.add(key)
            return options.bridge[key]
    raise mismatch(f"says nothing of the decoder's state {full}: name it, with zeros for nothing", "bridge")


def _by_layer(states: Shapes) -> dict[str, dict[str, Shape]]:
    """States by the place of their layer, then by their name there, those of the backward direction as `reverse.h`."""
    found: dict[str, dict[str, Shape]] = {}
    for full, shape in states.items():
        place, _, name = full.rpartition(".")
        if place.endswith(f".{BACKWARD}"):
            place, name = place.removesuffix(f".{BACKWARD}"), f"{BACKWARD}.{name}"
        found.setdefault(place, {})[name] = shape
    return {place: own for place, own in found.items() if not set(own) <= set(OWN)}


def _layers(count: int) -> str:
    return "1 layer" if count == 1 else f"{count} layers"


def _said(shape: Shape) -> str:
    return f"{shape[0]} wide" if len(shape) == 1 else f"of shape {shape}"
