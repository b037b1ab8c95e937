"""Models that forecast series, each as its source computes it, and how its parameters become ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import torch
from proving import Case, Theirs, of_torch
from torch import Tensor, nn


class LSTNet(nn.Module):
    """laiguokun/LSTNet (001bec3), models/LSTNet.py, lines 6 to 80; `pt` is a whole number there, as of Python 2."""

    def __init__(self, series: int, channels: int, hidden: int, skipped: int, share: bool = False) -> None:
        super().__init__()
        self.skip, self.hw, self.share = 3, 4, share
        self.conv1 = nn.Conv2d(1, channels, kernel_size=(3, series))
        self.GRU1 = nn.GRU(channels, hidden)
        self.GRUskip = nn.GRU(channels, skipped)
        self.linear1 = nn.Linear(hidden + self.skip * skipped, series)
        self.highway = nn.Linear(self.hw, 1)

    def forward(self, x: Tensor) -> Tensor:
        batch, steps, series = x.shape
        c = torch.relu(self.conv1(x.unsqueeze(1))).squeeze(3)  # (B, channels, T - 2)
        _, r = self.GRU1(c.permute(2, 0, 1))
        pt = (steps - 3) // self.skip
        s = c[:, :, -pt * self.skip :].reshape(batch, -1, pt, self.skip)
        _, s = self.GRUskip(s.permute(2, 0, 3, 1).reshape(pt, batch * self.skip, -1))
        res = self.linear1(torch.cat((r.squeeze(0), s.reshape(batch, -1)), 1))
        z = self.highway(x[:, -self.hw :].permute(0, 2, 1).reshape(-1, self.hw))
        res = res + z.view(-1, series)
        return torch.sigmoid(res) if self.share else res


def _lstnet(theirs: Theirs) -> Mapping[str, Tensor]:
    """The one linear map of both recurrent parts is two here."""
    of_recurrent, of_days = theirs["linear1.weight"].split([6, 6], 1)
    return {
        "layers.0.conv.weight": theirs["conv1.weight"].squeeze(1).transpose(1, 2),
        "layers.0.conv.bias": theirs["conv1.bias"],
        "layers.3.conv.weight": theirs["highway.weight"].unsqueeze(0),
        "layers.3.conv.bias": theirs["highway.bias"],
        "heads.recurrent.linear.weight": of_recurrent,
        "heads.recurrent.linear.bias": theirs["linear1.bias"],
        "heads.days.linear.weight": of_days,
        **of_torch(theirs, "GRU1", "layers.1.cell"),
        **of_torch(theirs, "GRUskip", "layers.2.layers.0.cell"),
    }


LSTNET: Final = Case(
    theirs=lambda: LSTNet(4, 6, 6, 2),
    ours=_lstnet,
    changes={
        "input": 4,
        "layers.conv.channels": 6,
        "layers.conv.kernel_size": 3,
        "layers.recurrent.hidden_size": 6,
        "layers.days.period": 3,
        "layers.days.layers.0.hidden_size": 2,
        "layers.linear.steps": 4,
        "heads.recurrent.size": 4,
        "heads.days.size": 4,
    },
    mistakes={
        "no activation": {"layers.conv.activation": "none"},
        "the days behind the recurrent layer": {"layers.days.from": "recurrent"},
        "the recurrent layer's mean": {"heads.recurrent.pool": "mean"},
        "the mean of all days": {"heads.days.pool": "mean"},
        "the largest of the linear part": {"heads.linear.pool": "max"},
        "another window": {"layers.conv.padding": [1, 1]},
    },
    lengths=(13, 9, 6, 12),  # behind the convolution no whole number of periods, see the spec
)
TRAFFIC: Final = replace(LSTNET, theirs=lambda: LSTNet(4, 6, 6, 2, share=True), after=torch.sigmoid)

CASES: Final = {
    "lstnet": LSTNET,
    "lstnet@solar": LSTNET,
    "lstnet@traffic": TRAFFIC,
    "lstnet@exchange": LSTNET,
}
