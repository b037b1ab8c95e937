"""The equations of the pages, evaluated as they are written, give what the cells give."""

from __future__ import annotations

from typing import Any

import numpy as np
from each import each
from equation_cases import SIZE, Arrays, Case, check, of, split
from equation_reader import FUNCTIONS


def columns(cell: Any, symbols: str) -> Arrays:
    """Blocks W of x now, and V of x one step ago, in the columns behind."""
    rows = split(cell, "weight_ih", symbols)
    now = {name: block[:, :SIZE] for name, block in rows.items()}
    return {**now, **{f"V{name[1:]}": block[:, SIZE:] for name, block in rows.items()}}


def antisymmetric(cell: Any) -> Arrays:
    plain = {"V_h": of(cell, "weight_ih"), "b_h": of(cell, "bias")}
    gated = len(cell.blocks) == 2 and {**split(cell, "weight_ih", "V_h V_z"), **split(cell, "bias", "b_h b_z")}
    return {**(gated or plain), "W": of(cell, "weight_hh"), "γ": 0.01, "ε": 0.01, "I": np.eye(SIZE)}


def lipschitz(cell: Any) -> Arrays:
    made = {"U": of(cell, "weight_ih"), "b": of(cell, "bias"), "M_A": of(cell, "weight_A"), "M_W": of(cell, "weight_W")}
    return {**made, "β": 0.75, "γ": 0.001, "ε": 0.03, "I": np.eye(SIZE)}


def cornn(cell: Any) -> Arrays:
    made = {"V": of(cell, "weight_ih"), "b": of(cell, "bias"), **split(cell, "weight_hh", "W 𝒲")}
    return {**made, "Δt": 0.042, "γ": 2.7, "ε": 4.7}


def sgu(cell: Any) -> Arrays:
    return {**split(cell, "weight_ih", "W_xh W_xz"), **split(cell, "weight_hh", "W_zxh W_hz")}


def grud(cell: Any) -> Arrays:
    gates = {**split(cell, "weight_ih", "W_r W_z W"), **split(cell, "weight_mask", "V_r V_z V")}
    gates |= {**split(cell, "weight_hh", "U_r U_z U"), **split(cell, "bias", "b_r b_z b")}
    decays = {"w_γ": of(cell, "weight_gamma_x"), "b_γ": of(cell, "bias_gamma_x"), "W_γ": of(cell, "weight_gamma_h")}
    return {**gates, **decays, "b'_γ": of(cell, "bias_gamma_h"), "x̄": of(cell, "mean")}


def mlstm(cell: Any) -> Arrays:
    gates = {**split(cell, "weight_gates", "w_i w_f"), **split(cell, "bias_gates", "b_i b_f")}
    gates = {name: block[0] for name, block in gates.items()}
    made = {**split(cell, "weight_ih", "W_q W_k W_v W_o"), **split(cell, "bias", "b_q b_k b_v b_o")}
    return {**made, **gates, "H": float(SIZE), "heads": 1.0}


def onlstm(cell: Any) -> Arrays:
    made = {**split(cell, "weight_ih", "W_o W_g W_i W_f"), **split(cell, "weight_hh", "U_o U_g U_i U_f")}
    made |= {**split(cell, "bias", "b_o b_g b_i b_f"), **split(cell, "weight_ih_master", "W W'")}
    return {**made, **split(cell, "weight_hh_master", "U U'"), **split(cell, "bias_master", "b b'")}


def lem(cell: Any) -> Arrays:
    made = {**split(cell, "weight_ih", "V₁ V₂ V_z V_y"), **split(cell, "weight_hh", "W₁ W₂ W_z W_y")}
    return {**made, **split(cell, "bias", "b₁ b₂ b_z b_y"), "Δt": 0.7}


def rhn(cell: Any, blocks: str) -> Arrays:
    names = {"W": "weight_ih", "U": "weight_hh", "b": "bias"}
    made = [
        split(cell, name, " ".join(f"{letter}_{block}" for block in blocks.split())) for letter, name in names.items()
    ]
    return {symbol: value for one in made for symbol, value in one.items()}


def residual(cell: Any) -> Arrays:
    return {**split(cell, "weight_ch", "p_i p_f p_o"), "W_p": of(cell, "weight_p")}


def sru(cell: Any) -> Arrays:
    made = {**split(cell, "weight_ih", "W W_f W_r"), **split(cell, "weight_c", "v_f v_r"), "β": 0.5}
    return {**made, **split(cell, "bias", "b_f b_r")}


def plrnn(cell: Any) -> Arrays:
    diagonal = np.diag(np.diag(of(cell, "AW")))
    return {"A": diagonal, "W": of(cell, "AW") - diagonal, "C": of(cell, "C"), "h": of(cell, "h")}


def orthogonal(cell: Any) -> Arrays:
    A = np.zeros((SIZE, SIZE))
    A[np.triu_indices(SIZE, 1)] = of(cell, "A")
    return {"W": of(cell, "weight_ih"), "A": A, "b": of(cell, "b"), "I": np.eye(SIZE)}


def expm(S: Any) -> Any:
    """That of a matrix, by its eigenvalues."""
    values, vectors = np.linalg.eig(S)
    return np.real(vectors * np.exp(values) @ np.linalg.inv(vectors))


def lru(cell: Any) -> Arrays:
    made = {letter: of(cell, f"{letter}_re") + 1j * of(cell, f"{letter}_im") for letter in "BC"}
    logs = {"ν": of(cell, "nu_log"), "θ": of(cell, "theta_log"), "γ": of(cell, "gamma_log")}
    return {**made, **logs, "D": of(cell, "D"), "i": 1j}


def gla(cell: Any) -> Arrays:
    gate = {"W_α": of(cell, "gk_up"), "W_α'": of(cell, "gk_down"), "b_α": of(cell, "gk_bias")}
    norm = {"w": of(cell, "norm_weight"), "d_k": float(SIZE), "τ": 16.0, "ε": 1e-5}
    return {"W": of(cell, "weight_qkv"), "W_g": of(cell, "weight_g"), **gate, **norm}


def retnet(cell: Any) -> Arrays:
    W_q, W_k, W_v = np.split(of(cell, "weight_qkv"), [4, 8])
    made = {"W_q": W_q, "W_k": W_k, "W_v": W_v, "W_g": of(cell, "weight_g"), "w": of(cell, "norm_weight")}
    return {**made, "ε": 1e-5, "d_k": 4.0, "θ": np.array([1.0, 0.01]), "γ": 1 - 2**-5}


def hgrn2(cell: Any) -> Arrays:
    made = {"w": of(cell, "norm_weight"), "d_k": float(SIZE), "γ": 0.2, "ε": 1e-5}
    return {**made, **split(cell, "weight_qkv", "W_q W_f W_v")}


CASES: dict[str, Case] = {
    "antisymmetric": Case(case="no such case", symbols=antisymmetric),
    "antisymmetric/gated": Case({"gated": True}, "gated", antisymmetric),
    "atr": Case(symbols=lambda c: {"b_p": of(c, "bias_ih"), "b_q": of(c, "bias_hh")}),
    "br": Case(symbols=lambda c: split(c, "weight_hh", "w_a w_c")),
    "cfn": Case(
        symbols=lambda c: {
            **split(c, "weight_ih", "W_θ W_η W_h"), **split(c, "weight_hh", "U_θ U_η"), **split(c, "bias", "b_θ b_η")
        }
    ),
    "cornn": Case(symbols=cornn),
    "cornn/imex": Case({"discretisation": "imex"}, "imex", cornn),
    "dsgu": Case(symbols=lambda c: {**sgu(c), "W_go": of(c, "weight_go")}),
    "elstm": Case(
        symbols=lambda c: {
            **split(c, "weight_ih", "F Z O"), **split(c, "weight_ch", "w_f w_z"), "W_o": of(c, "weight_o")
        }
    ),
    "esn": Case(
        {"leak": 0.3, "bias_scaling": 0.5},
        symbols=lambda c: {"a": 0.3, "W_in": of(c, "W_in"), "W": of(c, "W"), "b": of(c, "bias")},
        inputs=lambda x, t: {"u": x[t]},
    ),
    "fastgrnn": Case(
        symbols=lambda c: {"W": of(c, "weight_ih"), "U": of(c, "weight_hh"), "ζ": of(c, "zeta"), "ν": of(c, "nu")},
        functions={"f": np.tanh},
    ),
    "fastrnn": Case(symbols=lambda c: {"α": of(c, "alpha"), "β": of(c, "beta")}, functions={"f": np.tanh}),
    "gla": Case({"heads": 1, "key_size": SIZE}, symbols=gla),
    "gru": Case(symbols=lambda c: {"b_n": np.split(of(c, "bias_ih"), 3)[2], "b'_n": np.split(of(c, "bias_hh"), 3)[2]}),
    "gru/before": Case({"reset_gate": "before"}, "before"),
    # before the first step there was none, and no gap
    "gru-d": Case(symbols=grud, inputs=lambda x, t: {"x": x[t]} if t else {"x": x[t], "Δt": 0.0}),
    "hgrn": Case({"lower_bound": 0.2}, symbols=lambda c: {"γ": 0.2, "ε": 1e-5, "w": of(c, "norm_weight")}),
    "hgrn2": Case({"lower_bound": 0.2}, symbols=hgrn2),
    "indrnn": Case(
        symbols=lambda c: {"W": of(c, "weight_ih"), "u": of(c, "weight_hh"), "b": of(c, "bias")},
        functions={"f": FUNCTIONS["relu"]},
    ),
    "intersection": Case(),
    "janet": Case({"beta": 0.7}, symbols=lambda c: {"β": 0.7}),
    "lem": Case({"dt": 0.7}, symbols=lem),
    "lightru": Case(symbols=lambda c: {"U_f": of(c, "weight_hh"), "b_f": of(c, "bias")}),
    "lipschitz": Case(symbols=lipschitz),
    "lipschitz/rk2": Case({"integrator": "rk2"}, "rk2", lipschitz),
    "lru": Case(symbols=lru),
    "lstm": Case(),
    "lstm-1997": Case(),
    "memory-control-lstm": Case(),
    "mgu": Case(),
    "mingru": Case(),
    "minimalrnn": Case(
        symbols=lambda c: {"W": of(c, "weight_ih"), "U_h": of(c, "weight_hh"), "U_z": of(c, "weight_zh")}
    ),
    "minlstm": Case(),
    "miru1": Case({"lam": 0.3}, symbols=lambda c: {"λ": 0.3}),
    "miru2": Case({"lam": 0.3, "beta": 0.6}, symbols=lambda c: {"λ": 0.3, "β": 0.6}),
    "mlstm": Case(symbols=mlstm),
    "multiplicative-lstm": Case(
        symbols=lambda c: {
            "W_mx": of(c, "weight_mx"), "W_mh": of(c, "weight_mh"),
            **split(c, "weight_ih", "W_hx W_ix W_ox W_fx"), **split(c, "weight_hm", "W_hm W_im W_om W_fm"),
        }
    ),
    "mut1": Case(),
    "mut1/identity": Case({"input": "identity"}, "identity"),
    "mut2": Case(),
    "mut2/identity": Case({"input": "identity"}, "identity"),
    "mut3": Case(),
    "nbr": Case(),
    "on-lstm": Case({"chunk_size": 1}, symbols=onlstm),
    "orthogonal": Case({"parametrisation": "exp"}, "exp", orthogonal, {"exp": expm}),
    "orthogonal/cayley": Case({"parametrisation": "cayley"}, "cayley", orthogonal),
    "plrnn": Case(symbols=plrnn),
    "ran": Case(functions={"g": np.tanh}),
    "retnet": Case({"key_size": 4}, symbols=retnet, inputs=lambda x, t: {"x": x[t], "t": float(t)}),
    "residual-lstm": Case(symbols=lambda c: {**residual(c), "W_h": of(c, "weight_res")}),
    "residual-lstm/identity": Case({"shortcut": "identity"}, "identity", residual),
    "rhn": Case({"depth": 1}, symbols=lambda c: rhn(c, "h t")),
    "rhn/uncoupled": Case({"depth": 1, "coupled": False}, "uncoupled", lambda c: rhn(c, "h t c")),
    "rnn": Case(functions={"f": np.tanh}),
    "scrn": Case({"context_size": 2}, symbols=lambda c: {"α": 0.95, **{name: of(c, name) for name in "ABPR"}}),
    "sgrn": Case({"bias": "two"}, symbols=lambda c: {"b": of(c, "bias_ih"), "b'": of(c, "bias_hh")}),
    "sgu": Case(symbols=sgu),
    # where n is 0, as to begin with, m' is ĩ: as if m had been far below
    "slstm": Case(symbols=lambda c: split(c, "weight_hh", "R_i R_f R_z R_o"), start={"m": np.full(SIZE, -1e30)}),
    "sru": Case({"highway_bias": 0.5}, symbols=sru),
    "sru/plain": Case({"skip": "plain"}, "plain", sru),
    "star": Case({"beta": 1.0}, symbols=lambda c: {"U_k": of(c, "weight_hh"), "β": 1.0}),
    "tgru": Case(symbols=lambda c: columns(c, "W_z W_f W_o")),
    "tlstm": Case(symbols=lambda c: columns(c, "W_z W_f W_o")),
    "trnn": Case(symbols=lambda c: {**split(c, "weight_ih", "V W"), "b": of(c, "bias")}),
    "ugrnn": Case(functions={"s": np.tanh}),
    "unicornn": Case(
        symbols=lambda c: {
            "V": of(c, "weight_ih"), "w": of(c, "weight_hh"), "c": of(c, "c"), "b": of(c, "bias"), "Δt": 0.19, "α": 30.65
        }
    ),
    "wmc-lstm": Case(symbols=lambda c: split(c, "weight_ch", "V_i V_f V_o")),
}  # fmt: skip


@each("name", CASES)
def test_the_equations_of_a_page_give_the_numbers_of_its_cell(name: str) -> None:
    check(name, CASES[name])
