"""The equations of the pages, evaluated as they are written, give what the cells give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from equation_values import FUNCTIONS, cells, run, sigmoid

import zoo

SIZE, STEPS = 3, 4
Arrays = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One cell with these options.

    case: which of the page's cases that is. symbols: what the parameters are called there, where blocks W, U and b of
    the roles do not say it. functions: what the page defines in words. start: states that do not start at zero.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    case: str = ""
    symbols: Callable[[Any], Arrays] = lambda cell: {}
    functions: Mapping[str, Any] = field(default_factory=dict)
    start: Mapping[str, float] = field(default_factory=dict)


def of(cell: Any, name: str) -> Any:
    found = getattr(cell, name).detach().numpy()
    return float(found[0]) if found.shape == (1,) else found


def split(cell: Any, name: str, symbols: str) -> Arrays:
    """The blocks of a parameter: of `weight_ih`, `W_i W_f` are the upper and the lower half."""
    names = symbols.split()
    return dict(zip(names, np.split(of(cell, name), len(names)), strict=True))


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
    norm = {"w": of(cell, "norm_weight"), "d_k": float(SIZE), "τ": 16.0}
    return {"W": of(cell, "weight_qkv"), "W_g": of(cell, "weight_g"), **gate, **norm}


def positive(x: Any) -> Any:
    return np.where(x >= 0, x + 0.5, sigmoid(x))


def hard(v: Any) -> Any:
    return np.clip(v / 5 + 0.5, 0, 1)


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
    "dsgu": Case(symbols=lambda c: {**sgu(c), "W_go": of(c, "weight_go")}, functions={"σ'": hard}),
    "elstm": Case(
        symbols=lambda c: {
            **split(c, "weight_ih", "F Z O"), **split(c, "weight_ch", "w_f w_z"), "W_o": of(c, "weight_o")
        }
    ),
    "esn": Case(
        {"leak": 0.3, "bias_scaling": 0.5},
        symbols=lambda c: {"a": 0.3, "W_in": of(c, "W_in"), "W": of(c, "W"), "b": of(c, "bias")},
    ),
    "fastgrnn": Case(
        symbols=lambda c: {"W": of(c, "weight_ih"), "U": of(c, "weight_hh"), "ζ": of(c, "zeta"), "ν": of(c, "nu")},
        functions={"f": np.tanh},
    ),
    "fastrnn": Case(symbols=lambda c: {"α": of(c, "alpha"), "β": of(c, "beta")}, functions={"f": np.tanh}),
    "gla": Case({"heads": 1, "key_size": SIZE}, symbols=gla),
    "gru": Case(symbols=lambda c: {"b_n": np.split(of(c, "bias_ih"), 3)[2], "b'_n": np.split(of(c, "bias_hh"), 3)[2]}),
    "gru/before": Case({"reset_gate": "before"}, "before"),
    "gru-d": Case(symbols=grud),
    "hgrn": Case({"lower_bound": 0.2}, symbols=lambda c: {"γ": 0.2, "w": of(c, "norm_weight")}),
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
    "mingru": Case(functions={"g": positive}),
    "minimalrnn": Case(
        symbols=lambda c: {"W": of(c, "weight_ih"), "U_h": of(c, "weight_hh"), "U_z": of(c, "weight_zh")}
    ),
    "minlstm": Case(functions={"g": positive}),
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
    "residual-lstm": Case(
        symbols=lambda c: {
            **split(c, "weight_ch", "p_i p_f p_o"), "W_p": of(c, "weight_p"), "W_h": of(c, "weight_res")
        }
    ),
    "rhn": Case(
        {"depth": 1},
        symbols=lambda c: {
            **split(c, "weight_ih", "W_h W_t"), **split(c, "weight_hh", "U_h U_t"), **split(c, "bias", "b_h b_t")
        },
    ),
    "rnn": Case(functions={"f": np.tanh}),
    "scrn": Case({"context_size": 2}, symbols=lambda c: {"α": 0.95, **{name: of(c, name) for name in "ABPR"}}),
    "sgrn": Case({"bias": "two"}, symbols=lambda c: {"b": of(c, "bias_ih"), "b'": of(c, "bias_hh")}),
    "sgu": Case(symbols=sgu, functions={"σ'": hard}),
    # where n is 0, as to begin with, m' is ĩ: as if m had been far below
    "slstm": Case(symbols=lambda c: split(c, "weight_hh", "R_i R_f R_z R_o"), start={"m": -1e30}),
    "sru": Case({"highway_bias": 0.5}, symbols=sru),
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


def blocks(cell: Any) -> Arrays:
    """The parameters that roles tell of: W, U and b of each gate, with its name where there are several."""
    found: Arrays = {}
    for name, role in cell.roles().items():
        letter = {"input": "W", "recurrent": "U", "bias": "b"}.get(role.kind, name)
        gates = role.gates or ("",)
        for gate, block in zip(gates, np.split(of(cell, name), len(gates)), strict=True):
            symbol = f"{letter}_{gate}" if len(gates) > 1 else letter
            found[symbol] = found[symbol] + block if letter == "b" and symbol in found else block
    return found


@pytest.mark.parametrize("name", CASES)
def test_the_equations_of_a_page_give_the_numbers_of_its_cell(name: str) -> None:
    kind, said = name.partition("/")[0], CASES[name]
    known = next(one for one in cells() if one.record.name == kind)
    spec = {"schema": 1, "name": "t", "input": SIZE, "cell": {"kind": kind, **said.options}, "hidden_size": SIZE}
    model: Any = zoo.build(spec, seed=0, dtype=torch.float64).eval()
    cell = model.layers[0].cell
    draws = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=draws, dtype=torch.float64)

    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.add_(0.3 * normal(*parameter.shape))
        x, dt, observed = normal(1, STEPS, SIZE), normal(1, STEPS).abs(), normal(1, STEPS, SIZE) > 0
        given = {key: value for key, value in (("dt", dt), ("observed", observed)) if key in known.record.uses}
        expected = model(x, **given)[0][0].numpy()
    steps = [
        {
            "u" if kind == "esn" else "x": x[0, t].numpy(),
            "m": observed[0, t].numpy() * 1.0,
            "Δt": dt[0, t].item() * (t > 0),
        }
        for t in range(STEPS)
    ]
    used = {"u" if kind == "esn" else "x", *known.inputs}
    inputs = [{symbol: value for symbol, value in step.items() if symbol in used} for step in steps]
    start = {
        symbol: np.full([size for size in cell.states[state].shape if size > 1], said.start.get(symbol, 0.0))
        for state, symbol in zip(known.states, known.symbols, strict=True)
    }
    parameters = {**blocks(cell), **said.symbols(cell)}
    found = run(known, parameters, inputs, start, case=said.case, functions=said.functions)
    np.testing.assert_allclose(np.stack(found).reshape(expected.shape), expected, rtol=1e-10, atol=1e-12)
    assert np.abs(expected).max() > 1e-3
