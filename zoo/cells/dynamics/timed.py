"""Options, closed forms and records of the cells that know irregular time. Imports no torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from zoo.cells.dynamics.records import described
from zoo.cells.options import BiasOption, gated
from zoo.cells.records import record
from zoo.components import Description, Options, Shape, Width, features


class LTCOptions(Options):
    """Options of the liquid time-constant network."""

    unfolds: int = Field(6, ge=1, le=1000, description="Solver steps within one time step.")


class CfCOptions(Options):
    """Options of the closed-form continuous-time network."""

    mode: Literal["default", "pure", "no_gate"] = Field(
        "default",
        description="How the heads are combined into the new state: 'default', interpolated by a time gate; "
        "'no_gate', summed; 'pure', the closed-form solution.",
    )
    backbone_units: Annotated[int, Width] = Field(128, ge=1, description="Width of the shared backbone layers.")
    backbone_layers: int = Field(1, ge=1, le=1000, description="Number of shared backbone layers.")
    backbone_activation: Literal["lecun_tanh", "tanh", "relu", "gelu", "silu"] = Field(
        "lecun_tanh", description="Activation function of the backbone layers; 'lecun_tanh' is 1.7159 tanh(0.666 x)."
    )


class GRUDOptions(Options):
    """Options of the gated recurrent unit with decay."""

    bias: BiasOption = "one"


class PhasedLSTMOptions(Options):
    """Options of the phased LSTM."""

    bias: BiasOption = "one"
    peephole: bool = Field(True, description="Peephole connections from the cell state to the gates, as in the paper.")
    leak: float = Field(0.001, ge=0, lt=1, description="α, the leak: slope of the time gate while it is closed.")
    ratio: float = Field(
        0.05,
        gt=0,
        le=1,
        description="Initial value of r_on, the fraction of the period during which the time gate is open.",
    )
    period_min: float = Field(2.718281828459045, gt=0, description="Shortest initial period of a unit.")
    period_max: float = Field(403.4287934927351, gt=0, description="Longest initial period of a unit.")

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        if self.period_min >= self.period_max:
            raise ValueError(f"period_min ({self.period_min}) must be less than period_max ({self.period_max})")
        return self


class ODELSTMOptions(Options):
    """Options of the LSTM with a differential equation between steps."""

    bias: BiasOption = "one"
    solver: Literal["euler", "heun", "rk4"] = Field(
        "rk4", description="ODE solver: 'euler', 'heun' or 'rk4', with one, two or four evaluations per step."
    )
    unfolds: int = Field(3, ge=1, le=1000, description="Solver steps within one time step.")


def describe_ltc(options: LTCOptions, input_shape: Shape, hidden_size: int) -> Description:
    width = features(input_shape)
    synapses = (width + hidden_size) * hidden_size
    vectors = 4 * synapses + 2 * width + 5 * hidden_size  # a synapse is not a product: it saturates by itself
    return described(hidden_size, 0, vectors, ("v",), depth=options.unfolds)


def describe_cfc(options: CfCOptions, input_shape: Shape, hidden_size: int) -> Description:
    units, layers = options.backbone_units, options.backbone_layers
    heads = 1 if options.mode == "pure" else 4
    products = units * (features(input_shape) + hidden_size + (layers - 1) * units + heads * hidden_size)
    vectors = layers * units + (3 if options.mode == "pure" else 4) * hidden_size
    return described(hidden_size, products, vectors, ("h",), depth=layers + 1)


def describe_gru_d(options: GRUDOptions, input_shape: Shape, hidden_size: int) -> Description:
    width = features(input_shape)
    products = 4 * width * hidden_size  # of the mask in three gates, and of the gaps in the decay of h
    plain = gated(
        3,
        options.bias,
        input_shape,
        hidden_size,
        hidden_size,
        products=products,
        vectors=2 * width + hidden_size,
        depth=3,
    )
    return replace(plain, state={"h": (hidden_size,), "x": (width,), "gap": (width,)}, buffers=width)


def describe_phased_lstm(options: PhasedLSTMOptions, input_shape: Shape, hidden_size: int) -> Description:
    vectors = (6 if options.peephole else 3) * hidden_size
    plain = gated(4, options.bias, input_shape, hidden_size, hidden_size, vectors=vectors)
    return replace(plain, state={"h": (hidden_size,), "c": (hidden_size,), "time": (1,)})


def describe_ode_lstm(options: ODELSTMOptions, input_shape: Shape, hidden_size: int) -> Description:
    node, vectors = 2 * hidden_size**2, 2 * hidden_size
    plain = gated(4, options.bias, input_shape, hidden_size, hidden_size, products=node, vectors=vectors)
    slopes = options.unfolds * {"euler": 1, "heun": 2, "rk4": 4}[options.solver]
    return replace(
        plain,
        macs_per_step=plain.macs_per_step + (slopes - 1) * node,
        state=dict.fromkeys(("h", "c"), (hidden_size,)),
        sequential_depth=1 + 2 * slopes,
    )


TIMED: Final = (
    record(
        "ltc",
        LTCOptions,
        "ltc:LTC",
        family="dynamics",
        described_in="timed",
        reference_in="timed",
        summary="Liquid time-constant network, fully connected, by a fused solver; takes irregular time steps",
        paper="Hasani et al. 2021, Liquid time-constant networks, AAAI, arXiv:2006.04439",
        authority="official code: mlech26l/ncps ncps/torch/ltc_cell.py",
        dropouts=frozenset({"weight"}),
        uses=frozenset({"dt"}),
    ),
    record(
        "cfc",
        CfCOptions,
        "cfc:CfC",
        family="dynamics",
        described_in="timed",
        reference_in="timed",
        summary="Closed-form continuous-time network; takes irregular time steps",
        paper="Hasani et al. 2022, Closed-form continuous-time neural networks, Nature Machine Intelligence 4, "
        "arXiv:2106.13898",
        authority="official code: mlech26l/ncps ncps/torch/cfc_cell.py",
        uses=frozenset({"dt"}),
    ),
    record(
        "gru-d",
        GRUDOptions,
        "grud:GRUD",
        family="dynamics",
        described_in="timed",
        reference_in="timed",
        summary="GRU with decay: missing inputs and the state decay with the time since the last observation",
        paper="Che et al. 2018, Recurrent neural networks for multivariate time series with missing values, Scientific "
        "Reports 8, arXiv:1606.01865",
        authority="the paper's equations of GRU-D; initialisation: PeterChe1990/GRU-D nn_utils/grud_layers.py",
        uses=frozenset({"dt", "observed"}),
    ),
    record(
        "phased-lstm",
        PhasedLSTMOptions,
        "phased:PhasedLSTM",
        family="dynamics",
        described_in="timed",
        reference_in="timed",
        summary="Phased LSTM: each unit is updated while its own time gate is open; takes irregular time steps",
        paper="Neil, Pfeiffer and Liu 2016, Phased LSTM: accelerating recurrent network training for long or "
        "event-based sequences, NIPS, arXiv:1610.09513",
        authority="the paper's equations (5) to (10); official code: dannyneil/public_plstm plstm.py",
        uses=frozenset({"dt"}),
    ),
    record(
        "ode-lstm",
        ODELSTMOptions,
        "odelstm:ODELSTM",
        family="dynamics",
        described_in="timed",
        reference_in="timed",
        summary="LSTM whose output evolves between steps by a differential equation; takes irregular time steps",
        paper="Lechner and Hasani 2020, Learning long-term dependencies in irregularly-sampled time series, preprint, "
        "arXiv:2006.04418",
        authority="official code: mlech26l/ode-lstms torch_node_cell.py",
        uses=frozenset({"dt"}),
    ),
)
