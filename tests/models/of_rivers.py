"""Models of rivers, which read the weather of each day and, once, what does not change about a catchment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from proving import Case, Theirs, linear
from torch import Tensor, nn


class CatchmentLstm(nn.Module):
    """kratzert/ealstm_regional_modeling (d118158), main.py, Model with concat_static, lines 205 to 283.

    The features are those of papercode/datasets.py, line 96, the LSTM that of papercode/lstm.py, lines 17 to 116.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.weight_ih = nn.Parameter(torch.empty(input_size, 4 * hidden_size))
        self.weight_hh = nn.Parameter(torch.empty(hidden_size, 4 * hidden_size))
        self.bias = nn.Parameter(torch.empty(4 * hidden_size))
        self.fc = nn.Linear(hidden_size, 1)

    def forward(self, x: Mapping[str, Tensor]) -> Tensor:
        forcings, attributes = x["weather"][0], x["catchment"]
        days = torch.cat([forcings, attributes.repeat((len(forcings), 1))], dim=-1)
        h = c = days.new_zeros(1, len(self.weight_hh))
        for day in days:
            f, i, o, g = (self.bias + h @ self.weight_hh + day @ self.weight_ih).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        y: Tensor = self.fc(h)
        return y


def _catchment_lstm(theirs: Theirs) -> Mapping[str, Tensor]:
    return {
        "layers.0.cell.weight_ih": theirs.gates("weight_ih", "fiog", "ifgo", 1).T,
        "layers.0.cell.weight_hh": theirs.gates("weight_hh", "fiog", "ifgo", 1).T,
        "layers.0.cell.bias": theirs.gates("bias", "fiog", "ifgo"),
        **linear(theirs, "fc", "head.linear"),
    }


CASES: Final[Mapping[str, Case]] = {
    "rainfall-runoff-lstm": Case(
        theirs=lambda: CatchmentLstm(7, 4),
        ours=_catchment_lstm,
        changes={"input.of.weather": 3, "input.of.catchment.size": 4, "hidden_size": 4},
        mistakes={
            "the catchment in front of the weather": {
                "input.of": {"catchment": {"kind": "features", "size": 4, "per": "sequence"}, "weather": 3}
            },
            "the mean of all days": {"head.pool": "mean"},
            "the days from the last": {"layers": [{"reverse": True}]},
        },
    ),
}
