"""The equations of the pages whose values are tables, convolutions, heads or solvers give what the cells give too."""

from __future__ import annotations

import numpy as np
from each import each
from equation_cases import SIZE, Case, check
from equation_reader import FUNCTIONS, softmax
from equation_symbols import (
    backbone,
    cfc,
    complex_expm,
    convgru,
    convlstm,
    convolved,
    deltanet,
    euler,
    flow,
    gated_deltanet,
    heun,
    hyper,
    later_root,
    ligru,
    linoss,
    lmu,
    ltc,
    mamba,
    mamba2,
    mclstm,
    mlstm_block,
    mogrifier,
    nas,
    node,
    normalised,
    phased,
    qrnn,
    rglru,
    rssm,
    runge_kutta,
    rwkv4,
    rwkv7,
    s5,
    srnn,
    st_lstm,
    surnn,
    taugru,
    windows,
)
from equation_values import cells
from test_docs_cells_values import CASES, expm

NOT_EVALUATED: dict[str, str] = {}
"""Cells whose equations are not held to their numbers, and why."""

INDICES = tuple(range(SIZE))
MAPS = {"input": {"kind": "maps", "channels": 2, "height": 4, "width": 5}}
CFC = {"backbone_units": 5, "backbone_layers": 2}
KEYS = {"heads": 1, "key_size": SIZE}
COMPLEX = np.zeros(SIZE, complex)
MORE: dict[str, Case] = {
    "cfc": Case(CFC, symbols=cfc, derived=backbone),
    "cfc/no_gate": Case({"mode": "no_gate", **CFC}, "no_gate", cfc, derived=backbone),
    "cfc/pure": Case({"mode": "pure", **CFC}, "pure", cfc, derived=backbone),
    "convgru": Case(symbols=convgru, functions={"∗": convolved}, spec=MAPS),
    "convlstm": Case(symbols=convlstm, functions={"∗": convolved}, spec=MAPS),
    "deltanet": Case(KEYS, symbols=deltanet, counts={"j": range(4)}),
    "gated-deltanet": Case(KEYS, symbols=gated_deltanet, counts={"j": range(4)}),
    "ligru": Case(symbols=ligru, functions={"f": FUNCTIONS["relu"]}, derived=normalised),
    "ligru/layer": Case(
        {"norm": "layer", "nonlinearity": "tanh"}, symbols=ligru, functions={"f": np.tanh}, derived=normalised
    ),
    "ligru/none": Case({"norm": "none"}, symbols=ligru, functions={"f": FUNCTIONS["relu"]}, derived=normalised),
    "linoss": Case(symbols=linoss, start={"y": COMPLEX, "z": COMPLEX}),
    "linoss/imex": Case({"discretisation": "imex"}, "imex", linoss, start={"y": COMPLEX, "z": COMPLEX}),
    "lmu": Case(
        {"order": SIZE, "theta": 4.0}, symbols=lmu, functions={"exp": expm}, counts={"i": INDICES, "j": INDICES}
    ),
    "lmu/euler": Case(
        {"order": SIZE, "theta": 4.0, "discretisation": "euler"}, "euler", lmu, counts={"i": INDICES, "j": INDICES}
    ),
    "ltc": Case({"unfolds": 2}, symbols=ltc, counts={"i": INDICES, "j": INDICES, "k": INDICES}, times=2),
    "mamba": Case({"state_size": SIZE, "rank": SIZE}, symbols=mamba, counts={"k": range(4)}),
    "mamba2": Case({"state_size": SIZE}, symbols=mamba2, counts={"k": range(4)}),
    "mclstm": Case(
        {"mass": 2},
        symbols=mclstm,
        functions={"softmax": lambda a: softmax(a.reshape(-1, SIZE) if len(a) > SIZE else a)},
        inputs=lambda x, t: {"x": x[t, :2], "a": x[t, 2:]},
        positive=True,
    ),
    "mlstm-block": Case(  # of numbers large enough for n · q to count
        {"norm_eps": 0.5}, symbols=mlstm_block, counts={"j": range(4)}, spec={"init": {"kind": "uniform", "range": 2.0}}
    ),
    "mogrifier": Case({"rounds": 2}, symbols=mogrifier),
    "nas": Case({"bias": "one"}, symbols=nas, counts={"k": range(8)}),
    "ode-lstm": Case({"unfolds": 2}, symbols=node, derived=flow(runge_kutta)),
    "ode-lstm/heun": Case({"solver": "heun", "unfolds": 2}, symbols=node, derived=flow(heun)),
    "ode-lstm/euler": Case({"solver": "euler", "unfolds": 2}, symbols=node, derived=flow(euler)),
    "phased-lstm": Case(
        {"leak": 0.2, "ratio": 0.4, "period_min": 1.0, "period_max": 3.0}, symbols=phased, start={"time": 0.0}
    ),
    "qrnn": Case(symbols=qrnn, functions={"∗": np.matmul}, inputs=windows),
    "qrnn/ifo": Case({"pooling": "ifo"}, "`ifo`", qrnn, {"∗": np.matmul}, inputs=windows),
    "qrnn/f": Case({"pooling": "f"}, "`f`", qrnn, {"∗": np.matmul}, inputs=windows, output="c"),
    "rglru": Case(symbols=rglru, derived=later_root),
    "rssm": Case({"units": 2}, symbols=rssm, inputs=lambda x, t: {"x": x[t, : SIZE - 1], "a": x[t, SIZE - 1 :]}),
    "rwkv4": Case(symbols=rwkv4, start={"pp": np.full(SIZE, -1e30)}, counts={"n": "kvr"}),
    "rwkv7": Case({"decay_rank": 2, "rate_rank": 2, "gate_rank": 2}, symbols=rwkv7, counts={"n": "rwkvag"}),
    "s5": Case(symbols=s5, functions={"exp": complex_expm}, start={"h": COMPLEX}),
    "s5/bilinear": Case(
        {"discretisation": "bilinear"}, "bilinear", s5, functions={"exp": complex_expm}, start={"h": COMPLEX}
    ),
    "srnn": Case({"hyper_size": 5, "depth": 2}, symbols=srnn, derived=hyper),
    "st-lstm": Case(symbols=st_lstm, functions={"∗": convolved}, spec=MAPS),
    "surnn": Case(
        symbols=surnn,
        functions={"H": lambda a: (a > 0) * 1.0},
        counts={"k": range(4)},
        inputs=lambda x, t: {"x": x[t], "t": t + 1.0},
    ),
    "taugru": Case({"delay": 2}, symbols=taugru),
}


@each("name", MORE)
def test_the_equations_of_a_page_give_the_numbers_of_its_cell(name: str) -> None:
    check(name, MORE[name])


def test_every_cell_is_evaluated_or_it_is_said_why_not() -> None:
    evaluated = {name.partition("/")[0] for name in (*CASES, *MORE)}
    assert evaluated | set(NOT_EVALUATED) == {one.record.name for one in cells()}
    assert not evaluated & set(NOT_EVALUATED)
    assert not set(CASES) & set(MORE)
