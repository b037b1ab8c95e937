"""Options, closed forms and records of gated cells that are linear in their state, or nearly so. Imports no torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

from pydantic import Field

from zoo.cells.gated.records import blocks
from zoo.cells.records import record
from zoo.components import Description, NoOptions, Options, Shape, Traits, features

NO_DROPOUTS: Final[frozenset[str]] = frozenset()


class SRUOptions(Options):
    """Options of the simple recurrent unit."""

    peephole: bool = Field(
        True,
        description="Peephole connections from the old state to the gates, with weights v; without them the "
        "recurrence is linear.",
    )
    skip: Literal["scaled", "plain", "none"] = Field(
        "scaled",
        description="Highway connection of the input: 'scaled' by α = √(1 + 2 exp(highway_bias)), 'plain', or 'none'.",
    )
    highway_bias: float = Field(0.0, le=100, description="Initial value of the reset gate's bias.")


class QRNNOptions(Options):
    """Options of the quasi-recurrent network."""

    window: int = Field(
        2,
        ge=1,
        le=1000,
        description="Filter width k of the convolutions: how many inputs, up to the present one, the gates see.",
    )
    pooling: Literal["f", "fo", "ifo"] = Field(
        "fo", description="Gates of the pooling, by their first letters: forget (f), output (o), input (i)."
    )


def describe_trnn(options: NoOptions, input_shape: Shape, hidden_size: int) -> Description:
    return _windowed(2, 1, 1, "h", input_shape, hidden_size)


def describe_tgru(options: NoOptions, input_shape: Shape, hidden_size: int) -> Description:
    return _windowed(3, 3, 2, "h", input_shape, hidden_size)


def describe_tlstm(options: NoOptions, input_shape: Shape, hidden_size: int) -> Description:
    return _windowed(3, 3, 2, "c", input_shape, hidden_size)


def describe_qrnn(options: QRNNOptions, input_shape: Shape, hidden_size: int) -> Description:
    gates = 1 + len(options.pooling)
    return _windowed(gates, gates, options.window, "c", input_shape, hidden_size)


def describe_sru(options: SRUOptions, input_shape: Shape, hidden_size: int) -> Description:
    of_x = sru_blocks(options, input_shape, hidden_size)
    vectors, states = (2 * hidden_size, ("c", "r")) if options.peephole else (0, ("c",))
    found = blocks(of_x, 0, 2, input_shape, hidden_size, vectors=vectors, depth=int(options.peephole), states=states)
    return replace(found, fixed=frozenset(states[1:]))


def sru_blocks(options: SRUOptions, input_shape: Shape, hidden_size: int) -> int:
    """The blocks of products of x: one more where x is not as wide as the output that it is added to."""
    return 4 if options.skip != "none" and features(input_shape) != hidden_size else 3


def qrnn_traits(options: QRNNOptions) -> Traits:
    """With an input gate of its own, c adds up: f and i may both be 1."""
    return Traits(bounded=options.pooling != "ifo")


def _windowed(of_x: int, biased: int, width: int, state: str, input_shape: Shape, hidden_size: int) -> Description:
    wide = (width * features(input_shape),)
    return blocks(of_x, 0, biased, wide, hidden_size, depth=0, states=(state,))


STRONGLY_TYPED: Final = "Balduzzi and Ghifary 2016, Strongly-typed recurrent neural networks, ICML, arXiv:1602.02218"

TYPED: Final = (
    record(
        "trnn",
        NoOptions,
        "windowed:TRNN",
        family="gated",
        reference_in="typed",
        described_in="typed",
        summary="Strongly typed RNN: a gated average of linear maps of the inputs",
        paper=STRONGLY_TYPED,
        authority="the paper's equations of T-RNN, from a secondary source",
        traits=Traits(),
        dropouts=NO_DROPOUTS,
    ),
    record(
        "tgru",
        NoOptions,
        "windowed:TGRU",
        family="gated",
        reference_in="typed",
        described_in="typed",
        summary="Strongly typed GRU: gates see the last two inputs, not the state",
        paper=STRONGLY_TYPED,
        authority="the paper's equations of T-GRU, from a secondary source",
        traits=Traits(),
        dropouts=NO_DROPOUTS,
    ),
    record(
        "tlstm",
        NoOptions,
        "windowed:TLSTM",
        family="gated",
        reference_in="typed",
        described_in="typed",
        summary="Strongly typed LSTM: gates see the last two inputs, not the state",
        paper=STRONGLY_TYPED,
        authority="the paper's equations of T-LSTM, from a secondary source",
        traits=Traits(),
        dropouts=NO_DROPOUTS,
    ),
    record(
        "sru",
        SRUOptions,
        "sru:make",
        family="gated",
        reference_in="typed",
        described_in="typed",
        summary="Simple recurrent unit: a light recurrence with a highway connection for the input",
        paper="Lei et al. 2018, Simple recurrent units for highly parallelizable recurrence, EMNLP, arXiv:1709.02755",
        authority="official code: asappresearch/sru sru/ops.py, sru/modules.py",
        traits=Traits(),
        dropouts=NO_DROPOUTS,
    ),
    record(
        "qrnn",
        QRNNOptions,
        "windowed:QRNN",
        family="gated",
        reference_in="typed",
        described_in="typed",
        summary="Quasi-recurrent network: convolutions over the input, and a gated pooling over time",
        paper="Bradbury et al. 2017, Quasi-recurrent neural networks, ICLR, arXiv:1611.01576",
        authority="the paper's equations of its poolings",
        traits=qrnn_traits,
        dropouts=NO_DROPOUTS,
    ),
)
