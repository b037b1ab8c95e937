"""What the tests share: wirings, cells with every option, a model of one cell, and a batch at irregular times."""

from __future__ import annotations

import torch

import zoo
from zoo.testing import tiny_spec

CIRCUIT = {
    "wiring": "ncp",
    "outputs": 4,
    "command": 3,
    "sensory_fanout": 2,
    "inter_fanout": 2,
    "recurrent_command_synapses": 4,
    "motor_fanin": 2,
}
AUTO = {"wiring": "auto-ncp", "outputs": 3}
CELLS = [
    {"kind": "ncps-ltc"},
    {"kind": "ncps-ltc", "outputs": 4, "self_connections": False},
    {"kind": "ncps-ltc", **CIRCUIT},
    {"kind": "ncps-ltc", **AUTO, "sparsity": 0.7},
    {"kind": "ncps-ltc", "wiring": "random", "sparsity": 0.4, "outputs": 2},
    {"kind": "ncps-ltc", "ode_unfolds": 1, "input_mapping": "none", "output_mapping": "linear"},
    {"kind": "ncps-ltc", "input_mapping": "linear", "output_mapping": "none"},
    {"kind": "ncps-ltc", "implicit_param_constraints": False},
    {"kind": "ncps-cfc"},
    {"kind": "ncps-cfc", "mode": "pure", "backbone_layers": 2, "backbone_units": 7},
    {"kind": "ncps-cfc", "mode": "no_gate", "backbone_layers": 0},
    {"kind": "ncps-cfc", "backbone_layers": 3, "backbone_units": 7, "backbone_dropout": 0.3},
    *({"kind": "ncps-cfc", "backbone_activation": name} for name in ("tanh", "relu", "silu", "gelu")),
    {"kind": "ncps-wired-cfc"},
    {"kind": "ncps-wired-cfc", "mode": "pure", **AUTO},
    {"kind": "ncps-wired-cfc", "mode": "no_gate", "wiring": "random"},
    {"kind": "ncps-wired-cfc", **CIRCUIT},
    {"kind": "ncps-wired-cfc", **CIRCUIT, "wired_time_gates": True},
]


def build(cell, inputs=4, hidden=11, seed=0, **keys):
    spec = tiny_spec(cell, input=inputs, hidden_size=hidden, **keys)
    model = zoo.build(spec, seed=seed, dtype=torch.float64).eval()
    return model, model.layers[0].cell


def batch(rows=3, steps=6, inputs=4):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(rows, steps, inputs, generator=generator, dtype=torch.float64)
    return x, 0.1 + 2 * torch.rand(rows, steps, generator=generator, dtype=torch.float64)
