"""One layer on two engines: outputs, states and every gradient, in float64, over lengths, resets and a carried state."""

from __future__ import annotations

from collections.abc import Callable

import torch
from exotic import EXOTIC, F_IN, H
from torch import Tensor

from zoo.cells.lstm import LSTM
from zoo.cells.options import LSTMOptions, RNNOptions
from zoo.cells.rnn import RNN
from zoo.engine.around import Dropout
from zoo.engine.cell import Cell
from zoo.engine.names import Engine
from zoo.engine.recurrence import Run
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.engine.sequence import valid_steps

CELLS: dict[str, Callable[[], Cell]] = {
    "rnn": lambda: RNN(RNNOptions(), (F_IN,), H),
    "lstm": lambda: LSTM(LSTMOptions(), (F_IN,), H),
    **{name: make for name, (make, _) in EXOTIC.items()},
}


def layer_of(name: str, *, zoneout: float = 0.0, both: bool = False) -> RecurrentLayer:
    torch.manual_seed(0)
    cells = [CELLS[name]().double() for _ in range(1 + both)]
    return RecurrentLayer(*cells, dropout=Dropout(zoneout=zoneout)).double().eval()


def results(
    layer: RecurrentLayer,
    engine: Engine,
    rows: int,
    steps: int,
    *,
    lengths: bool = True,
    resets: bool = True,
    all_states: bool = False,
    gradients: bool = True,
    given_state: bool = True,
) -> dict[str, Tensor]:
    """Everything that comes out of one run, by name; the same data and the same masks for the same arguments."""
    generator = torch.Generator().manual_seed(100 * rows + steps)
    x = torch.randn(rows, steps, F_IN, dtype=torch.float64, generator=generator).requires_grad_(gradients)
    ends = torch.randint(1, steps + 1, (rows,), generator=generator)
    ends[0] = steps
    state = {}
    for name, value in layer.init_state(rows, device=x.device, dtype=x.dtype).items():
        if given_state and (value.is_floating_point() or value.is_complex()):
            moved = value + torch.randn(value.shape, dtype=value.dtype, generator=generator)
            value = moved.detach().requires_grad_(gradients)
        state[name] = value
    run = Run(
        lengths=ends if lengths else None,
        valid=valid_steps(ends, steps) if lengths else None,
        dt=0.5 + torch.rand(rows, steps, dtype=torch.float64, generator=generator),
        observed=torch.rand(rows, steps, F_IN, generator=generator) < 0.6,
        reset=torch.rand(rows, steps, generator=generator) < 0.3 if resets else None,
        engine=engine,
        all_states=all_states,
    )
    layer.zero_grad()
    torch.manual_seed(3)
    with torch.set_grad_enabled(gradients):
        y = layer(x, state, run)
    found = {"output": y.output, **{f"after.{n}": v for n, v in y.state.items()}}
    found |= {f"states.{n}": v for n, v in (y.states or {}).items()}
    if gradients:
        carried = [v for n, v in y.state.items() if v.requires_grad and v.isfinite().all() and n != "m"]
        (y.output.square().sum() + sum(v.abs().square().sum() for v in carried)).backward()
        leaves = {"x": x, **state, **dict(layer.named_parameters())}
        found |= {f"gradient of {n}": t.grad for n, t in leaves.items() if t.grad is not None}
    return {name: value.detach().clone() for name, value in found.items()}


def assert_agree(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert list(found) == list(expected), sorted(found.keys() ^ expected.keys())
    for name, value in expected.items():
        scale = max(1.0, value.abs().max().item())
        torch.testing.assert_close(found[name], value, atol=1e-10 * scale, rtol=0, msg=lambda m, n=name: f"{n}: {m}")
