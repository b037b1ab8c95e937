"""Options, closed forms and records of gated cells and other nonlinear ones with vector states. Imports no torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from zoo.cells.gated.records import Nonlinearity
from zoo.cells.options import ALL_DROPOUTS, BiasOption, gated
from zoo.components import CellType, Description, Options, Shape, Traits, features


class MGUOptions(Options):
    """Options of the minimal gated unit."""

    bias: BiasOption = "one"


class JANETOptions(Options):
    """Options of the forget-gate LSTM."""

    bias: BiasOption = "one"
    beta: float = Field(1.0, description="β, subtracted from the forget gate's preactivation where it gates the input.")
    longest: int | None = Field(
        None,
        ge=3,
        description="Longest dependency expected, in steps, for chrono initialisation of the forget bias; no chrono "
        "initialisation if not given.",
    )

    @model_validator(mode="after")
    def _longest_needs_a_bias(self) -> Self:
        if self.longest is not None and self.bias == "none":
            raise ValueError("longest needs a bias: leave it out, or use bias: one or bias: two")
        return self


class LiGRUOptions(Options):
    """Options of the light gated recurrent unit."""

    norm: Literal["batch", "layer", "none"] = Field(
        "batch", description="Normalisation of the input products, 'batch' as in the paper; 'none' adds a bias instead."
    )
    nonlinearity: Nonlinearity = Field("relu", description="Activation function of the candidate state.")
    candidate_dropout: float = Field(
        0.0, ge=0, lt=1, description="Dropout rate on the candidate state, one mask per sequence, as in SpeechBrain."
    )


class IndRNNOptions(Options):
    """Options of the independently recurrent network."""

    nonlinearity: Nonlinearity = Field("relu", description="Activation function of the new state.")
    bias: Literal["one", "none"] = Field("one", description="'one' bias per unit as in the paper, or 'none'.")
    bound: float | None = Field(
        None,
        gt=0,
        description="Largest absolute recurrent weight, no bound if not given; the official code has γ^(1/T) for T "
        "steps, with γ near 5.",
    )


def describe_mgu(options: MGUOptions, input_shape: Shape, hidden_size: int) -> Description:
    return gated(2, options.bias, input_shape, hidden_size, hidden_size, depth=2)


def describe_janet(options: JANETOptions, input_shape: Shape, hidden_size: int) -> Description:
    return gated(2, options.bias, input_shape, hidden_size, hidden_size, states=("c",))


def describe_ligru(options: LiGRUOptions, input_shape: Shape, hidden_size: int) -> Description:
    vectors = (2 if options.norm == "none" else 4) * hidden_size
    plain = gated(2, "none", input_shape, hidden_size, hidden_size, vectors=vectors)
    # The running mean and variance of both products, and how many batches there were.
    return replace(plain, buffers=4 * hidden_size + 1) if options.norm == "batch" else plain


def describe_indrnn(options: IndRNNOptions, input_shape: Shape, hidden_size: int) -> Description:
    products = features(input_shape) * hidden_size
    return Description(
        output_shape=(hidden_size,),
        parameters=products + hidden_size * (2 if options.bias == "one" else 1),
        macs_per_step=products,
        state={"h": (hidden_size,)},
        sequential_depth=1,
    )


def janet_traits(options: JANETOptions) -> Traits:
    """What comes in is kept with more than it is forgotten: from β = 2 on the cell is chaotic, in float32 too."""
    return Traits(bounded=True, low_precision=options.beta <= 1.5)


def indrnn_traits(options: IndRNNOptions) -> Traits:
    """Whether a unit stays bounded.

    One that feeds back more of itself than there was grows out of all numbers, or latches where it hangs by a hair
    which way.
    """
    most = 1.05 if options.nonlinearity == "relu" else 1.0
    return Traits(bounded=options.nonlinearity == "tanh", low_precision=options.bound is None or options.bound <= most)


def ligru_traits(options: LiGRUOptions) -> Traits:
    return Traits(
        bounded=options.nonlinearity == "tanh",
        batch_statistics=options.norm == "batch",
        stochastic=options.candidate_dropout > 0,
    )


CELLS: Final = (
    CellType(
        name="mgu",
        options=MGUOptions,
        build="zoo.cells.gated.mgu:MGU",
        describe="zoo.cells.gated.options:describe_mgu",
        reference="zoo.references.gated:mgu",
        summary="Minimal gated unit: one gate serves as reset gate and update gate",
        paper="Zhou et al. 2016, Minimal gated unit for recurrent neural networks, International Journal of Automation "
        "and Computing 13(3), arXiv:1603.09420",
        authority="the paper's equations of the MGU",
        traits=Traits(bounded=True),
        dropouts=ALL_DROPOUTS,
        zoneout=True,
    ),
    CellType(
        name="janet",
        options=JANETOptions,
        build="zoo.cells.gated.janet:JANET",
        describe="zoo.cells.gated.options:describe_janet",
        reference="zoo.references.gated:janet",
        summary="Just another network: an LSTM with a forget gate only",
        paper="van der Westhuizen and Lasenby 2018, The unreasonable effectiveness of the forget gate, preprint, "
        "arXiv:1804.04849",
        authority="official code: JosvanderWesthuizen/janet",
        traits=janet_traits,
        dropouts=ALL_DROPOUTS,
        zoneout=True,
    ),
    CellType(
        name="ligru",
        options=LiGRUOptions,
        build="zoo.cells.gated.ligru:LiGRU",
        describe="zoo.cells.gated.options:describe_ligru",
        reference="zoo.references.gated:ligru",
        summary="Light gated recurrent unit: no reset gate, a relu candidate, batch norm on the input products",
        paper="Ravanelli et al. 2018, Light gated recurrent units for speech recognition, IEEE Transactions on "
        "Emerging Topics in Computational Intelligence 2(2), arXiv:1803.10225",
        authority="official code: speechbrain/speechbrain speechbrain/nnet/RNN.py",
        traits=ligru_traits,
        dropouts=ALL_DROPOUTS,
        zoneout=True,
    ),
    CellType(
        name="indrnn",
        options=IndRNNOptions,
        build="zoo.cells.gated.indrnn:IndRNN",
        describe="zoo.cells.gated.options:describe_indrnn",
        reference="zoo.references.gated:indrnn",
        summary="Independently recurrent network: each unit sees only its own previous state",
        paper="Li et al. 2018, Independently recurrent neural network (IndRNN): building a longer and deeper RNN, "
        "CVPR, arXiv:1803.04831",
        authority="official code: Sunnydreamrain/IndRNN_pytorch",
        traits=indrnn_traits,
        dropouts=ALL_DROPOUTS,
        zoneout=True,
    ),
)
