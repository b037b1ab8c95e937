"""SciPy: its discretisation of linear systems, its linear filter, and its solver of differential equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from oracles.copied import DOUBLE, Copied, Numbers, Oracle, loaded, stepped


def s5(given: Copied) -> Numbers:
    """Each state is a system of order one, discretised and filtered by itself."""
    from scipy.signal import cont2discrete, lfilter

    p: dict[str, Any] = {name: value.numpy() for name, value in given.p.items()}
    rates, B = p["Lambda_re"] + 1j * p["Lambda_im"], p["B"][..., 0] + 1j * p["B"][..., 1]
    kept: list[NDArray[np.complex128]] = []
    for rate, row, log_step in zip(rates, B, p["log_step"], strict=True):
        system = np.array([[rate]]), row[None], np.eye(1), np.zeros((1, len(row)))
        decay, scaled, *_ = cont2discrete(system, np.exp(log_step), given.options.discretisation)
        written = given.x.numpy() @ scaled[0]
        old = given.start["h"].numpy()[:, len(kept)]
        kept.append(lfilter([1.0], [1.0, -decay[0, 0]], written, axis=1, zi=decay[0, 0] * old[:, None])[0])
    h = np.stack(kept, 2)
    C = p["C"][..., 0] + 1j * p["C"][..., 1]
    return torch.from_numpy(2 * (h @ C.T).real + p["D"] * given.x.numpy()), {"h": torch.from_numpy(h[:, -1])}


def lmu(given: Copied) -> Numbers:
    """The paper's continuous system, discretised, beside torch's cell for the rest."""
    from scipy.signal import cont2discrete

    order, theta = given.options.order, given.options.theta
    A = np.array(
        [[(2 * i + 1) * (-1 if i < j else (-1) ** (i - j + 1)) for j in range(order)] for i in range(order)], float
    )
    B = np.array([[(2 * i + 1) * (-1) ** i] for i in range(order)], float)
    system = A / theta, B / theta, np.eye(order), np.zeros((order, 1))
    A, B, *_ = cont2discrete(system, 1.0, given.options.discretisation)
    of_m, written = torch.from_numpy(A), torch.from_numpy(B[:, 0])
    cell = loaded(
        nn.RNNCell(given.x.shape[2] + order, given.hidden, bias=False),
        {"weight_ih": torch.cat([given.p["W_x"], given.p["W_m"]], 1), "weight_hh": given.p["W_h"]},
    )

    def step(x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        h, m = state
        u = x @ given.p["e_x"] + h @ given.p["e_h"] + m @ given.p["e_m"]
        m = m @ of_m.T + torch.outer(u, written)
        return cell(torch.cat([x, m], 1), h), m

    return stepped(given, step, "h", "m")


def ode_lstm(given: Copied) -> Numbers:
    """torch's LSTM, then the flow of its output by a solver that looks for its own steps."""
    from scipy.integrate import solve_ivp

    module = nn.LSTMCell(given.x.shape[2], given.hidden)
    weights = {name: given.p[name] for name in ("weight_ih", "weight_hh")}
    cell = loaded(module, {**weights, "bias_ih": given.p["bias"], "bias_hh": torch.zeros_like(given.p["bias"])})
    first, b_first, second, b_second = (
        given.p[f"{kind}_node_{k}"].numpy() for k in (1, 2) for kind in ("weight", "bias")
    )

    def slope(_: float, h: NDArray[np.float64]) -> NDArray[np.float64]:
        slopes: NDArray[np.float64] = second @ np.tanh(first @ h + b_first) + b_second
        return slopes

    h, c, outputs = given.start["h"], given.start["c"], []
    for x, gaps in zip(given.x.unbind(1), given.dt.unbind(1), strict=True):
        h, c = cell(x, (h, c))
        flown = [
            solve_ivp(slope, (0.0, gap), row, method="DOP853", rtol=1e-13, atol=1e-14).y[:, -1]
            for row, gap in zip(h.numpy(), gaps.tolist(), strict=True)
        ]
        h = torch.tensor(np.array(flown), dtype=DOUBLE)
        outputs.append(h)
    return torch.stack(outputs, 1), {"h": h, "c": c}


def _at_left(drawn: Tensor) -> Tensor:
    return -0.1 - drawn.abs()


ORACLES = (
    *(
        Oracle(
            "s5",
            "scipy",
            f"scipy.signal.cont2discrete by {rule} and lfilter, state by state",
            s5,
            {"discretisation": rule},
            drawn={"Lambda_re": _at_left},
        )
        for rule in ("zoh", "bilinear")
    ),
    *(
        Oracle(
            "lmu",
            "scipy",
            f"scipy.signal.cont2discrete by {rule}, and torch.nn.RNNCell",
            lmu,
            {"order": 4, "theta": 6.0, "discretisation": rule},
        )
        for rule in ("zoh", "euler")
    ),
    Oracle(
        "ode-lstm",
        "scipy",
        "torch.nn.LSTMCell and scipy.integrate.solve_ivp, of which 400 steps of Runge and Kutta fall short by less",
        ode_lstm,
        {"unfolds": 400},
        dt=True,
    ),
)
