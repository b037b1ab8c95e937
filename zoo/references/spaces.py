"""State spaces and other cells that are linear in their state, after 2022.

Plain NumPy in float64, written from papers and official code alone: one sequence, one step, one gate at a time. Nothing
is batched, fused or shared with the cells. Dropout, and batch norm's training mode, are not here.
"""

from __future__ import annotations

import numpy as np

from zoo.references.arithmetic import (
    Array,
    Options,
    Parameters,
    State,
    as_complex,
    as_pairs,
    gate,
    of_gates,
    relu,
    rising_bound,
    rms_norm,
    sigmoid,
    silu,
    softplus,
    unroll,
)


def s5_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """S5, arXiv:2208.04933 as in lindermanlab/S5 s5/ssm.py: discretize_zoh, discretize_bilinear, apply_ssm, S5SSM.

    conj_sym as there by default: one of each conjugate pair is kept, and the output takes twice the real part.
    max_real -1e-4 is clip_eigs there; step_rescale 1. Without feedthrough, D stands outside.
    """
    real = p["Lambda_re"] if options.max_real is None else np.minimum(p["Lambda_re"], options.max_real)
    eigenvalue = real + 1j * p["Lambda_im"]
    step = np.exp(p["log_step"])
    if options.discretisation == "zoh":
        decay = np.exp(eigenvalue * step)
        scale = (decay - 1.0) / eigenvalue
    else:
        assert options.discretisation == "bilinear", options.discretisation
        inverse = 1.0 / (1.0 - step / 2.0 * eigenvalue)
        decay = inverse * (1.0 + step / 2.0 * eigenvalue)
        scale = inverse * step
    new_h = decay * state["h"] + scale * (as_complex(p["B"]) @ x)
    y = 2.0 * (as_complex(p["C"]) @ new_h).real
    return y + p["D"] * x if options.feedthrough else y, {"h": new_h}


def linoss_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """LinOSS, arXiv:2410.03943 as in tk-rusch/linoss models/LinOSS.py: apply_linoss_im, apply_linoss_imex, LinOSSLayer.

    y'' = -A y + B u with velocity z, the first half of the official state. Both schemes give y the new z. IM's new z
    meets the new y too: solved for, with the paper's Schur complement S = 1 / (1 + Δt² A). IMEX's meets the old y.
    """
    a, step = relu(p["A_diag"]), sigmoid(p["steps"])
    y, z = as_complex(state["y"]), as_complex(state["z"])
    driven = as_complex(p["B"]) @ x
    if options.discretisation == "im":
        schur = 1.0 / (1.0 + step**2 * a)
        new_z = schur * (z - step * a * y + step * driven)
    else:
        assert options.discretisation == "imex", options.discretisation
        new_z = z - step * a * y + step * driven
    new_y = y + step * new_z
    output = (as_complex(p["C"]) @ new_y).real + p["D"] * x
    return output, {"y": as_pairs(new_y), "z": as_pairs(new_z)}


def hgrn_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """HGRN, arXiv:2311.04823 as in fla-org/flash-linear-attention fla/layers/hgrn.py; rows i, f, g.

    The input is silu(i) (1 - f); the paper has a complex state, and the code of this layer has a real one, which is
    followed. f is bounded from below: lower + (1 - lower) sigmoid. The output is the root-mean-square norm of h, gated
    by swish of g (fla/modules/fused_norm_gate.py), before the layer's o_proj.
    """
    h = state["h"]
    size = len(h)
    i, f, g = (gate(p["weight_ih"], k, size) @ x for k in range(3))
    bound = rising_bound(p) if options.learned_bound else options.lower_bound
    forget = bound + (1.0 - bound) * sigmoid(f)
    new_h = forget * h + silu(i) * (1.0 - forget)
    return rms_norm(new_h, p["norm_weight"], options.norm_eps) * silu(g), {"h": new_h}


def mamba_step(x: Array, state: State, p: Parameters, options: Options) -> tuple[Array, State]:
    """Mamba's S6, arXiv:2312.00752 as in state-spaces/mamba mamba_ssm/modules/mamba_simple.py, Mamba.step.

    B is discretised as Δ B, as in the code; the paper's equation (4) has zero-order hold for B too. `past` holds what
    the convolution saw before, oldest first. The output is what the block has before its out_proj.
    """
    size, taps = p["conv_weight"].shape
    N = options.state_size
    rank = options.rank if options.rank is not None else -(-len(x) // 16)
    branch, z = gate(p["in_proj"], 0, size) @ x, gate(p["in_proj"], 1, size) @ x
    window = np.concatenate([state["past"], branch[None]])
    convolved = p["conv_bias"].copy()
    for k in range(taps):
        convolved = convolved + p["conv_weight"][:, k] * window[k]
    u = silu(convolved)
    seen = p["x_proj"] @ u
    low, B, C = seen[:rank], seen[rank : rank + N], seen[rank + N : rank + 2 * N]
    step = softplus(p["dt_weight"] @ low + p["dt_bias"])
    A = -np.exp(p["A_log"])
    new_h = np.zeros((size, N))
    y = np.zeros(size)
    for d in range(size):
        new_h[d] = np.exp(step[d] * A[d]) * state["h"][d] + step[d] * B * u[d]
        y[d] = C @ new_h[d] + p["D"][d] * u[d]
    return y * silu(z), {"h": new_h, "past": window[1:]}


def s5_initial(p: Parameters, options: Options) -> State:
    return {"h": np.zeros(len(p["log_step"]), dtype=np.complex128)}


def linoss_initial(p: Parameters, options: Options) -> State:
    return {name: np.zeros((len(p["steps"]), 2)) for name in ("y", "z")}


def mamba_initial(p: Parameters, options: Options) -> State:
    size, taps = p["conv_weight"].shape
    return {"h": np.zeros((size, options.state_size)), "past": np.zeros((taps - 1, size))}


s5 = unroll(s5_step, s5_initial)
linoss = unroll(linoss_step, linoss_initial)
hgrn = unroll(hgrn_step, of_gates(3))
mamba = unroll(mamba_step, mamba_initial)
