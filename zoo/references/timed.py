"""Cells that use the time between steps, or which features were observed.

Plain NumPy in float64, written from papers and official code alone: one sequence, one step, one gate at a time. Nothing
is batched, fused or shared with the cells. Dropout is not here.

dt is the time since the step before, observed true where a feature of x was seen; x is 0 where it was not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.references.arithmetic import (
    Array,
    Options,
    Parameters,
    State,
    bias_of,
    gate,
    gelu,
    relu,
    sigmoid,
    silu,
    softplus,
    unroll,
)


def ltc_step(x: Array, state: State, p: Parameters, options: Options, *, dt: float) -> tuple[Array, State]:
    """Liquid time-constant cell, mlech26l/ncps ncps/torch/ltc_cell.py; arXiv:2006.04439, algorithm 1.

    input_mapping and output_mapping affine, every neuron wired to every other, and what must be positive through
    softplus (implicit_param_constraints, as ncps.torch.LTC has it by default).
    """
    v = state["v"]
    size = len(v)
    seen = p["input_w"] * x + p["input_b"]
    gleak, cm = softplus(p["gleak"]), softplus(p["cm"])
    w, sensory_w = softplus(p["w"]), softplus(p["sensory_w"])
    capacity = cm / (dt / options.unfolds)
    for _ in range(options.unfolds):
        new_v = np.zeros(size)
        for j in range(size):
            current, conductance = gleak[j] * p["vleak"][j], gleak[j]
            for i in range(len(x)):
                open_ = sensory_w[i, j] * sigmoid(p["sensory_sigma"][i, j] * (seen[i] - p["sensory_mu"][i, j]))
                current, conductance = current + open_ * p["sensory_erev"][i, j], conductance + open_
            for i in range(size):
                open_ = w[i, j] * sigmoid(p["sigma"][i, j] * (v[i] - p["mu"][i, j]))
                current, conductance = current + open_ * p["erev"][i, j], conductance + open_
            new_v[j] = (capacity[j] * v[j] + current) / (capacity[j] + conductance + 1e-8)
        v = new_v
    return p["output_w"] * v + p["output_b"], {"v": v}


def activated(name: str, x: Array) -> Array:
    """The backbone's activations; lecun_tanh with the two constants of ncps."""
    if name == "lecun_tanh":
        return 1.7159 * np.tanh(0.666 * x)
    if name == "tanh":
        return np.tanh(x)
    return {"relu": relu, "gelu": gelu, "silu": silu}[name](x)


def cfc_step(x: Array, state: State, p: Parameters, options: Options, *, dt: float) -> tuple[Array, State]:
    """Closed-form continuous-time cell, mlech26l/ncps ncps/torch/cfc_cell.py; arXiv:2106.13898.

    Rows of heads ff1, ff2, time_a, time_b. Where paper and code differ the code is followed: the sigmoid takes
    time_a t + time_b, and it is the share of ff2.
    """
    h = state["h"]
    size = len(h)
    name = options.backbone_activation
    shared = activated(name, p["weight_ih"] @ x + p["weight_hh"] @ h + p["bias"])
    for k in range(options.backbone_layers - 1):
        shared = activated(name, p[f"backbone.{k}.weight"] @ shared + p[f"backbone.{k}.bias"])

    def head(k: int) -> Array:
        return gate(p["heads.weight"], k, size) @ shared + gate(p["heads.bias"], k, size)

    ff1 = head(0)
    if options.mode == "pure":
        new_h = p["A"] - p["A"] * np.exp(-dt * (np.abs(p["w_tau"]) + np.abs(ff1))) * ff1
        return new_h, {"h": new_h}
    ff1, ff2 = np.tanh(ff1), np.tanh(head(1))
    share = sigmoid(head(2) * dt + head(3))
    if options.mode == "no_gate":
        new_h = ff1 + share * ff2
    else:
        assert options.mode == "default", options.mode
        new_h = ff1 * (1.0 - share) + share * ff2
    return new_h, {"h": new_h}


def gru_d_step(
    x: Array, state: State, p: Parameters, options: Options, *, dt: float, observed: NDArray[Any]
) -> tuple[Array, State]:
    """GRU-D, Che et al. 2018, Scientific Reports 8:6085, section GRU-D; rows r, z, h. `age` counts the steps seen.

    Its time interval δ is 0 at the first step. PeterChe1990/GRU-D nn_utils/grud_layers.py differs: it keeps the
    undecayed h where z says keep, has z and 1 - z the other way round, feeds 1 - m, decays to 0 and not to the mean,
    and takes the sigmoid for tanh. The paper is followed, but for what it leaves open: a feature's last value before
    its first observation is 0, as there.
    """
    h = state["h"]
    size = len(h)
    m = np.where(observed, 1.0, 0.0)
    delta = np.zeros(len(x)) if state["age"] == 0 else dt + state["gap"]
    decay_x = np.exp(-relu(p["weight_gamma_x"] * delta + p["bias_gamma_x"]))
    decay_h = np.exp(-relu(p["weight_gamma_h"] @ delta + p["bias_gamma_h"]))
    last = m * x + (1.0 - m) * state["x"]
    seen = m * x + (1.0 - m) * (decay_x * last + (1.0 - decay_x) * p["mean"])
    h = decay_h * h

    def preactivation(k: int, past: Array) -> Array:
        inputs = gate(p["weight_ih"], k, size) @ seen + gate(p["weight_mask"], k, size) @ m
        return inputs + gate(p["weight_hh"], k, size) @ past + bias_of(p, k, size)

    r, z = sigmoid(preactivation(0, h)), sigmoid(preactivation(1, h))
    new_h = (1.0 - z) * h + z * np.tanh(preactivation(2, r * h))
    return new_h, {"h": new_h, "x": last, "gap": (1.0 - m) * delta, "age": state["age"] + 1}


def phased_lstm_step(x: Array, state: State, p: Parameters, options: Options, *, dt: float) -> tuple[Array, State]:
    """Phased LSTM, arXiv:1610.09513, equations (1) to (10); rows i, f, c, o, peepholes i, f, o.

    As in dannyneil/public_plstm plstm.py, step and step_masked: o looks at the new, ungated c, and |τ| and |r_on|
    count. That code adds the shift, the paper takes it away, and so does this; its leak of 0 out of training is absent
    from the paper, and here.
    """
    h, c = state["h"], state["c"]
    size = len(c)

    def preactivation(k: int) -> Array:
        return gate(p["weight_ih"], k, size) @ x + gate(p["weight_hh"], k, size) @ h + bias_of(p, k, size)

    def look(k: int, cell: Array) -> Array:
        return gate(p["weight_ch"], k, size) * cell if options.peephole else np.zeros(size)

    i = sigmoid(preactivation(0) + look(0, c))
    f = sigmoid(preactivation(1) + look(1, c))
    open_c = f * c + i * np.tanh(preactivation(2))
    o = sigmoid(preactivation(3) + look(2, open_c))
    open_h = o * np.tanh(open_c)

    time = state["time"] + dt
    k = np.zeros(size)
    for j in range(size):
        period, ratio = abs(p["period"][j]), abs(p["ratio"][j])
        phase = ((time[0] - p["shift"][j]) % period) / period
        if phase < ratio / 2.0:
            k[j] = 2.0 * phase / ratio
        elif phase < ratio:
            k[j] = 2.0 - 2.0 * phase / ratio
        else:
            k[j] = options.leak * phase
    new_c = k * open_c + (1.0 - k) * c
    new_h = k * open_h + (1.0 - k) * h
    return new_h, {"h": new_h, "c": new_c, "time": time}


def ode_lstm_step(x: Array, state: State, p: Parameters, options: Options, *, dt: float) -> tuple[Array, State]:
    """ODE-LSTM, arXiv:2006.04418 as in mlech26l/ode-lstms torch_node_cell.py, ODELSTMCell; rows i, f, g, o.

    h flows after the LSTM's step, for the time given with this step and not for the time to the next; c does not flow.
    """
    h, c = state["h"], state["c"]
    size = len(c)

    def preactivation(k: int) -> Array:
        return gate(p["weight_ih"], k, size) @ x + gate(p["weight_hh"], k, size) @ h + bias_of(p, k, size)

    def slope(y: Array) -> Array:
        inner = np.tanh(p["weight_node_1"] @ y + p["bias_node_1"])
        return p["weight_node_2"] @ inner + p["bias_node_2"]

    new_c = sigmoid(preactivation(1)) * c + sigmoid(preactivation(0)) * np.tanh(preactivation(2))
    y = sigmoid(preactivation(3)) * np.tanh(new_c)
    length = dt / options.unfolds
    for _ in range(options.unfolds):
        k1 = slope(y)
        if options.solver == "euler":
            y = y + length * k1
        elif options.solver == "heun":
            y = y + length * 0.5 * (k1 + slope(y + length * k1))
        else:
            assert options.solver == "rk4", options.solver
            k2 = slope(y + length * 0.5 * k1)
            k3 = slope(y + length * 0.5 * k2)
            k4 = slope(y + length * k3)
            y = y + length * (k1 + 2.0 * k2 + 2.0 * k3 + k4) / 6.0
    return y, {"h": y, "c": new_c}


def gru_d_initial(p: Parameters, options: Options) -> State:
    width = p["weight_ih"].shape[1]
    size = p["weight_hh"].shape[1]
    return {"h": np.zeros(size), "x": np.zeros(width), "gap": np.zeros(width), "age": np.zeros(())}


def ode_lstm_initial(p: Parameters, options: Options) -> State:
    return {name: np.zeros(p["weight_hh"].shape[1]) for name in ("h", "c")}


def phased_lstm_initial(p: Parameters, options: Options) -> State:
    size = p["weight_hh"].shape[1]
    return {"h": np.zeros(size), "c": np.zeros(size), "time": np.zeros(1)}


ltc = unroll(ltc_step, lambda p, options: {"v": np.zeros(len(p["cm"]))}, uses=("dt",))
cfc = unroll(cfc_step, lambda p, options: {"h": np.zeros(p["weight_hh"].shape[1])}, uses=("dt",))
gru_d = unroll(gru_d_step, gru_d_initial, uses=("dt", "observed"))
phased_lstm = unroll(phased_lstm_step, phased_lstm_initial, uses=("dt",))
ode_lstm = unroll(ode_lstm_step, ode_lstm_initial, uses=("dt",))
