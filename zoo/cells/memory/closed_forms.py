"""Options and closed forms of relatives of the LSTM and of other cells with several states. Imports no torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from zoo.cells.options import Biases, BiasOption, gated
from zoo.components import Count, Description, NoOptions, Options, Shape, Width, features
from zoo.errors import ZooError


class SLSTMOptions(Options):
    """Options of the LSTM with a scalar memory."""

    heads: Annotated[int, Count] = Field(
        1, ge=1, description="Number of blocks of the block-diagonal recurrent matrices."
    )


class LSTM1997Options(Options):
    """Options of the first LSTM."""

    bias: BiasOption = "one"
    squashing: Literal["paper", "tanh"] = Field(
        "paper",
        description="Squashing functions g of the input and h of the memory: 'paper', logistic ones with range [−2, "
        "2] and [−1, 1], or 'tanh' as in later LSTMs.",
    )


class ResidualOptions(Options):
    """Options of the residual LSTM."""

    bias: BiasOption = "one"
    shortcut: Literal["linear", "identity"] = Field(
        "linear", description="Shortcut connection from the input to the output: a 'linear' map or the 'identity'."
    )


class MultiplicativeOptions(Options):
    """Options of the multiplicative LSTM."""

    bias: Literal["one", "none"] = Field("one", description="'one' bias in each gate, or 'none'.")
    weight_norm: bool = Field(
        False,
        description="Weight normalisation: rows of all four matrices as a gain times a direction (arXiv:1602.07868).",
    )


class WMCLSTMOptions(Options):
    """Options of the LSTM with working memory connections."""

    bias: BiasOption = "one"


class MemoryControlOptions(Options):
    """Options of the LSTM with a memory control vector."""

    bias: BiasOption = "one"


class NASOptions(Options):
    """Options of the cell from architecture search."""

    bias: Literal["one", "none"] = Field("none", description="'one' bias in the products of the state, or 'none'.")


class IntersectionOptions(Options):
    """Options of the intersection network."""

    forget_bias: float = Field(1.0, description="Initial value of both gates' biases.")


class MCLSTMOptions(Options):
    """Options of the mass-conserving LSTM."""

    mass: Annotated[int, Count] = Field(
        1,
        ge=1,
        description="Number of mass inputs; these are the first features of the input, the others are auxiliary.",
    )


class MogrifierOptions(Options):
    """Options of the mogrifier LSTM."""

    bias: BiasOption = "one"
    rounds: int = Field(
        5, ge=1, le=1000, description="Number of rounds in which x and h gate each other before a step, x first."
    )
    rank: Annotated[int, Width] | None = Field(
        None, ge=1, description="Rank of the mogrifier gates' matrices; full rank if not given."
    )


class ONLSTMOptions(Options):
    """Options of the LSTM with ordered neurons."""

    bias: BiasOption = "one"
    chunk_size: Annotated[int, Count] = Field(
        1, ge=1, description="Chunk size: units that share one value of the master gates."
    )


def describe_slstm(options: SLSTMOptions, input_shape: Shape, hidden_size: int) -> Description:
    products = 4 * hidden_size * (features(input_shape) + head_size(options.heads, hidden_size))
    states = ("y", "c", "n", "m")
    return _described(hidden_size, products, 4 * hidden_size, states)


def describe_lstm_1997(options: LSTM1997Options, input_shape: Shape, hidden_size: int) -> Description:
    return gated(3, options.bias, input_shape, hidden_size, hidden_size, states=("h", "c"))


def describe_residual_lstm(options: ResidualOptions, input_shape: Shape, hidden_size: int) -> Description:
    check_residual(options, input_shape, hidden_size)
    products = hidden_size * (hidden_size + (features(input_shape) if options.shortcut == "linear" else 0))
    return _lstm(4, options.bias, input_shape, hidden_size, products=products, vectors=3 * hidden_size, depth=2)


def describe_multiplicative_lstm(options: MultiplicativeOptions, input_shape: Shape, hidden_size: int) -> Description:
    products = hidden_size * (features(input_shape) + hidden_size)
    gains = 10 * hidden_size * options.weight_norm
    return _lstm(4, options.bias, input_shape, hidden_size, products=products, vectors=gains, depth=2)


def describe_wmc_lstm(options: WMCLSTMOptions, input_shape: Shape, hidden_size: int) -> Description:
    return _lstm(4, options.bias, input_shape, hidden_size, products=3 * hidden_size**2, depth=2)


def describe_memory_control_lstm(options: MemoryControlOptions, input_shape: Shape, hidden_size: int) -> Description:
    found = gated(5, options.bias, input_shape, hidden_size, hidden_size, states=("h", "v", "c"))
    return replace(found, fixed=frozenset({"h"}))


def describe_nas(options: NASOptions, input_shape: Shape, hidden_size: int) -> Description:
    return _lstm(8, options.bias, input_shape, hidden_size)


def describe_intersection(options: IntersectionOptions, input_shape: Shape, hidden_size: int) -> Description:
    width = features(input_shape)
    read_in = 0 if width == hidden_size else hidden_size * width
    vectors = 4 * hidden_size + (hidden_size if read_in else 0)
    found = _described(hidden_size, 8 * hidden_size**2 + read_in, vectors, ("y", "h"))
    return replace(found, fixed=frozenset({"y"}))


def describe_mclstm(options: MCLSTMOptions, input_shape: Shape, hidden_size: int) -> Description:
    rows = hidden_size * (hidden_size + options.mass + 1)
    products = rows * (auxiliary(options, input_shape) + hidden_size)
    return replace(_described(hidden_size, products, rows, ("h", "c"), depth=2), fixed=frozenset({"h"}))


def describe_mogrifier(options: MogrifierOptions, input_shape: Shape, hidden_size: int) -> Description:
    width, rank = features(input_shape), options.rank
    each = rank * (width + hidden_size) if rank else width * hidden_size
    vectors = (options.rounds + 1) // 2 * width + options.rounds // 2 * hidden_size
    depth = 1 + options.rounds * (2 if rank else 1)
    products = options.rounds * each
    return _lstm(4, options.bias, input_shape, hidden_size, products=products, vectors=vectors, depth=depth)


def describe_on_lstm(options: ONLSTMOptions, input_shape: Shape, hidden_size: int) -> Description:
    rows = 2 * chunks(options, hidden_size)
    products = rows * (features(input_shape) + hidden_size)
    vectors = 0 if options.bias == "none" else rows
    return _lstm(4, options.bias, input_shape, hidden_size, products=products, vectors=vectors)


def describe_elstm(options: NoOptions, input_shape: Shape, hidden_size: int) -> Description:
    products = hidden_size * (3 * features(input_shape) + hidden_size)
    return _described(hidden_size, products, 5 * hidden_size, ("c",))


def head_size(parts: int, hidden_size: int, name: str = "heads") -> int:
    """hidden_size / parts. Raises ZooError where that leaves a rest."""
    if hidden_size % parts:
        raise ZooError(f"{name} ({parts}) must divide hidden_size ({hidden_size})")
    return hidden_size // parts


def chunks(options: ONLSTMOptions, hidden_size: int) -> int:
    """How many values a master gate has. Raises ZooError where they are fewer than two, of which nothing is learned."""
    found = head_size(options.chunk_size, hidden_size, "chunk_size")
    if found < 2:
        raise ZooError(
            f"chunk_size ({options.chunk_size}) must leave two chunks or more of hidden_size ({hidden_size})"
        )
    return found


def check_residual(options: ResidualOptions, input_shape: Shape, hidden_size: int) -> None:
    """Raises ZooError where the input cannot be added as it is."""
    width = features(input_shape)
    if options.shortcut == "identity" and width != hidden_size:
        raise ZooError(
            f"shortcut: identity needs an input as wide as hidden_size ({hidden_size}), not {width}; "
            "use shortcut: linear"
        )


def auxiliary(options: MCLSTMOptions, input_shape: Shape) -> int:
    """How many features of the input are no mass. Raises ZooError where there are not enough features."""
    width = features(input_shape)
    if options.mass > width:
        raise ZooError(f"mass ({options.mass}) must be at most the number of input features ({width})")
    return width - options.mass


def _lstm(
    gates: int,
    bias: Biases,
    input_shape: Shape,
    hidden_size: int,
    *,
    products: int = 0,
    vectors: int = 0,
    depth: int = 1,
) -> Description:
    plain = gated(gates, bias, input_shape, hidden_size, hidden_size, products=products, vectors=vectors, depth=depth)
    return replace(plain, state=dict.fromkeys(("h", "c"), (hidden_size,)))


def _described(hidden_size: int, products: int, vectors: int, states: tuple[str, ...], depth: int = 1) -> Description:
    """The closed form of a cell whose states are all hidden_size wide.

    Args:
        hidden_size: Width of every state.
        products: Number of weights in products.
        vectors: Number of other parameters.
        states: Names of the states.
        depth: Dependent products per step.
    """
    return Description(
        output_shape=(hidden_size,),
        parameters=products + vectors,
        macs_per_step=products,
        state=dict.fromkeys(states, (hidden_size,)),
        sequential_depth=depth,
    )
