"""What the symbols of a page are in its cell, and what its words define, where values are tables, heads or solvers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from equation_cases import SIZE, Arrays, Functions, of, split
from equation_reader import FUNCTIONS


def rows(cell: Any, name: str, symbol: str, count: int) -> Arrays:
    """A table of the blocks of a parameter."""
    return {symbol: np.stack(np.split(of(cell, name), count))}


def complex_of(cell: Any, name: str) -> Any:
    found = of(cell, name)
    return found[..., 0] + 1j * found[..., 1]


def cfc(cell: Any) -> Arrays:
    weight, bias = of(cell, "heads.weight"), of(cell, "heads.bias")
    if cell.mode != "pure":
        return {"W": weight, "β": bias}
    # f₁ is the only head: nothing for the other three
    made = {"W": np.vstack([weight, np.zeros((3 * SIZE, len(weight[0])))]), "β": np.pad(bias, (0, 3 * SIZE))}
    return {**made, "w_τ": of(cell, "w_tau"), "A": of(cell, "A")}


def backbone(cell: Any, known: Functions) -> Functions:
    def squashed(a: Any) -> Any:
        return 1.7159 * np.tanh(0.666 * a)

    def layers(x: Any, h: Any) -> Any:
        y = squashed(of(cell, "weight_ih") @ x + of(cell, "weight_hh") @ h + of(cell, "bias"))
        return squashed(of(cell, "backbone.0.weight") @ y + of(cell, "backbone.0.bias"))

    return {"backbone": layers}


def convolved(kernel: Any, maps: Any) -> Any:
    """Of kernel (to, from, size, size) and maps (from, rows, columns), with zeros around the maps."""
    _, high, wide = maps.shape
    size = kernel.shape[2]
    around = np.pad(maps, ((0, 0), *[(size // 2, size // 2)] * 2))
    windows = [around[:, i : i + high, j : j + wide] for i in range(size) for j in range(size)]
    return np.einsum("fcn,ncij->fij", kernel.reshape(*kernel.shape[:2], size**2), np.stack(windows))


def maps_of(cell: Any, symbols: str, symbols_h: str, biases: str) -> Arrays:
    made = {name: value[:, None, None] for name, value in split(cell, "bias", biases).items()}
    return {**split(cell, "weight_ih", symbols), **split(cell, "weight_hh", symbols_h), **made}


def convgru(cell: Any) -> Arrays:
    return maps_of(cell, "W_z W_r W", "U_z U_r U", "b_z b_r b")


def convlstm(cell: Any) -> Arrays:
    made = maps_of(cell, "W_xi W_xf W_xc W_xo", "W_hi W_hf W_hc W_ho", "b_i b_f b_c b_o")
    return {**made, **dict(zip(("W_ci", "W_cf", "W_co"), of(cell, "peephole").reshape(3, SIZE, 4, 5), strict=True))}


def attention(cell: Any) -> Arrays:
    """What both kinds of deltanet have, for one head."""
    made = {"W": of(cell, "weight_qkv"), "w": of(cell, "norm_weight"), "d_k": float(SIZE)}
    return {**made, "ε": 1e-5, "c_j": of(cell, "conv_weight").T[::-1]}


def st_lstm(cell: Any) -> Arrays:
    found = {name: of(cell, f"weight_{name}.0") for name in ("x", "h", "m", "o", "last")}
    made = {
        f"W_{name}{gate}": np.split(found[name], len(gates))[place]
        for name, gates in (("x", "ifgjkno"), ("h", "ifgo"), ("m", "jkn"))
        for place, gate in enumerate(gates)
    }
    made |= dict(zip(("W_co", "W_mo"), np.split(found["o"], 2, 1), strict=True))
    return {**made, **dict(zip(("W_c", "W_m"), np.split(found["last"], 2, 1), strict=True))}


def deltanet(cell: Any) -> Arrays:
    return {**attention(cell), "w_β": of(cell, "weight_beta")[0]}


def gated_deltanet(cell: Any) -> Arrays:
    w_a, w_b = of(cell, "weight_ab")
    gates = {"w_a": w_a, "w_b": w_b, "A_log": of(cell, "A_log"), "dt_bias": of(cell, "dt_bias")}
    return {**attention(cell), **gates, "W_g": of(cell, "weight_g")}


def ligru(cell: Any) -> Arrays:
    return {"W": of(cell, "weight_ih"), **split(cell, "weight_hh", "U_z U_h")}


def normalised(cell: Any, known: Functions) -> Functions:
    if cell.norm is None:
        return {"N": lambda a: a + of(cell, "bias")}
    scale, shift = of(cell, "norm.weight"), of(cell, "norm.bias")
    if hasattr(cell.norm, "running_mean"):
        mean, variance = cell.norm.running_mean.numpy(), cell.norm.running_var.numpy()
        return {"N": lambda a: scale * (a - mean) / np.sqrt(variance + 1e-5) + shift}
    return {"N": lambda a: scale * (a - a.mean()) / np.sqrt(a.var() + 1e-5) + shift}


def linoss(cell: Any) -> Arrays:
    made = {"B": complex_of(cell, "B"), "C": complex_of(cell, "C"), "D": of(cell, "D")}
    return {**made, "A_diag": of(cell, "A_diag"), "steps": of(cell, "steps")}


def lmu(cell: Any) -> Arrays:
    return {
        **{name: of(cell, name) for name in ("e_x", "e_h", "e_m", "W_x", "W_h", "W_m")},
        "θ": 4.0,
        "I": np.eye(SIZE),
    }


def ltc(cell: Any) -> Arrays:
    def kept(name: str) -> Any:
        return FUNCTIONS["softplus"](of(cell, name))

    made = {"c_j": kept("cm"), "g_j": kept("gleak"), "l_j": of(cell, "vleak"), "w_ij": kept("w"), "unfolds": 2.0}
    made |= {"σ_ij": of(cell, "sigma"), "μ_ij": of(cell, "mu"), "e_ij": of(cell, "erev"), "w'_kj": kept("sensory_w")}
    made |= {"σ'_kj": of(cell, "sensory_sigma"), "μ'_kj": of(cell, "sensory_mu"), "e'_kj": of(cell, "sensory_erev")}
    made |= {f"{name}_{{k}}": of(cell, name) for name in ("input_w", "input_b")}
    return {**made, **{name: of(cell, name) for name in ("output_w", "output_b")}}


def mamba(cell: Any) -> Arrays:
    made = {"W_in": of(cell, "in_proj"), "w_k": of(cell, "conv_weight").T[::-1], "b": of(cell, "conv_bias")}
    made |= {"W_x": of(cell, "x_proj"), "W_Δ": of(cell, "dt_weight"), "b_Δ": of(cell, "dt_bias")}
    return {**made, "A_log": of(cell, "A_log"), "D": of(cell, "D")}


def mamba2(cell: Any) -> Arrays:
    W_z, W_u, w_dt = np.split(of(cell, "in_proj"), [SIZE, 4 * SIZE])
    made = {"W_z": W_z, "W_u": W_u, "w_Δ": w_dt[0], "w_k": of(cell, "conv_weight").T[::-1], "b": of(cell, "conv_bias")}
    made |= {name: of(cell, name) for name in ("dt_bias", "A_log", "D")}
    return {**made, "w": of(cell, "norm_weight")}


def mclstm(cell: Any) -> Arrays:
    return {
        f"{letter}_{name}": of(cell, f"{word}_{name}")
        for letter, word in (("W", "weight"), ("b", "bias"))
        for name in "rio"
    }


def mogrifier(cell: Any) -> Arrays:
    made = {"Q": of(cell, "weight_q.0"), "b_q": of(cell, "bias_q.0")}
    return {**made, "R": of(cell, "weight_r.0"), "b_r": of(cell, "bias_r.0")}


def mlstm_block(cell: Any) -> Arrays:
    made = {**split(cell, "weight_in", "W_u W_z"), "c_j": of(cell, "conv_weight").T[::-1], "b_c": of(cell, "conv_bias")}
    made |= {f"W_{name}": weight[0] for name, weight in zip("qkv", of(cell, "weight_qkv"), strict=True)}
    gates = {**split(cell, "weight_gates", "w_i w_f"), **split(cell, "bias_gates", "b_i b_f")}
    made |= {name: block[0] for name, block in gates.items()}
    return {**made, "w": of(cell, "norm_weight"), "s": of(cell, "skip"), "ε": 0.5, "H": float(SIZE), "heads": 1.0}


def nas(cell: Any) -> Arrays:
    return {**rows(cell, "weight_ih", "W_k", 8), **rows(cell, "weight_hh", "U_k", 8), **rows(cell, "bias", "b_k", 8)}


def node(cell: Any) -> Arrays:
    made = {"W₁": of(cell, "weight_node_1"), "W₂": of(cell, "weight_node_2")}
    return {**made, "b₁": of(cell, "bias_node_1"), "b₂": of(cell, "bias_node_2")}


def euler(move: Any, y: Any, step: float) -> Any:
    return y + step * move(y)


def heun(move: Any, y: Any, step: float) -> Any:
    return y + step / 2 * (move(y) + move(euler(move, y, step)))


def runge_kutta(move: Any, y: Any, step: float) -> Any:
    first = move(y)
    second = move(y + step / 2 * first)
    third = move(y + step / 2 * second)
    return y + step / 6 * (first + 2 * second + 2 * third + move(y + step * third))


def flow(solver: Callable[[Any, Any, float], Any]) -> Callable[[Any, Functions], Functions]:
    """By the equation for dy/dt on the page, in two steps."""

    def made(cell: Any, known: Functions) -> Functions:
        def moved(h: Any, dt: float) -> Any:
            return solver(known["dy/dt"], solver(known["dy/dt"], h, dt / 2), dt / 2)

        return {"flow": moved}

    return made


def phased(cell: Any) -> Arrays:
    made = {"τ": abs(of(cell, "period")), "s": of(cell, "shift"), "r": abs(of(cell, "ratio")), "α": 0.2}
    return {**made, **split(cell, "weight_ch", "p_i p_f p_o")}


def windows(x: Any, t: int) -> Arrays:
    """x now, and x one step ago behind it."""
    return {"x": np.concatenate([x[t], x[t - 1] if t else np.zeros(SIZE)])}


def qrnn(cell: Any) -> Arrays:
    made = split(cell, "weight_ih", " ".join(f"W_{gate}" for gate in cell.blocks))
    return {**made, **split(cell, "bias", " ".join(f"b_{gate}" for gate in cell.blocks))}


def rglru(cell: Any) -> Arrays:
    made = {"W_a": of(cell, "weight_a")[0].T, "W_x": of(cell, "weight_x")[0].T}
    return {**made, "b_a": of(cell, "bias_a"), "b_x": of(cell, "bias_x"), "Λ": of(cell, "Lambda")}


def later_root(cell: Any, known: Functions) -> Functions:
    """The root, which is 1 at the first step."""
    first = iter([True])
    return {"√": lambda value: np.ones_like(value) if next(first, False) else np.sqrt(value)}


def rssm(cell: Any) -> Arrays:
    made = {f"W_{name}": of(cell, f"weight_{name}") for name in "pqe"} | {"W_v": of(cell, "weight_v.0")[0]}
    for name, suffix in (("p", ""), ("q", ""), ("e", ""), ("v", ".0")):
        made |= {f"w_{name}": of(cell, f"norm_{name}{suffix}"), f"b_{name}": of(cell, f"bias_{name}{suffix}")}
    return {**made, "W_g": of(cell, "weight_g")[0], "b_g": of(cell, "bias_g")}


def rwkv4(cell: Any) -> Arrays:
    made = {"μ_n": np.stack([of(cell, f"time_mix_{name}") for name in "kvr"])}
    made |= {"W_k": of(cell, "key"), "W_v": of(cell, "value"), "W_r": of(cell, "receptance")}
    return {**made, "time_decay": of(cell, "time_decay"), "time_first": of(cell, "time_first")}


def rwkv7(cell: Any) -> Arrays:
    made = {"μ_n": of(cell, "mix"), "W_r": of(cell, "receptance"), "W_k": of(cell, "key"), "W_v": of(cell, "value")}
    made |= {f"{name}{low}": of(cell, f"{name}{number}") for name in "wa" for number, low in enumerate("₀₁₂")}
    made |= {"g₁": of(cell, "g1"), "g₂": of(cell, "g2"), "e": np.e, "r_k": of(cell, "r_k")[0]}
    return {**made, **{name: of(cell, name) for name in ("k_k", "k_a", "ln_weight", "ln_bias")}}


def s5(cell: Any) -> Arrays:
    made = {"B̃": complex_of(cell, "B"), "C̃": complex_of(cell, "C"), "D": of(cell, "D"), "I": np.eye(SIZE)}
    return {
        **made,
        "Λ": np.diag(of(cell, "Lambda_re") + 1j * of(cell, "Lambda_im")),
        "log_step": np.diag(of(cell, "log_step")),
    }


def complex_expm(matrix: Any) -> Any:
    values, vectors = np.linalg.eig(matrix)
    return vectors * np.exp(values) @ np.linalg.inv(vectors)


def srnn(cell: Any) -> Arrays:
    return {"P": np.roll(np.eye(SIZE), 1, 0), "W_s": of(cell, "gate.weight"), "b_s": of(cell, "gate.bias")}


def hyper(cell: Any, known: Functions) -> Functions:
    def network(x: Any) -> Any:
        for layer in ("hidden.0", "hidden.1"):
            x = np.maximum(of(cell, f"{layer}.weight") @ x + of(cell, f"{layer}.bias"), 0)
        return of(cell, "out.weight") @ x + of(cell, "out.bias")

    return {"f": network}


def surnn(cell: Any) -> Arrays:
    made = {"c": of(cell, "gate_bias"), "α_k": of(cell, "gate_alpha").T, "φ_k": of(cell, "gate_phi").T}
    return {**made, "ω_k": of(cell, "gate_omega")}


def taugru(cell: Any) -> Arrays:
    made = {**split(cell, "weight_ih", "U₁ U₂ U₃ U₄"), **split(cell, "weight_hh", "W₁ W₂ W₃ W₄")}
    return {**made, **split(cell, "bias", "b₁ b₂ b₃ b₄")}
