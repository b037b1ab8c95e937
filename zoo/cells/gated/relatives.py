"""Options, closed forms and records of relatives of the GRU with fewer or other gates. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from zoo.cells.gated.records import Nonlinearity, blocks, bounded_by_tanh
from zoo.cells.options import BiasOption, gated
from zoo.cells.records import record
from zoo.components import Description, NoOptions, Options, Shape, Traits, features
from zoo.errors import ZooError

Share = Annotated[float, Field(ge=0, lt=1, description="λ, the weight of the old state in the new one.")]


class STAROptions(Options):
    """Options of the stackable recurrent cell."""

    beta: float = Field(
        0.0, description="β, added to the gate's preactivation where it gates the input; the official code has 1."
    )
    longest: int | None = Field(
        None,
        ge=2,
        description="Longest dependency expected, in steps, for chrono initialisation of the gate's bias; no chrono "
        "initialisation if not given.",
    )


class UGRNNOptions(Options):
    """Options of the update gate network."""

    nonlinearity: Annotated[Nonlinearity, Field(description="Activation function of the candidate state.")] = "tanh"
    bias: Literal["two", "one"] = Field("one", description="'two' biases per gate as torch has, or 'one'.")
    forget_bias: float = Field(
        1.0, description="Initial value of the gate's bias; of the sum of both biases, if there are two."
    )


class MiRU1Options(Options):
    """Options of the minion recurrent unit with a reset gate."""

    bias: BiasOption = "one"
    lam: Share = 0.5


class MiRU2Options(Options):
    """Options of the minion recurrent unit without gates."""

    bias: BiasOption = "one"
    lam: Share = 0.5
    beta: float = Field(0.5, ge=0, le=1, description="β, the factor of the old state in the candidate state.")


class MUTOptions(Options):
    """Options of the mutated units in which the input stands by itself."""

    input: Literal["matrix", "identity"] = Field(
        "matrix",
        description="'matrix' for a product of the input, or 'identity' for the input itself, which must be as wide "
        "as the state.",
    )


def describe_star(options: STAROptions, input_shape: Shape, hidden_size: int) -> Description:
    return blocks(2, 1, 2, input_shape, hidden_size)


def describe_ugrnn(options: UGRNNOptions, input_shape: Shape, hidden_size: int) -> Description:
    return gated(2, options.bias, input_shape, hidden_size, hidden_size)


def describe_miru1(options: MiRU1Options, input_shape: Shape, hidden_size: int) -> Description:
    return gated(2, options.bias, input_shape, hidden_size, hidden_size, depth=2)


def describe_miru2(options: MiRU2Options, input_shape: Shape, hidden_size: int) -> Description:
    return gated(1, options.bias, input_shape, hidden_size, hidden_size)


def describe_mut1(options: MUTOptions, input_shape: Shape, hidden_size: int) -> Description:
    check_mut("mut1", options, input_shape, hidden_size)
    return blocks(2 if options.input == "identity" else 3, 2, 3, input_shape, hidden_size, depth=2)


def describe_mut2(options: MUTOptions, input_shape: Shape, hidden_size: int) -> Description:
    check_mut("mut2", options, input_shape, hidden_size)
    return blocks(2 if options.input == "identity" else 3, 3, 3, input_shape, hidden_size, depth=2)


def describe_mut3(options: NoOptions, input_shape: Shape, hidden_size: int) -> Description:
    return blocks(3, 3, 3, input_shape, hidden_size, depth=2)


def describe_br(options: NoOptions, input_shape: Shape, hidden_size: int) -> Description:
    return blocks(3, 0, 2, input_shape, hidden_size, vectors=2 * hidden_size)


def describe_nbr(options: NoOptions, input_shape: Shape, hidden_size: int) -> Description:
    return blocks(3, 2, 2, input_shape, hidden_size)


def describe_cfn(options: NoOptions, input_shape: Shape, hidden_size: int) -> Description:
    return blocks(3, 2, 2, input_shape, hidden_size)


def describe_lightru(options: NoOptions, input_shape: Shape, hidden_size: int) -> Description:
    return blocks(2, 1, 1, input_shape, hidden_size)


def describe_minimalrnn(options: NoOptions, input_shape: Shape, hidden_size: int) -> Description:
    return blocks(1, 2, 2, input_shape, hidden_size)


def describe_sgu(options: NoOptions, input_shape: Shape, hidden_size: int) -> Description:
    return blocks(2, 2, 2, input_shape, hidden_size)


def describe_dsgu(options: NoOptions, input_shape: Shape, hidden_size: int) -> Description:
    return blocks(2, 3, 2, input_shape, hidden_size, depth=2)


def check_mut(name: str, options: MUTOptions, input_shape: Shape, hidden_size: int) -> None:
    """Raises ZooError where the cell cannot have these sizes."""
    width = features(input_shape)
    if options.input == "identity" and width != hidden_size:
        raise ZooError(
            f"{name} with input: identity adds its input to its state: hidden_size must be {width}, that of its input, "
            f"not {hidden_size}; otherwise leave input at 'matrix'"
        )


BISTABLE: Final = (
    "Vecoven, Ernst and Drion 2021, A bio-inspired bistable recurrent cell allows for long-lasting memory, PLOS ONE "
    "16(6), arXiv:2006.05252"
)

SEARCHED: Final = (
    "Jozefowicz, Zaremba and Sutskever 2015, An empirical exploration of recurrent network architectures, ICML, "
    "https://proceedings.mlr.press/v37/jozefowicz15.html"
)

DEEP_GATE: Final = "Gao and Glowacka 2016, Deep gate recurrent neural network, ACML, arXiv:1604.02910"

MINION: Final = (
    "Zyarah and Kudithipudi 2026, Minion gated recurrent unit for continual learning, Neurocomputing 673, "
    "arXiv:2503.06175"
)

RELATIVES: Final = (
    record(
        "br",
        NoOptions,
        "bistable:BR",
        family="gated",
        reference_in="additive",
        described_in="relatives",
        summary="Bistable recurrent cell: each unit sees only its own previous state, and can be bistable",
        paper=BISTABLE,
        authority="official code: nvecoven/BRC cells/cells.py",
    ),
    record(
        "nbr",
        NoOptions,
        "bistable:NBR",
        family="gated",
        reference_in="additive",
        described_in="relatives",
        summary="Neuromodulated bistable recurrent cell: each unit's bistability is modulated by all units",
        paper=BISTABLE,
        authority="official code: nvecoven/BRC cells/cells.py",
    ),
    record(
        "cfn",
        NoOptions,
        "light:CFN",
        family="gated",
        reference_in="additive",
        described_in="relatives",
        summary="Chaos-free network: without an input, every state decays to zero",
        paper="Laurent and von Brecht 2017, A recurrent neural network without chaos, ICLR, arXiv:1612.06212",
        authority="the paper's equations of the CFN, from a secondary source",
    ),
    record(
        "lightru",
        NoOptions,
        "light:LightRU",
        family="gated",
        reference_in="additive",
        described_in="relatives",
        summary="Light recurrent unit: one gate, and a candidate that sees only the input",
        paper="Ye et al. 2024, Light recurrent unit: towards an interpretable recurrent neural network for modeling "
        "long-range dependency, Electronics 13(16), doi:10.3390/electronics13163204",
        authority="the paper's equations of the LRU, from a secondary source",
    ),
    record(
        "minimalrnn",
        NoOptions,
        "light:MinimalRNN",
        family="gated",
        reference_in="additive",
        described_in="relatives",
        summary="MinimalRNN: a gate between the old state and a map of the input",
        paper="Chen 2017, MinimalRNN: toward more interpretable and trainable recurrent neural networks, preprint, "
        "arXiv:1711.06788",
        authority="the paper's equations of MinimalRNN, from a secondary source",
    ),
    record(
        "star",
        STAROptions,
        "light:STAR",
        family="gated",
        reference_in="additive",
        described_in="relatives",
        summary="Stackable recurrent cell: one gate, and gradients that keep their magnitude through many layers",
        paper="Turkoglu et al. 2022, Gating revisited: deep multi-layer RNNs that can be trained, IEEE Transactions on "
        "Pattern Analysis and Machine Intelligence 44(8), arXiv:1911.11033",
        authority="the paper's equations; beta and initialisation, official code: 0zgur0/STAR_Network star.py",
    ),
    record(
        "ugrnn",
        UGRNNOptions,
        "update:UGRNN",
        family="gated",
        reference_in="updates",
        described_in="relatives",
        summary="Update gate network: one gate between the old state and a simple network",
        paper="Collins, Sohl-Dickstein and Sussillo 2017, Capacity and trainability in recurrent neural networks, "
        "ICLR, arXiv:1611.09913",
        authority="official code: tensorflow/tensorflow r1.15 tensorflow/contrib/rnn/python/ops/rnn_cell.py UGRNNCell",
        traits=bounded_by_tanh,
    ),
    record(
        "miru1",
        MiRU1Options,
        "update:MiRU1",
        family="gated",
        reference_in="updates",
        described_in="relatives",
        summary="Minion recurrent unit 1: a GRU with a constant update gate",
        paper=MINION,
        authority="the paper's equations of MiRU-1, from a secondary source",
    ),
    record(
        "miru2",
        MiRU2Options,
        "update:MiRU2",
        family="gated",
        reference_in="updates",
        described_in="relatives",
        summary="Minion recurrent unit 2: a GRU with two constant gates",
        paper=MINION,
        authority="the paper's equations of MiRU-2, from a secondary source",
    ),
    record(
        "mut1",
        MUTOptions,
        "mutated:MUT1",
        family="gated",
        reference_in="updates",
        described_in="relatives",
        summary="Mutated unit 1 of an evolutionary search: the update gate sees only the input",
        paper=SEARCHED,
        authority="the paper's equations of MUT1",
    ),
    record(
        "mut2",
        MUTOptions,
        "mutated:MUT2",
        family="gated",
        reference_in="updates",
        described_in="relatives",
        summary="Mutated unit 2 of an evolutionary search: the reset gate sees the input itself",
        paper=SEARCHED,
        authority="the paper's equations of MUT2",
    ),
    record(
        "mut3",
        NoOptions,
        "mutated:MUT3",
        family="gated",
        reference_in="updates",
        described_in="relatives",
        summary="Mutated unit 3 of an evolutionary search: the update gate sees the squashed state",
        paper=SEARCHED,
        authority="the paper's equations of MUT3",
    ),
    record(
        "sgu",
        NoOptions,
        "simple:SGU",
        family="gated",
        reference_in="updates",
        described_in="relatives",
        summary="Simple gated unit: the input multiplies the state",
        paper=DEEP_GATE,
        authority="the paper's equations of SGU",
        traits=Traits(),  # softplus of h is more than h
    ),
    record(
        "dsgu",
        NoOptions,
        "simple:DSGU",
        family="gated",
        reference_in="updates",
        described_in="relatives",
        summary="Deep simple gated unit: the input multiplies the state, followed by one more product",
        paper=DEEP_GATE,
        authority="the paper's equations of DSGU",
    ),
)
