"""What is known of a component, or of a stack of them, without building it: promises, shapes, sizes and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from zoo.components.windows import Window
from zoo.errors import ZooError

Shape = tuple[int, ...]


def features(shape: Shape) -> int:
    """The width of flat features.

    Args:
        shape: Of one step.

    Returns:
        Its only size.

    Raises:
        ZooError: If the shape is that of maps, which most components cannot read.
    """
    if len(shape) != 1:
        raise ZooError(f"needs flat features at each step, not maps of shape {shape}")
    return shape[0]


def concatenated(shapes: Sequence[Shape]) -> Shape:
    """The shape of several outputs side by side.

    Args:
        shapes: Of one step of each.

    Returns:
        That of one step, whose first size is the sum of theirs.

    Raises:
        ZooError: If they differ beside their first size.
    """
    first = shapes[0]
    if any(shape[1:] != first[1:] for shape in shapes):
        listed = ", ".join(map(str, shapes))
        raise ZooError(f"only features and channels can be concatenated, and the shapes are {listed}")
    return (sum(shape[0] for shape in shapes), *first[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a component promises. The checks hold it to that, and skip what it does not promise.

    Attributes:
        causal: No output depends on a later input.
        streamable: A sequence can be cut anywhere and resumed from its state.
        stochastic: Random numbers are drawn while training, beyond the dropout that the format itself defines.
        batch_statistics: Sequences of a batch influence each other while training.
        bounded: A cell's outputs stay within a bound that its parameters set, however large its input and however long
            the sequence. A component without memory (an input, a norm, a linear layer, a pool, a head) is bounded if
            bounded inputs give bounded outputs, however long the sequence, so that it stays bounded behind a bounded
            cell. Gaps (`dt`) are held fixed.
        second_order: Second derivatives are correct.
        low_precision: With weights in bfloat16, and under autocast, outputs stay within 2% of float64 over 1000 steps.
    """

    causal: bool = True
    streamable: bool = True
    stochastic: bool = False
    batch_statistics: bool = False
    bounded: bool = False
    second_order: bool = True
    low_precision: bool = True

    def __and__(self, other: Traits) -> Traits:
        """The traits of two components one after the other."""
        return Traits(
            causal=self.causal and other.causal,
            streamable=self.streamable and other.streamable,
            stochastic=self.stochastic or other.stochastic,
            batch_statistics=self.batch_statistics or other.batch_statistics,
            bounded=self.bounded and other.bounded,
            second_order=self.second_order and other.second_order,
            low_precision=self.low_precision and other.low_precision,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A component's size and cost in closed form.

    It is written apart from the module, so that each can be held against the other.

    Attributes:
        output_shape: Of one step, without batch and time.
        parameters: Number of trainable numbers that the component adds. A tied weight counts where it is owned.
        macs_per_step: Multiply-adds of matrix products per sequence and time step. Elementwise work is not counted.
        macs_per_sequence: Multiply-adds of what is done once per sequence, whatever its length.
        state: Shape of each state for one sequence, by name. Complex numbers have a last axis of 2.
        fixed: States whose initial value cannot be learned, see `zoo.StateSpec`.
        sequential_depth: Dependent matrix products (or stages) per time step that cannot run in parallel over time.
        vocabulary: Number of symbols that an input embeds. None where it embeds none.
        buffers: Number of numbers that are kept but not trained (torch's buffers), such as fixed weights and running
            averages.
        frozen: Number of those that are not trained, where the spec says so; they are not among `parameters`.
        windows: Of a layer that looks at several steps at a time: from its steps to those of its output. Multiply-adds
            per step are then those of a step of the layer's output.
        macs_per: Of an architecture: multiply-adds for each step of a stack's output, by `("encoder",)`, or for each
            pair of steps of two stacks, by `("encoder", "decoder")`.
        named: Of a cell: how many numbers each of its parameters has, by its name. Two directions of a layer can then
            `share` some of them by name; without it, all or none.
    """

    output_shape: Shape
    parameters: int
    macs_per_step: int = 0
    macs_per_sequence: int = 0
    state: Mapping[str, Shape] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()
    sequential_depth: int = 0
    vocabulary: int | None = None
    buffers: int = 0
    frozen: int = 0
    windows: tuple[Window, ...] = ()
    macs_per: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    named: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackDescription:
    """What is known of one stack of an architecture when it describes what it adds.

    Attributes:
        input: How the input describes itself.
        layers: How each layer describes itself, in order.
        head: How the head describes itself. None where there is no head, or there are several.
        output_shape: Of one step, or of one sequence behind a pool.
        windows: Those that change the number of steps.
        names: The name of each layer, or None.
    """

    input: Description
    layers: tuple[Description, ...]
    head: Description | None
    output_shape: Shape
    windows: tuple[Window, ...] = ()
    names: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What an architecture joins to the features that flow through one of its stacks.

    Attributes:
        layers: Number of features that are joined to the input of a recurrent layer, by the layer's position. They pass
            the dropout and the norm in front of the cell, and are no part of the residual.
        head: Number of features that are joined to the input of the head.
        instead: The head reads these alone, and nothing of the last layer.

    Example:
        >>> zoo.Beside(layers={1: 1024}).head
        0
    """

    layers: Mapping[int, int] = field(default_factory=dict)
    head: int = 0
    instead: bool = False

    def head_shape(self, shape: Shape) -> Shape:
        """The shape of a step of the head's input.

        Args:
            shape: Of a step of the last layer's output.

        Returns:
            That shape, wider by what is joined to it.
        """
        return shape if not self.head else (self.head,) if self.instead else (features(shape) + self.head,)
