"""Options, closed forms and records of state-space cells and of a gated one. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from zoo.components import CellType, Count, Description, Options, Shape, Traits, Width, features
from zoo.errors import ZooError


class S5Options(Options):
    """Options of the simplified structured state space."""

    discretisation: Literal["zoh", "bilinear"] = Field(
        "zoh",
        description="Discretisation of the continuous system: 'zoh', zero-order hold, or 'bilinear', Tustin's method.",
    )
    blocks: Annotated[int, Count] = Field(
        1, ge=1, description="Number of HiPPO blocks that the state matrix is initialised with."
    )
    dt_min: float = Field(0.001, gt=0, description="Smallest initial time step Δ.")
    dt_max: float = Field(0.1, gt=0, description="Largest initial time step Δ.")
    feedthrough: bool = Field(True, description="Add D ⊙ x to the output, which two directions would add twice.")
    max_real: float | None = Field(
        None,
        lt=0,
        examples=[-1.0],
        description="Upper bound of the real parts of Λ, so that no state can grow; none if not given.",
    )

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        if self.dt_min >= self.dt_max:
            raise ValueError(f"dt_min ({self.dt_min}) must be less than dt_max ({self.dt_max})")
        return self


class LinOSSOptions(Options):
    """Options of the linear oscillatory state space."""

    discretisation: Literal["im", "imex"] = Field(
        "im", description="'im', implicit, which dissipates energy, or 'imex', implicit-explicit, which conserves it."
    )


class MambaOptions(Options):
    """Options of the selective state space with its convolution."""

    state_size: Annotated[int, Width] = Field(16, ge=1, description="State size N of each feature.")
    kernel: int = Field(
        4, ge=1, le=1000, description="Kernel size of the causal convolution, the present step included."
    )
    rank: Annotated[int, Width] | None = Field(
        None,
        ge=1,
        description="Rank of the projection that gives the time steps Δ; a sixteenth of the input's width if not "
        "given.",
    )


class HGRNOptions(Options):
    """Options of the hierarchically gated recurrent network."""

    lower_bound: float = Field(0.0, ge=0, lt=1, description="Lower bound of the forget gate.")
    learned_bound: bool = Field(
        False, description="Learn a lower bound of each feature, rising from layer to layer over all that say so."
    )
    norm_eps: float = Field(1e-5, gt=0, description="ε, added to the mean square in the output's norm.")

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if self.learned_bound and self.lower_bound:
            raise ValueError("lower_bound is a fixed one, and learned_bound learns it: give one of them")
        return self


def describe_s5(options: S5Options, input_shape: Shape, hidden_size: int) -> Description:
    check_s5(options, hidden_size)
    width = features(input_shape)
    product = 2 * hidden_size * width
    named = dict.fromkeys(("Lambda_re", "Lambda_im", "log_step"), hidden_size) | {"B": product, "C": product}
    named |= {"D": width} if options.feedthrough else {}
    return Description(
        output_shape=(width,),
        parameters=sum(named.values()),
        macs_per_step=2 * product,
        state={"h": (hidden_size, 2)},
        named=named,
    )


def describe_linoss(options: LinOSSOptions, input_shape: Shape, hidden_size: int) -> Description:
    width = features(input_shape)
    products = 4 * hidden_size * width
    return Description(
        output_shape=(width,),
        parameters=products + 2 * hidden_size + width,
        macs_per_step=products,
        state={"y": (hidden_size, 2), "z": (hidden_size, 2)},
    )


def describe_mamba(options: MambaOptions, input_shape: Shape, hidden_size: int) -> Description:
    width, size, rank = features(input_shape), options.state_size, mamba_rank(options, input_shape)
    products = hidden_size * (2 * width + 2 * rank + 2 * size)
    return Description(
        output_shape=(hidden_size,),
        parameters=products + hidden_size * (options.kernel + size + 3),
        macs_per_step=products + hidden_size * size,
        macs_per_sequence=(options.kernel - 1) * hidden_size * width,  # what the convolution sees of the steps before
        state={"h": (hidden_size, size)},
    )


def describe_hgrn(options: HGRNOptions, input_shape: Shape, hidden_size: int) -> Description:
    products = 3 * hidden_size * features(input_shape)
    return Description(
        output_shape=(hidden_size,),
        parameters=products + (1 + options.learned_bound) * hidden_size,
        macs_per_step=products,
        state={"h": (hidden_size,)},
    )


def check_s5(options: S5Options, hidden_size: int) -> None:
    """Raises ZooError where the state cannot be cut into its blocks."""
    if hidden_size % options.blocks:
        raise ZooError(f"blocks ({options.blocks}) must divide hidden_size ({hidden_size})")


def mamba_rank(options: MambaOptions, input_shape: Shape) -> int:
    return options.rank or -(-features(input_shape) // 16)


SPACES: Final = (
    CellType(
        name="s5",
        options=S5Options,
        build="zoo.cells.linear.s5:S5",
        describe="zoo.cells.linear.spaces:describe_s5",
        reference="zoo.references.spaces:s5",
        summary="Simplified structured state space: one complex diagonal recurrence for all features",
        paper="Smith, Warrington and Linderman 2023, Simplified state space layers for sequence modeling, ICLR, "
        "arXiv:2208.04933",
        authority="official code: lindermanlab/S5 s5/ssm.py",
        zoneout=True,
    ),
    CellType(
        name="linoss",
        options=LinOSSOptions,
        build="zoo.cells.linear.linoss:LinOSS",
        describe="zoo.cells.linear.spaces:describe_linoss",
        reference="zoo.references.spaces:linoss",
        summary="Linear oscillatory state space: forced harmonic oscillators between two linear maps",
        paper="Rusch and Rus 2025, Oscillatory state-space models, ICLR, arXiv:2410.03943",
        authority="official code: tk-rusch/linoss models/LinOSS.py",
        zoneout=True,
    ),
    CellType(
        name="mamba",
        options=MambaOptions,
        build="zoo.cells.linear.mamba:Mamba",
        describe="zoo.cells.linear.spaces:describe_mamba",
        reference="zoo.references.spaces:mamba",
        summary="Selective state space (S6) with the convolution and the gate of its block",
        paper="Gu and Dao 2024, Mamba: linear-time sequence modeling with selective state spaces, COLM, "
        "arXiv:2312.00752",
        authority="official code: state-spaces/mamba mamba_ssm/modules/mamba_simple.py",
        traits=Traits(bounded=False),
        zoneout=True,
    ),
    CellType(
        name="hgrn",
        options=HGRNOptions,
        build="zoo.cells.linear.hgrn:HGRN",
        describe="zoo.cells.linear.spaces:describe_hgrn",
        reference="zoo.references.spaces:hgrn",
        summary="Hierarchically gated recurrent network: its forget gate has a lower bound and sees only the input",
        paper="Qin, Yang and Zhong 2023, Hierarchically gated recurrent neural network for sequence modeling, NeurIPS, "
        "arXiv:2311.04823",
        authority="official code: fla-org/flash-linear-attention fla/layers/hgrn.py",
        zoneout=True,
        peers="learned_bound",
    ),
)
