"""Packages of one module each: LRU-pytorch, mogrifier, linoss-dynamics and mambapy."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from oracles.copied import DOUBLE, Copied, Numbers, Oracle, doubled, loaded, stepped


def lru(given: Copied) -> Numbers:
    """Its D is a matrix, of which ours is the diagonal. It sets its state to zero after every row."""
    from LRU_pytorch import LRU

    width = given.x.shape[2]
    before = torch.get_default_dtype()
    torch.set_default_dtype(DOUBLE)
    try:
        module = LRU(width, width, given.hidden)
        weights = {name: given.p[name] for name in ("nu_log", "theta_log", "gamma_log")}
        weights |= {name: torch.complex(given.p[f"{name}_re"], given.p[f"{name}_im"]) for name in ("B", "C")}
        module.load_state_dict({**weights, "D": torch.diag(given.p["D"])}, strict=True)
        return module(given.x), {}
    finally:
        torch.set_default_dtype(before)


def mogrifier(given: Copied) -> Numbers:
    """Its rounds share one Q and one R, so that all of ours are drawn equal; the step after them is torch's LSTM."""
    from mogrifier import Mogrifier

    width = given.x.shape[2]
    rounds = Mogrifier(width, given.options.rounds, dim_hidden=given.hidden)
    loaded(rounds, {f"{n.upper()}.0.{k}": given.p[f"{k}_{n}.0"] for n in "qr" for k in ("weight", "bias")})
    weights = {name: given.p[name] for name in ("weight_ih", "weight_hh")}
    bias = {"bias_ih": given.p["bias"], "bias_hh": torch.zeros_like(given.p["bias"])}
    cell = loaded(nn.LSTMCell(width, given.hidden), {**weights, **bias})

    def step(x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        x, h = rounds(x, state[0])
        h, c = cell(x, (h, state[1]))
        return h, c

    return stepped(given, step, "h", "c")


def linoss(given: Copied) -> Numbers:
    """Its oscillators are real and share a step: each complex one of ours is two, all with one drawn step."""
    from linoss_dynamics import linoss_scan

    p = {name: value.numpy() for name, value in given.p.items()}
    stiff, step = np.repeat(np.maximum(p["A_diag"], 0), 2), float(torch.sigmoid(given.p["steps"])[0])
    B = p["B"].transpose(0, 2, 1).reshape(-1, given.x.shape[2])  # (2 N, I): real and imaginary part of each
    ys, zs = [], []
    for x, y0, z0 in zip(given.x.numpy(), given.start["y"].numpy(), given.start["z"].numpy(), strict=True):
        y, z, _ = linoss_scan(x, stiff, step, mode=given.options.discretisation, B=B, y0=y0.ravel(), z0=z0.ravel())
        ys.append(y[1:].reshape(len(x), -1, 2))
        zs.append(z[-1].reshape(-1, 2))
    kept = np.stack(ys)
    C = p["C"][..., 0] + 1j * p["C"][..., 1]
    out = ((kept[..., 0] + 1j * kept[..., 1]) @ C.T).real + p["D"] * given.x.numpy()
    return torch.from_numpy(out), {"y": torch.from_numpy(kept[:, -1]), "z": torch.from_numpy(np.stack(zs))}


def mamba(given: Copied) -> Numbers:
    """Its block step by step, whose last product is set to the identity."""
    from mambapy.mamba import MambaBlock, MambaConfig

    width, chosen = given.x.shape[2], given.options
    config = MambaConfig(
        d_model=width,
        n_layers=1,
        dt_rank=chosen.rank,
        d_state=chosen.state_size,
        expand_factor=given.hidden // width,
        d_conv=chosen.kernel,
    )
    block = MambaBlock(config)
    block.out_proj = nn.Identity()
    names = {"in_proj": "in_proj.weight", "x_proj": "x_proj.weight", "dt_weight": "dt_proj.weight"}
    names |= {"dt_bias": "dt_proj.bias", "conv_bias": "conv1d.bias", "A_log": "A_log", "D": "D"}
    weights = {theirs: given.p[ours] for ours, theirs in names.items()}
    loaded(block, {**weights, "conv1d.weight": given.p["conv_weight"][:, None]})
    h, seen, outputs = given.start["h"], torch.zeros(len(given.x), given.hidden, chosen.kernel - 1, dtype=DOUBLE), []
    with doubled():
        for x in given.x.unbind(1):
            y, (h, seen) = block.step(x, (h, seen))
            outputs.append(y)
    return torch.stack(outputs, 1), {"h": h}


def _alike(drawn: Tensor) -> Tensor:
    return torch.full_like(drawn, 0.3)


def _by_column(drawn: Tensor) -> Tensor:
    """Numbers that depend on their place alone."""
    return 0.5 * torch.arange(drawn.numel(), dtype=drawn.dtype).view(drawn.shape).cos()


ROUNDS = {f"{k}_{n}.{j}": _by_column for n in "qr" for k in ("weight", "bias") for j in range(3)}
ORACLES = (
    Oracle("lru", "LRU-pytorch", "LRU_pytorch.LRU", lru, started=False, hides=frozenset({"h"})),
    Oracle("mogrifier", "mogrifier", "mogrifier.Mogrifier and torch.nn.LSTMCell", mogrifier, drawn=ROUNDS),
    *(
        Oracle(
            "linoss",
            "linoss-dynamics",
            f"linoss_dynamics.linoss_scan, {rule}",
            linoss,
            {"discretisation": rule},
            drawn={"steps": _alike, "A_diag": torch.abs},
        )
        for rule in ("im", "imex")
    ),
    Oracle(
        "mamba",
        "mambapy",
        "mambapy.mamba.MambaBlock, step by step",
        mamba,
        {"state_size": 3, "kernel": 3, "rank": 2},
        hidden=8,
    ),
)
