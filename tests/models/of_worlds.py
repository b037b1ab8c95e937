"""Models of control and of films, each as its source computes it, and how its parameters become ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from proving import Case, Theirs, linear
from torch import Tensor, nn
from torch.nn import functional as F


def _cell(theirs: Theirs, name: str, ours: str, suffix: str = "") -> dict[str, Tensor]:
    """A torch.nn.LSTMCell, or with the suffix _l0 the first layer of an LSTM."""
    parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return {f"{ours}.cell.{part}": theirs[f"{name}.{part}{suffix}"] for part in parts}


class ActorCritic(nn.Module):
    """ikostrikov/pytorch-a3c (48d9584), model.py, lines 34 to 73, one picture at a time."""

    def __init__(self, channels: int, features: int, size: int, actions: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(channels, channels, 3, stride=2, padding=1)
        self.conv4 = nn.Conv2d(channels, channels, 3, stride=2, padding=1)
        self.lstm = nn.LSTMCell(features, size)
        self.critic_linear = nn.Linear(size, 1)
        self.actor_linear = nn.Linear(size, actions)

    def forward(self, pictures: Tensor) -> Tensor:
        hx = cx = pictures.new_zeros(1, self.lstm.hidden_size)
        found = []
        for inputs in pictures.unbind(1):
            x = F.elu(self.conv1(inputs))
            x = F.elu(self.conv2(x))
            x = F.elu(self.conv3(x))
            x = F.elu(self.conv4(x))
            hx, cx = self.lstm(x.view(1, -1), (hx, cx))
            found.append(torch.cat([self.critic_linear(hx), self.actor_linear(hx)], 1))
        return torch.stack(found, 1)


def _actor_critic(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = linear(theirs, "critic_linear", "heads.critic.linear") | linear(theirs, "actor_linear", "heads.actor.linear")
    for layer in range(4):
        ours |= linear(theirs, f"conv{1 + layer}", f"layers.{layer}.conv")
    return ours | _cell(theirs, "lstm", "layers.5")


BACKWARDS: Final = {"time backwards": {"layers.5.reverse": True}}
A3C: Final = Case(
    theirs=lambda: ActorCritic(3, 12, 5, 4),
    ours=_actor_critic,
    changes={"input.height": 18, "input.width": 20, "hidden_size": 5, "heads.actor.size": 4}
    | {f"layers.{layer}.channels": 3 for layer in range(4)},
    mistakes={
        **{f"relu in layer {layer}": {f"layers.{layer}.activation": "relu"} for layer in range(4)},
        **BACKWARDS,
    },
)


class Drqn(nn.Module):
    """pfnet/pfrl (03a17d6), examples/atari/train_drqn_ale.py, lines 226 to 238, of single pictures."""

    def __init__(self, channels: tuple[int, int, int], features: int, size: int, actions: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, channels[0], 8, stride=4),
            nn.ReLU(),
            nn.Conv2d(channels[0], channels[1], 4, stride=2),
            nn.ReLU(),
            nn.Conv2d(channels[1], channels[2], 3, stride=1),
            nn.Flatten(),
            nn.ReLU(),
        )
        self.lstm = nn.LSTM(input_size=features, hidden_size=size)
        self.linear = nn.Linear(size, actions)

    def forward(self, pictures: Tensor) -> Tensor:
        found, _ = self.lstm(self.convolutions(pictures[0]).unsqueeze(1))
        return self.linear(found).transpose(0, 1)


def _drqn(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = linear(theirs, "linear", "head.linear")
    for layer in range(3):
        ours |= linear(theirs, f"convolutions.{2 * layer}", f"layers.{layer}.conv")
    return ours | _cell(theirs, "lstm", "layers.4", "_l0")


DRQN: Final = Case(
    theirs=lambda: Drqn((2, 3, 2), 8, 5, 3),
    ours=_drqn,
    changes={
        "input.height": 44,
        "input.width": 45,
        "layers.0.channels": 2,
        "layers.1.channels": 3,
        "layers.2.channels": 2,
        "hidden_size": 5,
        "head.size": 3,
    },
    mistakes={
        **{f"tanh in layer {layer}": {f"layers.{layer}.activation": "tanh"} for layer in range(3)},
        "time backwards": {"layers.4.reverse": True},
    },
)


class DreamerCore(nn.Module):
    """danijar/dreamerv3 (e3f0224), dreamerv3/rssm.py, `_core`; `Linear`, `BlockLinear`, `Norm` of embodied/jax/nets.py."""

    def __init__(self, deter: int, hidden: int, stoch: int, action: int, blocks: int) -> None:
        super().__init__()
        self.deter, self.stoch, self.blocks = deter, stoch, blocks
        for name, width in (("dynin0", deter), ("dynin1", stoch), ("dynin2", action)):
            self.linear(name, (width, hidden), hidden)
            self.register_parameter(f"{name}norm_scale", nn.Parameter(torch.empty(hidden)))
        size = deter // blocks
        self.linear("dynhid0", (blocks, size + 3 * hidden, size), deter)
        self.register_parameter("dynhid0norm_scale", nn.Parameter(torch.empty(deter)))
        self.linear("dyngru", (blocks, size, 3 * size), 3 * deter)

    def linear(self, name: str, shape: tuple[int, ...], units: int) -> None:
        self.register_parameter(f"{name}_kernel", nn.Parameter(torch.empty(shape)))
        self.register_parameter(f"{name}_bias", nn.Parameter(torch.empty(units)))

    def active(self, name: str, x: Tensor) -> Tensor:
        scale = getattr(self, f"{name}norm_scale")
        return F.silu(x * (torch.rsqrt(torch.square(x).mean(-1, keepdim=True) + 1e-4) * scale))

    def of_linear(self, name: str, x: Tensor) -> Tensor:
        found: Tensor = x @ getattr(self, f"{name}_kernel") + getattr(self, f"{name}_bias")
        return found

    def of_blocks(self, name: str, x: Tensor) -> Tensor:
        x = torch.einsum("...ki,kio->...ko", x.view(1, self.blocks, -1), getattr(self, f"{name}_kernel"))
        found: Tensor = x.flatten(1) + getattr(self, f"{name}_bias")
        return found

    def forward(self, inputs: Tensor) -> Tensor:
        deter = inputs.new_zeros(1, self.deter)
        found = []
        for step in inputs.unbind(1):
            stoch, action = step[:, : self.stoch], step[:, self.stoch :]
            action = action / torch.clamp(torch.abs(action), min=1)
            read = zip(("dynin0", "dynin1", "dynin2"), (deter, stoch, action), strict=True)
            x = torch.cat([self.active(name, self.of_linear(name, value)) for name, value in read], -1)
            x = x.unsqueeze(-2).repeat(1, self.blocks, 1)
            x = torch.cat([deter.view(1, self.blocks, -1), x], -1).flatten(1)
            x = self.active("dynhid0", self.of_blocks("dynhid0", x))
            gates = self.of_blocks("dyngru", x).view(1, self.blocks, -1).chunk(3, -1)
            reset, cand, update = (gate.flatten(1) for gate in gates)
            cand = torch.tanh(torch.sigmoid(reset) * cand)
            update = torch.sigmoid(update - 1)
            deter = update * cand + (1 - update) * deter
            found.append(deter)
        return torch.stack(found, 1)


def _dreamer(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {}
    for name, there in (("p", "dynin0"), ("q", "dynin1"), ("e", "dynin2"), ("v", "dynhid0"), ("g", "dyngru")):
        suffix = ".0" if name == "v" else ""
        ours[f"layers.0.cell.weight_{name}{suffix}"] = theirs[f"{there}_kernel"].transpose(-1, -2)
        ours[f"layers.0.cell.bias_{name}{suffix}"] = theirs[f"{there}_bias"]
        if name != "g":
            ours[f"layers.0.cell.norm_{name}{suffix}"] = theirs[f"{there}norm_scale"]
    return ours


DREAMER: Final = Case(
    theirs=lambda: DreamerCore(16, 2, 13, 3, 8),
    ours=_dreamer,
    changes={"input": 16, "cell.action": 3, "hidden_size": 16},
    mistakes={
        "time backwards": {"layers": [{"reverse": True}]},
        "the sum of the layer and its input": {"residual": True},
    },
    scale=2.0,  # an action beyond 1 is brought to 1
)


class SpatioTemporalLSTMCell(nn.Module):
    """thuml/predrnn-pytorch (49d3b0f), core/layers/SpatioTemporalLSTMCell.py, without layer norm."""

    def __init__(self, in_channel: int, num_hidden: int, filter_size: int) -> None:
        super().__init__()
        self.num_hidden = num_hidden
        shapes = {"x": (in_channel, 7), "h": (num_hidden, 4), "m": (num_hidden, 3), "o": (2 * num_hidden, 1)}
        for name, (channels, count) in shapes.items():
            conv = nn.Conv2d(channels, count * num_hidden, filter_size, padding=filter_size // 2, bias=False)
            self.add_module(f"conv_{name}", conv)
        self.conv_last = nn.Conv2d(num_hidden * 2, num_hidden, 1, bias=False)

    def forward(self, x_t: Tensor, h_t: Tensor, c_t: Tensor, m_t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        i_x, f_x, g_x, i_x_prime, f_x_prime, g_x_prime, o_x = self.conv_x(x_t).split(self.num_hidden, 1)
        i_h, f_h, g_h, o_h = self.conv_h(h_t).split(self.num_hidden, 1)
        i_m, f_m, g_m = self.conv_m(m_t).split(self.num_hidden, 1)
        c_new = torch.sigmoid(f_x + f_h + 1.0) * c_t + torch.sigmoid(i_x + i_h) * torch.tanh(g_x + g_h)
        i_t_prime, f_t_prime = torch.sigmoid(i_x_prime + i_m), torch.sigmoid(f_x_prime + f_m + 1.0)
        m_new = f_t_prime * m_t + i_t_prime * torch.tanh(g_x_prime + g_m)
        mem = torch.cat((c_new, m_new), 1)
        o_t = torch.sigmoid(o_x + o_h + self.conv_o(mem))
        return o_t * torch.tanh(self.conv_last(mem)), c_new, m_new


class PredRnn(nn.Module):
    """thuml/predrnn-pytorch (49d3b0f), core/models/predrnn.py, `RNN` where every picture is a true one."""

    def __init__(self, channels: int, num_hidden: int, num_layers: int, filter_size: int) -> None:
        super().__init__()
        self.cell_list = nn.ModuleList(
            SpatioTemporalLSTMCell(num_hidden if layer else channels, num_hidden, filter_size)
            for layer in range(num_layers)
        )
        self.conv_last = nn.Conv2d(num_hidden, channels, 1, bias=False)
        self.num_hidden = num_hidden

    def forward(self, frames: Tensor) -> Tensor:
        memory = frames.new_zeros(1, self.num_hidden, *frames.shape[3:])
        h_t = [memory for _ in self.cell_list]
        c_t = list(h_t)
        next_frames = []
        for net in frames.unbind(1):
            for layer, cell in enumerate(self.cell_list):
                below = h_t[layer - 1] if layer else net
                h_t[layer], c_t[layer], memory = cell(below, h_t[layer], c_t[layer], memory)
            next_frames.append(self.conv_last(h_t[-1]))
        return torch.stack(next_frames, 1)


def _predrnn(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"layers.1.conv.weight": theirs["conv_last.weight"]}
    for layer in range(4):
        for name in ("x", "h", "m", "o", "last"):
            ours[f"layers.0.cell.weight_{name}.{layer}"] = theirs[f"cell_list.{layer}.conv_{name}.weight"]
    return ours


SMALL: Final[dict[str, Any]] = {"input.channels": 3, "input.height": 4, "input.width": 5, "layers.1.channels": 3}
PREDRNN: Final = Case(
    theirs=lambda: PredRnn(3, 3, 4, 5),
    ours=_predrnn,
    changes=SMALL | {"hidden_size": 3},
    mistakes={
        "time backwards": {"layers.0.reverse": True},
        "the sum of the layers and their input": {"layers.0.residual": True},
        "an activation of the picture": {"layers.1.activation": "relu"},
    },
)

CASES: Final = {
    "a3c-lstm": A3C,
    "dreamer-core": DREAMER,
    **{f"dreamer-core@{size}": DREAMER for size in ("1m", "25m", "50m", "100m", "200m", "400m")},
    "drqn": DRQN,
    "predrnn": PREDRNN,
}
