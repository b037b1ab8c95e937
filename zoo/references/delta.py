"""Linear attention with a gate or the delta rule: a matrix for a state in each head.

Plain NumPy in float64, written from papers and official code alone: one sequence, one step, one head at a time. Nothing
is batched, fused or shared with the cells. Dropout is not here.

All end where the layer of fla-org/flash-linear-attention multiplies by its o_proj. S[head] has k's index first and v's
second, as in its naive.py files; `past` holds what the short convolution saw before, oldest first.
"""

from __future__ import annotations

import numpy as np

from zoo.references.arithmetic import (
    Array,
    Options,
    Parameters,
    State,
    gate,
    rms_norm,
    sigmoid,
    silu,
    softplus,
    unroll,
)


def widths(p: Parameters, options: Options) -> tuple[int, int]:
    """Of a key and of a value of one head."""
    dv = len(p["norm_weight"])
    dk = (len(p["weight_qkv"]) - options.heads * dv) // (2 * options.heads)
    assert options.key_size in (None, dk), (options.key_size, dk)
    return dk, dv


def heads_of(
    x: Array, state: State, p: Parameters, options: Options, always: bool
) -> tuple[list[tuple[Array, Array, Array]], Array]:
    """q, k, v of each head, convolved and activated, and what the convolution sees as past at the next step.

    With `always` there is a silu without a convolution too (fla/layers/delta_net.py, gated_deltanet.py; gla.py has none
    there).
    """
    dk, dv = widths(p, options)
    projected = p["weight_qkv"] @ x
    past = state["past"]
    if options.kernel:
        window = np.concatenate([past, projected[None]])
        projected = np.zeros_like(projected)
        for tap in range(options.kernel):
            projected = projected + p["conv_weight"][:, tap] * window[tap]
        past = window[1:]
    if options.kernel or always:
        projected = silu(projected)
    keys = options.heads * dk
    q, k, v = projected[:keys], projected[keys : 2 * keys], projected[2 * keys :]
    return [(gate(q, a, dk), gate(k, a, dk), gate(v, a, dv)) for a in range(options.heads)], past


def shown(x: Array, reads: list[Array], p: Parameters, options: Options) -> Array:
    """Norm of each head, then the output gate (RMSNorm, or FusedRMSNormGated with its default activation swish)."""
    output = np.concatenate([rms_norm(read, p["norm_weight"]) for read in reads])
    return output * silu(p["weight_g"] @ x) if options.output_gate else output


def unit(x: Array) -> Array:
    """fla/modules/l2norm.py: its 1e-6 is inside the root."""
    result: Array = x / np.sqrt((x**2).sum() + 1e-6)
    return result


def written(S: Array, k: Array, v: Array, beta: float) -> Array:
    """The delta rule: what S holds at k moves by beta towards v."""
    return S + np.outer(k, beta * (v - S.T @ k))


def gla_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Gated linear attention, arXiv:2312.06635 as in fla/layers/gla.py and fla/ops/gla/naive.py.

    The log of the decay of each row of S is logsigmoid / gate_normaliser. q is scaled by dk^-1/2.
    """
    dk, _ = widths(p, options)
    qkv, past = heads_of(x, state, p, options, always=False)
    log_decay = -softplus(-(p["gk_up"] @ (p["gk_down"] @ x) + p["gk_bias"])) / options.gate_normaliser
    new_S, reads = np.zeros_like(state["S"]), []
    for a, (q, k, v) in enumerate(qkv):
        decay = np.exp(gate(log_decay, a, dk))
        new_S[a] = decay[:, None] * state["S"][a] + np.outer(k, v)
        reads.append((q / np.sqrt(dk)) @ new_S[a])
    return shown(x, reads, p, options), {"S": new_S, "past": past}


def deltanet_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """DeltaNet, arXiv:2406.06484 as in fla/layers/delta_net.py and fla/ops/delta_rule/naive.py.

    qk_activation silu, qk_norm l2, use_beta, all as there by default; allow_neg_eigval doubles beta.
    """
    dk, _ = widths(p, options)
    qkv, past = heads_of(x, state, p, options, always=True)
    beta = sigmoid(p["weight_beta"] @ x) * (2.0 if options.allow_neg_eigval else 1.0)
    new_S, reads = np.zeros_like(state["S"]), []
    for a, (q, k, v) in enumerate(qkv):
        new_S[a] = written(state["S"][a], unit(k), v, beta[a])
        reads.append((unit(q) / np.sqrt(dk)) @ new_S[a])
    return shown(x, reads, p, options), {"S": new_S, "past": past}


def gated_deltanet_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Gated DeltaNet, arXiv:2412.06464 as in fla/layers/gated_deltanet.py and fla/ops/gated_delta_rule/naive.py.

    S decays before the delta rule reads it. The log of the decay is -exp(A_log) softplus(a + dt_bias), as in
    fla/ops/gated_delta_rule/gate.py.
    """
    dk, _ = widths(p, options)
    qkv, past = heads_of(x, state, p, options, always=True)
    a_of, b_of = (gate(p["weight_ab"], k, options.heads) @ x for k in (0, 1))
    beta = sigmoid(b_of) * (2.0 if options.allow_neg_eigval else 1.0)
    decay = np.exp(-np.exp(p["A_log"]) * softplus(a_of + p["dt_bias"]))
    new_S, reads = np.zeros_like(state["S"]), []
    for a, (q, k, v) in enumerate(qkv):
        new_S[a] = written(decay[a] * state["S"][a], unit(k), v, beta[a])
        reads.append((unit(q) / np.sqrt(dk)) @ new_S[a])
    return shown(x, reads, p, options), {"S": new_S, "past": past}


def delta_initial(p: Parameters, options: Options) -> State:
    past = np.zeros((max(options.kernel - 1, 0), len(p["weight_qkv"])))
    return {"S": np.zeros((options.heads, *widths(p, options))), "past": past}


gla = unroll(gla_step, delta_initial)
deltanet = unroll(deltanet_step, delta_initial)
gated_deltanet = unroll(gated_deltanet_step, delta_initial)
