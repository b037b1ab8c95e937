"""Options, closed forms and records of cells with direct paths for their state. Imports no torch."""

from __future__ import annotations

import math
from typing import Annotated, Final, Literal

from pydantic import Field

from zoo.cells.gated.records import Nonlinearity, blocks, bounded_by_tanh
from zoo.cells.options import BiasOption, gated
from zoo.cells.records import record
from zoo.components import Description, Options, Shape, Traits, Width, features

Bend = Annotated[Nonlinearity, Field(description="Activation function of the candidate state.")]


class RHNOptions(Options):
    """Options of the recurrent highway network."""

    depth: int = Field(3, ge=1, le=1000, description="Recurrence depth L: highway layers within one time step.")
    coupled: bool = Field(
        True, description="Couple the carry gate to the transform gate, c = 1 − t; otherwise c is a gate of its own."
    )
    transform_bias: float = Field(-2.0, description="Initial value of the transform gate's bias.")


class FastRNNOptions(Options):
    """Options of FastRNN."""

    nonlinearity: Bend = "tanh"
    alpha: float = Field(-3.0, description="Initial value of α; σ(α) is the weight of the candidate state.")
    beta: float = Field(3.0, description="Initial value of β; σ(β) is the weight of the old state.")


class FastGRNNOptions(Options):
    """Options of FastGRNN."""

    nonlinearity: Bend = "tanh"
    zeta: float = Field(
        1.0, description="Initial value of ζ; σ(ζ) is the weight of the candidate state where the gate is closed."
    )
    nu: float = Field(
        -4.0, description="Initial value of ν; σ(ν) is a constant weight of the candidate state, added to the gate's."
    )


class ATROptions(Options):
    """Options of the addition-subtraction twin-gated network."""

    bias: BiasOption = "two"


class RANOptions(Options):
    """Options of the recurrent additive network."""

    nonlinearity: Literal["tanh", "identity"] = Field(
        "tanh", description="Activation function between the memory and the output."
    )


class SGRNOptions(Options):
    """Options of the simple gated recurrent network."""

    bias: BiasOption = "one"


class SCRNOptions(Options):
    """Options of the structurally constrained network."""

    context_size: Annotated[int, Width] = Field(16, ge=1, description="Size of the slow context state.")
    alpha: float = Field(
        0.95,
        gt=0,
        lt=1,
        description="α, the decay factor of the slow context state: the fraction that is carried over at each step.",
    )
    adaptive: bool = Field(False, description="Learn α for each unit, with `alpha` as its initial value.")


class SURNNOptions(Options):
    """Options of the selective-update network."""

    bias: BiasOption = "one"
    harmonics: int = Field(
        4, ge=1, le=1000, description="K, the number of harmonics that each unit's gate is a sum of."
    )


def describe_rhn(options: RHNOptions, input_shape: Shape, hidden_size: int) -> Description:
    gates = 2 if options.coupled else 3
    deep = gates * options.depth
    return blocks(gates, deep, deep, input_shape, hidden_size, depth=options.depth, states=("s",))


def describe_fastrnn(options: FastRNNOptions, input_shape: Shape, hidden_size: int) -> Description:
    return blocks(1, 1, 1, input_shape, hidden_size, vectors=2)


def describe_fastgrnn(options: FastGRNNOptions, input_shape: Shape, hidden_size: int) -> Description:
    return blocks(1, 1, 2, input_shape, hidden_size, vectors=2)


def fastrnn_traits(options: FastRNNOptions) -> Traits:
    """What a candidate adds up to, σ(α) / (1 − σ(β)), is 1 by default; times far more the cell is chaotic."""
    gain = (1 + math.exp(min(options.beta, 700.0))) / (1 + math.exp(min(-options.alpha, 700.0)))
    return Traits(bounded=options.nonlinearity == "tanh", low_precision=gain <= 1.7)


def fastgrnn_traits(options: FastGRNNOptions) -> Traits:
    """Where z is 1, each step adds to h: σ(ν) of the candidate, and the cell is chaotic where that is much."""
    return Traits(low_precision=options.nu <= -3)


def describe_atr(options: ATROptions, input_shape: Shape, hidden_size: int) -> Description:
    return gated(1, options.bias, input_shape, hidden_size, hidden_size)


def describe_ran(options: RANOptions, input_shape: Shape, hidden_size: int) -> Description:
    return blocks(3, 2, 2, input_shape, hidden_size, states=("c",))


def describe_sgrn(options: SGRNOptions, input_shape: Shape, hidden_size: int) -> Description:
    return gated(1, options.bias, input_shape, hidden_size, hidden_size)


def describe_scrn(options: SCRNOptions, input_shape: Shape, hidden_size: int) -> Description:
    context = options.context_size
    products = (hidden_size + context) * features(input_shape) + hidden_size * (hidden_size + context)
    return Description(
        output_shape=(hidden_size + context,),
        parameters=products + context * options.adaptive,
        macs_per_step=products,
        state={"h": (hidden_size,), "s": (context,)},
        sequential_depth=2,
    )


def describe_surnn(options: SURNNOptions, input_shape: Shape, hidden_size: int) -> Description:
    K, H = options.harmonics, hidden_size
    return gated(1, options.bias, input_shape, H, H, products=2 * K * H, vectors=H + K)


FAST: Final = (
    "Kusupati et al. 2018, FastGRNN: a fast, accurate, stable and tiny kilobyte sized gated recurrent neural "
    "network, NeurIPS, arXiv:1901.02358"
)


def rhn_traits(options: RHNOptions) -> Traits:
    """With a carry gate of its own, s adds up: t and c may both be 1."""
    return Traits(bounded=options.coupled)


OTHERS: Final = (
    record(
        "rhn",
        RHNOptions,
        "rhn:RHN",
        family="gated",
        reference_in="updates",
        described_in="others",
        summary="Recurrent highway network: several highway layers between one step and the next",
        paper="Zilly et al. 2017, Recurrent highway networks, ICML, arXiv:1607.03474",
        authority="official code: jzilly/RecurrentHighwayNetworks rhn.py; uncoupled, the paper's equations",
        traits=rhn_traits,
    ),
    record(
        "fastrnn",
        FastRNNOptions,
        "fast:FastRNN",
        family="gated",
        reference_in="updates",
        described_in="others",
        summary="FastRNN: a simple network with a weighted residual connection",
        paper=FAST,
        authority="official code: microsoft/EdgeML pytorch/edgeml_pytorch/graph/rnn.py",
        traits=fastrnn_traits,
    ),
    record(
        "fastgrnn",
        FastGRNNOptions,
        "fast:FastGRNN",
        family="gated",
        reference_in="updates",
        described_in="others",
        summary="FastGRNN: one gate, which shares its matrices with the candidate",
        paper=FAST,
        authority="official code: microsoft/EdgeML pytorch/edgeml_pytorch/graph/rnn.py",
        traits=fastgrnn_traits,
    ),
    record(
        "atr",
        ATROptions,
        "additive:ATR",
        family="gated",
        reference_in="additive",
        described_in="others",
        summary="Addition-subtraction twin-gated network: both gates from one product of x and one of h",
        paper="Zhang et al. 2018, Simplifying neural machine translation with addition-subtraction twin-gated "
        "recurrent networks, EMNLP, arXiv:1810.12546",
        authority="official code: bzhangGo/ATR lm/pytorch-lm/rnn/atr.py",
        traits=Traits(),
    ),
    record(
        "ran",
        RANOptions,
        "additive:RAN",
        family="gated",
        reference_in="additive",
        described_in="others",
        summary="Recurrent additive network: a gated sum of linear maps of the inputs",
        paper="Lee, Levy and Zettlemoyer 2017, Recurrent additive networks, preprint, arXiv:1705.07393",
        authority="official code: kentonl/ran ran.py",
        traits=bounded_by_tanh,
    ),
    record(
        "sgrn",
        SGRNOptions,
        "additive:SGRN",
        family="gated",
        reference_in="additive",
        described_in="others",
        summary="Simple gated recurrent network: one gate, whose input product is the candidate too",
        paper="Zu and Wei 2021, A simple gated recurrent network for detection of power quality disturbances, IET "
        "Generation, Transmission & Distribution 15(4), doi:10.1049/gtd2.12056",
        authority="the paper's equations, from a secondary source: as torchrecurrent's SGRNCell has them",
    ),
    record(
        "scrn",
        SCRNOptions,
        "scrn:SCRN",
        family="gated",
        reference_in="additive",
        described_in="others",
        summary="Structurally constrained network: a slow, linear context beside a simple network",
        paper="Mikolov et al. 2015, Learning longer memory in recurrent neural networks, ICLR workshop, "
        "arXiv:1412.7753",
        authority="the paper's equations; initialisation from facebookarchive/SCRNNs util.lua",
        traits=Traits(),
    ),
    record(
        "surnn",
        SURNNOptions,
        "selective:SURNN",
        family="gated",
        reference_in="selective",
        described_in="others",
        summary="Selective-update network: each unit keeps its state except where its own periodic gate opens",
        paper="Yin et al. 2026, Efficient sparse selective-update RNNs for long-range sequence modeling, preprint, "
        "arXiv:2603.02226",
        authority="the paper's equations of h and g, from a secondary source: RecurrentLayers.jl, issue 167",
    ),
)
