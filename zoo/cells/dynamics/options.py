"""Options, closed forms and records of cells that discretise a differential equation. Imports no torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final, Literal

from pydantic import Field

from zoo.cells.dynamics.records import described
from zoo.cells.dynamics.timed import TIMED
from zoo.cells.options import BiasOption, gated
from zoo.cells.records import record
from zoo.components import Count, Description, Options, Shape, Traits, features

Step = Annotated[float, Field(gt=0, description="Step Δt of the discretisation, the same at every step of a sequence.")]


class LEMOptions(Options):
    """Options of the long expressive memory."""

    bias: BiasOption = "one"
    dt: Step = 1.0


class CoRNNOptions(Options):
    """Options of the coupled oscillatory network; the values are those of the official code for sequential MNIST."""

    discretisation: Literal["explicit", "imex"] = Field(
        "explicit", description="Damping computed from the old velocity z ('explicit') or from the new one ('imex')."
    )
    dt: Step = 0.042
    gamma: float = Field(
        2.7, gt=0, description="γ, the strength of the restoring force on y, which sets the oscillators' frequency."
    )
    epsilon: float = Field(4.7, gt=0, description="ε, the damping coefficient of the velocity z.")


class UnICORNNOptions(Options):
    """Options of the undamped oscillatory network; the values are those of the official code for permuted MNIST."""

    dt: Step = 0.19
    alpha: float = Field(
        30.65,
        ge=0,
        description="α, the strength of the restoring force on y, which sets the oscillators' frequency.",
    )


class AntisymmetricOptions(Options):
    """Options of the antisymmetric network."""

    gated: bool = Field(False, description="Multiply each step by an input gate that shares the antisymmetric matrix.")
    epsilon: float = Field(0.01, gt=0, description="ε, the step size of the Euler method.")
    gamma: float = Field(
        0.01, ge=0, description="γ, the diffusion coefficient: γ I is subtracted from the recurrent matrix."
    )
    sigma: float = Field(
        1.0, gt=0, description="The recurrent matrix is initialised with standard deviation sigma / √H."
    )


class LipschitzOptions(Options):
    """Options of the Lipschitz network; the values are those of the official code for sequential MNIST."""

    integrator: Literal["euler", "rk2"] = Field(
        "euler", description="Integration scheme: 'euler', forward Euler, or 'rk2', the midpoint rule."
    )
    epsilon: float = Field(0.03, gt=0, description="ε, the step size.")
    beta: float = Field(0.75, ge=0, le=1, description="β, the weight of the skew-symmetric part of both matrices.")
    gamma: float = Field(0.001, ge=0, description="γ, the diffusion coefficient: γ I is subtracted from both matrices.")
    std: float = Field(0.1, gt=0, description="The recurrent matrices are initialised with standard deviation std / H.")


class TauGRUOptions(Options):
    """Options of the gated recurrent unit with time-delay feedback."""

    bias: BiasOption = "one"
    delay: Annotated[int, Count] = Field(
        4, ge=1, le=1_000_000, description="Delay τ in steps: how many steps ago the delayed state was."
    )


def describe_lem(options: LEMOptions, input_shape: Shape, hidden_size: int) -> Description:
    return gated(4, options.bias, input_shape, hidden_size, hidden_size, depth=2, states=("y", "z"))


def describe_cornn(options: CoRNNOptions, input_shape: Shape, hidden_size: int) -> Description:
    return described(hidden_size, (features(input_shape) + 2 * hidden_size) * hidden_size, hidden_size, ("y", "z"))


def describe_unicornn(options: UnICORNNOptions, input_shape: Shape, hidden_size: int) -> Description:
    return described(hidden_size, features(input_shape) * hidden_size, 3 * hidden_size, ("y", "z"))


def describe_antisymmetric(options: AntisymmetricOptions, input_shape: Shape, hidden_size: int) -> Description:
    blocks = 2 if options.gated else 1
    products = (blocks * features(input_shape) + hidden_size) * hidden_size
    return described(hidden_size, products, blocks * hidden_size, ("h",))


def describe_lipschitz(options: LipschitzOptions, input_shape: Shape, hidden_size: int) -> Description:
    once, stages = features(input_shape) * hidden_size, 1 if options.integrator == "euler" else 2
    plain = described(hidden_size, once + 2 * hidden_size**2, hidden_size, ("h",), depth=stages)
    return replace(plain, macs_per_step=once + 2 * stages * hidden_size**2)


def describe_taugru(options: TauGRUOptions, input_shape: Shape, hidden_size: int) -> Description:
    plain = gated(4, options.bias, input_shape, hidden_size, hidden_size)
    return replace(plain, state={"h": (hidden_size,), "buffer": (options.delay, hidden_size)})


def antisymmetric_traits(options: AntisymmetricOptions) -> Traits:
    """Long Euler steps leave the stable region: the cell is then chaotic, in float32 too."""
    return Traits(low_precision=options.epsilon * max(1.0, options.sigma) <= 0.02)


def lem_traits(options: LEMOptions) -> Traits:
    """|y| stays within Δt / (2 − Δt), or 1 where Δt is at most 1.

    From 2 on, a state may turn over and be kept, or grow out of all numbers.
    """
    return Traits(bounded=options.dt < 2, low_precision=options.dt < 2)


def unicornn_traits(options: UnICORNNOptions) -> Traits:
    """y adds up; where Δt σ(c), with the initial c, is too much for stability, it grows out of all numbers."""
    return Traits(low_precision=options.dt**2 * (options.alpha + 1) < 14)


def cornn_traits(options: CoRNNOptions) -> Traits:
    """What drives z is a tanh, so y is bounded where the oscillator by itself comes to rest (the Jury criterion).

    Elsewhere it grows out of all numbers; and near there, what is lost at a step comes back for long.
    """
    damping = options.dt * options.epsilon
    pull = options.dt**2 * options.gamma
    most = 4 - 2 * damping if options.discretisation == "explicit" else 4 + 2 * damping
    return Traits(bounded=pull < most, low_precision=pull < most / 2)


CELLS: Final = (
    record(
        "lem",
        LEMOptions,
        "lem:LEM",
        family="dynamics",
        described_in="options",
        reference_in="dynamics",
        summary="Long expressive memory: two coupled states with learned time scales",
        paper="Rusch et al. 2022, Long expressive memory for sequence modeling, ICLR, arXiv:2110.04744",
        authority="official code: tk-rusch/LEM src/sMNIST/network.py",
        traits=lem_traits,
    ),
    record(
        "cornn",
        CoRNNOptions,
        "oscillators:CoRNN",
        family="dynamics",
        described_in="options",
        reference_in="dynamics",
        summary="Coupled oscillatory network: driven, damped oscillators, explicit or with implicit damping",
        paper="Rusch and Mishra 2021, Coupled oscillatory recurrent neural network (coRNN): an accurate and (gradient) "
        "stable architecture for learning long time dependencies, ICLR, arXiv:2010.00951",
        authority="official code: tk-rusch/coRNN sMNIST/network.py; imex: the paper's equation (3)",
        traits=cornn_traits,
    ),
    record(
        "unicornn",
        UnICORNNOptions,
        "oscillators:UnICORNN",
        family="dynamics",
        described_in="options",
        reference_in="dynamics",
        summary="Undamped independent oscillators with learned time scales",
        paper="Rusch and Mishra 2021, UnICORNN: a recurrent model for learning very long time dependencies, ICML, "
        "arXiv:2103.05487",
        authority="official code: tk-rusch/unicornn psMNIST/network.py",
        traits=unicornn_traits,
    ),
    record(
        "antisymmetric",
        AntisymmetricOptions,
        "stable:Antisymmetric",
        family="dynamics",
        described_in="options",
        reference_in="dynamics",
        summary="Antisymmetric network: Euler steps with an antisymmetric matrix, with an optional gate",
        paper="Chang et al. 2019, AntisymmetricRNN: a dynamical system view on recurrent neural networks, ICLR, "
        "arXiv:1902.09689",
        authority="the paper's equations (12) and (13)",
        traits=antisymmetric_traits,
    ),
    record(
        "lipschitz",
        LipschitzOptions,
        "stable:Lipschitz",
        family="dynamics",
        described_in="options",
        reference_in="dynamics",
        summary="Lipschitz network: a linear part and a tanh, both of matrices with a bounded symmetric part",
        paper="Erichson et al. 2021, Lipschitz recurrent neural networks, ICLR, arXiv:2006.12070",
        authority="official code: erichson/LipschitzRNN models.py",
        traits=Traits(),
    ),
    record(
        "taugru",
        TauGRUOptions,
        "taugru:TauGRU",
        family="dynamics",
        described_in="options",
        reference_in="dynamics",
        summary="Gated recurrent unit with weighted feedback of a state some steps back",
        paper="Erichson, Lim and Mahoney 2022, Gated recurrent neural networks with weighted time-delay feedback, "
        "preprint, arXiv:2212.00228",
        authority="the paper's discrete update of h, with u, z, g and a, from a secondary source",
    ),
    *TIMED,
)
