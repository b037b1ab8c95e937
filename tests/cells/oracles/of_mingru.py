"""minGRU-pytorch: step by step from a state, and its scan in logarithms from zero. Its scan from a state is not right
for the minLSTM, see tests/cells/wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from oracles.copied import Copied, Numbers, Oracle, loaded


def _module(given: Copied) -> Any:
    from minGRU_pytorch.minGRU import minGRU
    from minGRU_pytorch.minLSTM import minLSTM

    blocks = given.p["weight_ih"].shape[0] // given.hidden
    if blocks == 2:
        z, h = given.blocks("weight_ih", 2)
        return loaded(minGRU(given.hidden), {"to_hidden_and_gate.weight": torch.cat([h, z])})
    f, i, h = given.blocks("weight_ih", 3)
    return loaded(minLSTM(given.hidden), {"to_hidden_and_f_i_gate.weight": torch.cat([h, f, i])})


def by_steps(given: Copied) -> Numbers:
    module, h, outputs = _module(given), given.start["h"][:, None], []
    for x in given.x.unbind(1):
        y, h = module(x[:, None], h, return_next_prev_hidden=True)
        outputs.append(y)
    return torch.cat(outputs, 1), {"h": h[:, 0]}


def by_scan(given: Copied) -> Numbers:
    y, h = _module(given)(given.x, return_next_prev_hidden=True)
    return y, {"h": h[:, 0]}


def _pair(kind: str, name: str) -> tuple[Oracle, ...]:
    def one(what: str, theirs: Callable[[Copied], Numbers], started: bool) -> Oracle:
        return Oracle(
            kind, "minGRU-pytorch", f"minGRU_pytorch.{name}, {what}", theirs, {"bias": "none"}, 5, started=started
        )

    return one("step by step", by_steps, True), one("its scan from zero", by_scan, False)


ORACLES = (*_pair("mingru", "minGRU"), *_pair("minlstm", "minLSTM"))
