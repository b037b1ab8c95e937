"""Gated cells whose candidate does not see the whole past through a matrix.

Plain NumPy in float64, written from papers and official code alone: one sequence, one step, one gate at a time. Nothing
is batched, fused or shared with the cells. Dropout is not here.
"""

from __future__ import annotations

import numpy as np

from zoo.references.arithmetic import (
    Array,
    Options,
    Parameters,
    State,
    gate,
    of_gates,
    sigmoid,
    unroll,
)


def atr_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Addition-subtraction twin-gated cell, arXiv:1810.12546 as in bzhangGo/ATR lm/pytorch-lm/rnn/atr.py.

    A single bias belongs to the product of the input.
    """
    h = state["h"]
    nothing = np.zeros(len(h))
    by_input = p["weight_ih"] @ x + p.get("bias_ih", p.get("bias", nothing))
    by_state = p["weight_hh"] @ h + p.get("bias_hh", nothing)
    new_h = sigmoid(by_input + by_state) * by_input + sigmoid(by_input - by_state) * h
    return new_h, {"h": new_h}


def br_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Bistable cell, Vecoven et al. 2021 as in nvecoven/BRC cells/cells.py, BRC; rows a, c, h (r, z, h there)."""
    h = state["h"]
    size = len(h)
    W, U, b = p["weight_ih"], p["weight_hh"], p["bias"]
    a = 1.0 + np.tanh(gate(W, 0, size) @ x + gate(U, 0, size) * h + gate(b, 0, size))
    c = sigmoid(gate(W, 1, size) @ x + gate(U, 1, size) * h + gate(b, 1, size))
    new_h = c * h + (1.0 - c) * np.tanh(gate(W, 2, size) @ x + a * h)
    return new_h, {"h": new_h}


def nbr_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Recurrently neuromodulated bistable cell, as `br` but for the gates' matrices; NBRC there."""
    h = state["h"]
    size = len(h)
    W, U, b = p["weight_ih"], p["weight_hh"], p["bias"]
    a = 1.0 + np.tanh(gate(W, 0, size) @ x + gate(U, 0, size) @ h + gate(b, 0, size))
    c = sigmoid(gate(W, 1, size) @ x + gate(U, 1, size) @ h + gate(b, 1, size))
    new_h = c * h + (1.0 - c) * np.tanh(gate(W, 2, size) @ x + a * h)
    return new_h, {"h": new_h}


def cfn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Chaos-free network, arXiv:1612.06212, the equations of section 1; rows theta, eta, h."""
    h = state["h"]
    size = len(h)
    theta, eta = (
        sigmoid(gate(p["weight_hh"], k, size) @ h + gate(p["weight_ih"], k, size) @ x + gate(p["bias"], k, size))
        for k in (0, 1)
    )
    new_h = theta * np.tanh(h) + eta * np.tanh(gate(p["weight_ih"], 2, size) @ x)
    return new_h, {"h": new_h}


def lightru_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Light recurrent unit, Ye et al. 2024, Electronics 13(16) 3204; rows f, h. f is the share of the candidate."""
    h = state["h"]
    size = len(h)
    f = sigmoid(gate(p["weight_ih"], 0, size) @ x + p["weight_hh"] @ h + p["bias"])
    new_h = (1.0 - f) * h + f * np.tanh(gate(p["weight_ih"], 1, size) @ x)
    return new_h, {"h": new_h}


def minimalrnn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """MinimalRNN, arXiv:1711.06788, section 2, with a single layer with tanh for Phi; rows of the bias z, u."""
    h = state["h"]
    size = len(h)
    z = np.tanh(p["weight_ih"] @ x + gate(p["bias"], 0, size))
    u = sigmoid(p["weight_hh"] @ h + p["weight_zh"] @ z + gate(p["bias"], 1, size))
    new_h = u * h + (1.0 - u) * z
    return new_h, {"h": new_h}


def ran_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Recurrent additive network, arXiv:1705.07393 as in kentonl/ran ran.py; rows i, f, c. The content has no bias."""
    c = state["c"]
    size = len(c)

    def shown(cell: Array) -> Array:
        return np.tanh(cell) if options.nonlinearity == "tanh" else cell

    h = shown(c)
    i, f = (
        sigmoid(gate(p["weight_ih"], k, size) @ x + gate(p["weight_hh"], k, size) @ h + gate(p["bias"], k, size))
        for k in (0, 1)
    )
    new_c = i * (gate(p["weight_ih"], 2, size) @ x) + f * c
    return shown(new_c), {"c": new_c}


def sgrn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Simple gated recurrent network, doi:10.1049/gtd2.12056, from the equations that torchrecurrent gives for it.

    The product of the input, with its bias, is in the gate and in the candidate; a second bias is in the gate only.
    """
    h = state["h"]
    nothing = np.zeros(len(h))
    by_input = p["weight_ih"] @ x + p.get("bias_ih", p.get("bias", nothing))
    f = sigmoid(by_input + p["weight_hh"] @ h + p.get("bias_hh", nothing))
    new_h = np.tanh((1.0 - f) * by_input + f * h)
    return new_h, {"h": new_h}


def star_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """STAR, arXiv:1911.11033; rows k, z. k is the share of the new value.

    0zgur0/STAR_Network star.py writes f for -k: it keeps sigmoid(f), and takes 1 - sigmoid(f - beta) of the new value,
    with beta 1; the paper has no beta.
    """
    h = state["h"]
    size = len(h)
    k = gate(p["weight_ih"], 0, size) @ x + p["weight_hh"] @ h + gate(p["bias"], 0, size)
    z = np.tanh(gate(p["weight_ih"], 1, size) @ x + gate(p["bias"], 1, size))
    forget, take = sigmoid(-k), 1.0 - sigmoid(-k - options.beta)
    new_h = np.tanh(forget * h + take * z)
    return new_h, {"h": new_h}


def scrn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Structurally constrained network, arXiv:1412.7753, sections 4 and 4.2; the output is h, then s.

    h sees the new s, as in the paper; facebookarchive/SCRNNs mfactory.lua feeds the old one against its own comment.
    """
    h, s = state["h"], state["s"]
    alpha = sigmoid(p["beta"]) if options.adaptive else options.alpha
    new_s = (1.0 - alpha) * (p["B"] @ x) + alpha * s
    new_h = sigmoid(p["P"] @ new_s + p["A"] @ x + p["R"] @ h)
    return np.concatenate([new_h, new_s]), {"h": new_h, "s": new_s}


def scrn_initial(p: Parameters, options: Options) -> State:
    return {"h": np.zeros(len(p["A"])), "s": np.zeros(len(p["B"]))}


atr = unroll(atr_step, of_gates(1))
br = unroll(br_step, of_gates(3))
nbr = unroll(nbr_step, of_gates(3))
cfn = unroll(cfn_step, of_gates(3))
lightru = unroll(lightru_step, of_gates(2))
minimalrnn = unroll(minimalrnn_step, of_gates(1))
ran = unroll(ran_step, of_gates(3, "c"))
sgrn = unroll(sgrn_step, of_gates(1))
star = unroll(star_step, of_gates(2))
scrn = unroll(scrn_step, scrn_initial)
