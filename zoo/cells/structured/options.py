"""Options, closed forms and records of cells whose recurrent matrix has a structure of its own. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from zoo.cells.options import ALL_DROPOUTS
from zoo.components import CellType, Description, Options, Shape, Traits, Width, features


class LMUOptions(Options):
    """Options of the Legendre memory unit."""

    # To make the cell takes the exponential of a matrix of that many rows: a second at the most, and the cube beyond.
    order: Annotated[int, Width] = Field(
        16, ge=1, le=1000, description="Order of the memory: how many Legendre polynomials represent the window."
    )
    theta: float = Field(100.0, gt=0, description="θ, the length of the memory's sliding window, in steps.")
    discretisation: Literal["zoh", "euler"] = Field(
        "zoh",
        description="Discretisation of the continuous system: 'zoh', zero-order hold, is exact; 'euler' needs theta "
        "well above order.",
    )


class OrthogonalOptions(Options):
    """Options of the orthogonal recurrent network."""

    parametrisation: Literal["exp", "cayley"] = Field(
        "exp",
        description="Map to orthogonal matrices: 'exp', the matrix exponential, or 'cayley', the Cayley transform.",
    )
    initialisation: Literal["cayley", "henaff"] = Field(
        "cayley",
        description="Initial skew-symmetric entries: 'cayley', −tan(u / 2) for u in [0, π/2], 'henaff', in [−π, π]; "
        "uniform.",
    )


class SRNNOptions(Options):
    """Options of the shuffling recurrent network."""

    hyper_size: Annotated[int, Width] = Field(64, ge=1, description="Width of the hidden layers of the input network.")
    depth: int = Field(1, ge=1, le=1000, description="Number of hidden layers of the input network.")
    gate: bool = Field(True, description="Multiply the input network's output by a gate of the input.")


class PLRNNOptions(Options):
    """Options of the piecewise-linear recurrent network."""

    mean_centring: bool = Field(False, description="Subtract the mean over the units before they are rectified.")


class ESNOptions(Options):
    """Options of the echo state network's reservoir."""

    leak: float = Field(1.0, gt=0, le=1, description="Leaking rate: the weight of the new value at each step.")
    spectral_radius: float = Field(0.9, ge=0, description="Spectral radius of the recurrent matrix.")
    input_scaling: float = Field(1.0, gt=0, description="Scale of the input weights.")
    bias_scaling: float = Field(0.0, ge=0, description="Scale of the bias.")
    connectivity: float = Field(1.0, gt=0, le=1, description="Fraction of recurrent weights that are not zero.")
    input_connectivity: float = Field(1.0, gt=0, le=1, description="Fraction of input weights that are not zero.")


def describe_lmu(options: LMUOptions, input_shape: Shape, hidden_size: int) -> Description:
    width, order = features(input_shape), options.order
    weights = (hidden_size + 1) * (width + hidden_size + order)
    return Description(
        output_shape=(hidden_size,),
        parameters=weights,
        macs_per_step=weights + order * order,
        buffers=order * order + order,
        state={"h": (hidden_size,), "m": (order,)},
        sequential_depth=2,
    )


def describe_orthogonal(options: OrthogonalOptions, input_shape: Shape, hidden_size: int) -> Description:
    products = hidden_size * features(input_shape)
    return Description(
        output_shape=(hidden_size,),
        parameters=products + hidden_size * (hidden_size - 1) // 2 + hidden_size,
        macs_per_step=products + hidden_size * hidden_size,
        state={"h": (hidden_size,)},
        sequential_depth=1,
    )


def describe_srnn(options: SRNNOptions, input_shape: Shape, hidden_size: int) -> Description:
    width, inner = features(input_shape), options.hyper_size
    products = inner * (width + (options.depth - 1) * inner + hidden_size) + options.gate * hidden_size * width
    return Description(
        output_shape=(hidden_size,),
        parameters=products + options.depth * inner + (1 + options.gate) * hidden_size,
        macs_per_step=products,
        state={"h": (hidden_size,)},
    )


def describe_plrnn(options: PLRNNOptions, input_shape: Shape, hidden_size: int) -> Description:
    products = hidden_size * (features(input_shape) + hidden_size)
    return Description(
        output_shape=(hidden_size,),
        parameters=products + hidden_size,
        macs_per_step=products,
        state={"z": (hidden_size,)},
        sequential_depth=1,
    )


def esn_traits(options: ESNOptions) -> Traits:
    """A reservoir far beyond a spectral radius of one has no echo state, and is chaotic."""
    return Traits(bounded=True, low_precision=options.spectral_radius <= 1.25)


def describe_esn(options: ESNOptions, input_shape: Shape, hidden_size: int) -> Description:
    return Description(
        output_shape=(hidden_size,),
        parameters=0,
        buffers=hidden_size * (features(input_shape) + hidden_size + 1),
        macs_per_step=hidden_size * (features(input_shape) + hidden_size),
        state={"x": (hidden_size,)},
        sequential_depth=1,
    )


CELLS: Final = (
    CellType(
        name="lmu",
        options=LMUOptions,
        build="zoo.cells.structured.lmu:LMU",
        describe="zoo.cells.structured.options:describe_lmu",
        reference="zoo.references.structured:lmu",
        summary="Legendre memory unit: a fixed linear memory of a sliding window beside a simple network",
        paper="Voelker, Kajić and Eliasmith 2019, Legendre memory units: continuous-time representation in recurrent "
        "neural networks, NeurIPS, "
        "https://papers.nips.cc/paper/2019/hash/952285b9b7e7a1be5aa7849f32ffff05-Abstract.html",
        authority="the paper's equations (1) to (7); official code: nengo/keras-lmu keras_lmu/layers.py",
        traits=Traits(bounded=True),
        dropouts=ALL_DROPOUTS,
        zoneout=True,
    ),
    CellType(
        name="orthogonal",
        options=OrthogonalOptions,
        build="zoo.cells.structured.orthogonal:Orthogonal",
        describe="zoo.cells.structured.options:describe_orthogonal",
        reference="zoo.references.structured:orthogonal",
        summary="Orthogonal recurrent network: the recurrent matrix is the exponential of a skew-symmetric one",
        paper="Lezcano-Casado and Martínez-Rubio 2019, Cheap orthogonal constraints in neural networks: a simple "
        "parametrization of the orthogonal and unitary group, ICML, arXiv:1901.08428",
        authority="official code: Lezcano/expRNN orthogonal.py, trivializations.py",
        dropouts=ALL_DROPOUTS,
        zoneout=True,
    ),
    CellType(
        name="srnn",
        options=SRNNOptions,
        build="zoo.cells.structured.srnn:SRNN",
        describe="zoo.cells.structured.options:describe_srnn",
        reference="zoo.references.structured:srnn",
        summary="Shuffling recurrent network: the recurrent matrix is a permutation, a shift by one unit",
        paper="Rotman and Wolf 2021, Shuffling recurrent neural networks, AAAI, arXiv:2007.07324",
        authority="official code: rotmanmi/SRNN models/SRNN.py",
        zoneout=True,
    ),
    CellType(
        name="plrnn",
        options=PLRNNOptions,
        build="zoo.cells.structured.plrnn:PLRNN",
        describe="zoo.cells.structured.options:describe_plrnn",
        reference="zoo.references.structured:plrnn",
        summary="Piecewise-linear recurrent network: a leaky linear state and the rectified rest of the units",
        paper="Durstewitz 2017, A state space approach for piecewise-linear recurrent neural networks for identifying "
        "computational dynamics from neural measurements, PLOS Computational Biology 13(6), "
        "doi:10.1371/journal.pcbi.1005542; Koppe et al. 2019, Identifying nonlinear dynamical systems via generative "
        "recurrent neural networks with applications to fMRI, PLOS Computational Biology 15(8), "
        "doi:10.1371/journal.pcbi.1007263",
        authority="Koppe et al.'s equation (1); official code: DurstewitzLab/dendPLRNN BPTT_TF/bptt/PLRNN_model.py",
        traits=Traits(bounded=False),
        dropouts=ALL_DROPOUTS,
        zoneout=True,
    ),
    CellType(
        name="esn",
        options=ESNOptions,
        build="zoo.cells.structured.esn:ESN",
        describe="zoo.cells.structured.options:describe_esn",
        reference="zoo.references.structured:esn",
        summary="Echo state network: a random reservoir of leaky units, which is never trained",
        paper="Jaeger 2001, The echo state approach to analysing and training recurrent neural networks, GMD report "
        "148, doi:10.24406/publica-fhg-291111",
        authority="official code: reservoirpy/reservoirpy reservoirpy/nodes/reservoir.py",
        traits=esn_traits,
        zoneout=True,
    ),
)
