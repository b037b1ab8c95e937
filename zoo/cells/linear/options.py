"""Options, closed forms and records of cells that are linear and elementwise in their state. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from zoo.components import CellType, Count, Description, Options, Shape, features
from zoo.errors import ZooError

Bias = Annotated[Literal["one", "none"], Field(description="'one' bias as in the paper, or 'none'.")]
Candidate = Annotated[
    Literal["positive", "linear"],
    Field(description="'positive': x + 1/2 where x ≥ 0, else σ(x), as log space needs; 'linear': x itself."),
]


class MinGRUOptions(Options):
    """Options of the minimal GRU."""

    bias: Bias = "one"
    candidate: Candidate = "positive"


class MinLSTMOptions(Options):
    """Options of the minimal LSTM."""

    bias: Bias = "one"
    candidate: Candidate = "positive"


class RGLRUOptions(Options):
    """Options of the real-gated linear recurrent unit."""

    heads: Annotated[int, Count] = Field(1, ge=1, description="Number of blocks of the gates' block-diagonal matrices.")


class LRUOptions(Options):
    """Options of the linear recurrent unit: its initial eigenvalues."""

    r_min: float = Field(0.0, ge=0, lt=1, description="Smallest initial magnitude of the eigenvalues.")
    r_max: float = Field(1.0, gt=0, le=1, description="Largest initial magnitude of the eigenvalues.")
    max_phase: float = Field(
        6.283185307179586,
        gt=0,
        le=6.283185307179587,
        description="Largest initial phase of the eigenvalues, in radians.",
    )

    @model_validator(mode="after")
    def _a_ring(self) -> Self:
        if self.r_min >= self.r_max:
            raise ValueError(f"r_min ({self.r_min}) must be less than r_max ({self.r_max})")
        return self


def describe_mingru(options: MinGRUOptions, input_shape: Shape, hidden_size: int) -> Description:
    return _of_input(2, options.bias, input_shape, hidden_size)


def describe_minlstm(options: MinLSTMOptions, input_shape: Shape, hidden_size: int) -> Description:
    return _of_input(3, options.bias, input_shape, hidden_size)


def describe_rglru(options: RGLRUOptions, input_shape: Shape, hidden_size: int) -> Description:
    check_rglru(options, input_shape, hidden_size)
    products = 2 * hidden_size * (hidden_size // options.heads)
    return Description(
        output_shape=(hidden_size,),
        parameters=products + 3 * hidden_size,
        macs_per_step=products,
        state={"h": (hidden_size,)},
    )


def describe_lru(options: LRUOptions, input_shape: Shape, hidden_size: int) -> Description:
    width = features(input_shape)
    product = hidden_size * width
    named = dict.fromkeys(("nu_log", "theta_log", "gamma_log"), hidden_size) | {"D": width}
    named |= dict.fromkeys(("B_re", "B_im", "C_re", "C_im"), product)
    return Description(
        output_shape=(width,),
        parameters=sum(named.values()),
        macs_per_step=4 * product,
        state={"h": (hidden_size, 2)},
        named=named,
    )


def check_rglru(options: RGLRUOptions, input_shape: Shape, hidden_size: int) -> None:
    """Raises ZooError where the cell cannot have these sizes."""
    width = features(input_shape)
    if width != hidden_size:
        raise ZooError(
            f"rglru needs hidden_size to equal the width of its input, {width}, not {hidden_size}; "
            f"for another one, put a layer {{kind: linear, size: {hidden_size}}} in front"
        )
    if hidden_size % options.heads:
        raise ZooError(f"heads ({options.heads}) must divide hidden_size ({hidden_size})")


def _of_input(gates: int, bias: str, input_shape: Shape, hidden_size: int) -> Description:
    """Gates that see the input alone."""
    products = gates * hidden_size * features(input_shape)
    return Description(
        output_shape=(hidden_size,),
        parameters=products + gates * hidden_size * (bias == "one"),
        macs_per_step=products,
        state={"h": (hidden_size,)},
    )


NEEDED: Final = "Feng et al. 2024, Were RNNs all we needed?, preprint, arXiv:2410.01201"

CELLS: Final = (
    CellType(
        name="mingru",
        options=MinGRUOptions,
        build="zoo.cells.linear.minimal:MinGRU",
        describe="zoo.cells.linear.options:describe_mingru",
        reference="zoo.references.linear:mingru",
        summary="Minimal GRU: gate and candidate see only the input",
        paper=NEEDED,
        authority="the paper's appendix B",
        zoneout=True,
    ),
    CellType(
        name="minlstm",
        options=MinLSTMOptions,
        build="zoo.cells.linear.minimal:MinLSTM",
        describe="zoo.cells.linear.options:describe_minlstm",
        reference="zoo.references.linear:minlstm",
        summary="Minimal LSTM: gates and candidate see only the input, and the gates sum to one",
        paper=NEEDED,
        authority="the paper's appendix B",
        zoneout=True,
    ),
    CellType(
        name="rglru",
        options=RGLRUOptions,
        build="zoo.cells.linear.rglru:RGLRU",
        describe="zoo.cells.linear.options:describe_rglru",
        reference="zoo.references.linear:rglru",
        summary="Real-gated linear recurrent unit, the recurrence of Griffin and RecurrentGemma",
        paper="De et al. 2024, Griffin: mixing gated linear recurrences with local attention for efficient language "
        "models, preprint, arXiv:2402.19427",
        authority="official code: google-deepmind/recurrentgemma recurrentgemma/torch/layers.py",
        zoneout=True,
    ),
    CellType(
        name="lru",
        options=LRUOptions,
        build="zoo.cells.linear.lru:LRU",
        describe="zoo.cells.linear.options:describe_lru",
        reference="zoo.references.linear:lru",
        summary="Linear recurrent unit: a complex diagonal recurrence between two linear maps",
        paper="Orvieto et al. 2023, Resurrecting recurrent neural networks for long sequences, ICML, arXiv:2303.06349",
        authority="the paper's appendix A",
        zoneout=True,
    ),
)
