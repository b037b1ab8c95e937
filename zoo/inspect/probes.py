"""One measurement each, of one cell over one input."""

from __future__ import annotations

import math
from typing import Any, Final

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from zoo.engine.cell import Cell, States
from zoo.engine.layer import Run
from zoo.engine.recurrent_layer import RecurrentLayer

GATES: Final = frozenset(
    {
        torch.sigmoid,
        torch.sigmoid_,
        Tensor.sigmoid,
        Tensor.sigmoid_,
        torch.special.expit,
        torch.nn.functional.sigmoid,
        torch.nn.functional.hardsigmoid,
    }
)
LOW: Final = 0.05
HIGH: Final = 0.95
STILL: Final = 1e-6
"""A unit whose values span no more than this does not move."""
BURN_IN: Final = 20
POWERS: Final = 100
"""Steps of the power iteration that are not counted, and all of them."""


def flow(cell: Cell, x: Tensor) -> tuple[float, float]:
    """The size of the gradient of the last output, in a random direction, by the first input and by the last.

    For x (B, T, ...). The size is the root of the mean over sequences of the squared norm.
    """
    inputs = x.detach().clone().requires_grad_()
    last = _run(cell, inputs).output[:, -1]
    direction = torch.randn(last.shape, generator=torch.Generator().manual_seed(0)).to(last)
    (gradient,) = torch.autograd.grad(last, inputs, direction)
    sizes = gradient.flatten(2).norm(dim=2).pow(2).mean(0).sqrt()
    return float(sizes[0]), float(sizes[-1])


class _Gates(TorchFunctionMode):
    """Counts the values of every sigmoid, hard or not, while it is on."""

    def __init__(self) -> None:
        super().__init__()
        self.values = self.stuck = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        if func in GATES and found.dim() > 1:  # not of a parameter: that is no gate, and does not close
            self.values += found.numel()
            self.stuck += int(((found < LOW) | (found > HIGH)).sum())
        return found


def saturated(cell: Cell, x: Tensor) -> float | None:
    """The fraction of gate activations near their ends, for x (B, T, ...); None where no sigmoid is taken."""
    with torch.no_grad(), _Gates() as gates:
        _run(cell, x, engine="loop")
    return gates.stuck / gates.values if gates.values else None


def radius(cell: Cell, x: Tensor) -> float:
    """Spectral radius of the derivative of the new state by the old one, at the last of the steps of x (B, T, ...).

    By Gelfand's formula on powers of its transpose, so that pairs of complex eigenvalues need no care. All states take
    part; a counter or a clock among them makes it 1.
    """
    one = x[:1]
    with torch.no_grad():
        before = dict(_run(cell, one[:, :-1], engine="loop").state)
    old = {name: before[name].detach().clone().requires_grad_() for name in cell.states}
    new = _run(cell, one[:, -1:], {**before, **old}, engine="loop").state
    outputs = [new[name] for name in cell.states if new[name].requires_grad]
    names = [name for name in cell.states if new[name].requires_grad]
    if not outputs:
        return 0.0
    generator = torch.Generator().manual_seed(0)
    vector = {name: torch.randn(old[name].shape, generator=generator).to(old[name]) for name in names}
    grown = 0.0
    for power in range(POWERS):
        size = math.sqrt(sum(float(v.abs().pow(2).sum()) for v in vector.values()))
        if size < 1e-30:
            return 0.0
        grown += math.log(size) if power > BURN_IN else 0.0
        scaled = [vector[name] / size for name in names]
        found = torch.autograd.grad(outputs, [old[n] for n in names], scaled, retain_graph=True, allow_unused=True)
        vector = {
            name: torch.zeros_like(old[name]) if one is None else one for name, one in zip(names, found, strict=True)
        }
    return math.exp(grown / (POWERS - BURN_IN - 1))


def dead(cell: Cell, x: Tensor) -> tuple[int, int]:
    """Units of the output that do not move over sequences and steps of x (B, T, ...), and all of them."""
    with torch.no_grad():
        y = _run(cell, x).output.flatten(0, 1).flatten(1)
    return int((y.amax(0) - y.amin(0) <= STILL).sum()), y.shape[1]


def denormal(cell: Cell, x: Tensor) -> float:
    """The fraction of outputs, last states and gradients of the input x (B, T, ...), float32, that are denormal."""
    inputs = x.detach().clone().requires_grad_()
    found = _run(cell, inputs)
    (gradient,) = torch.autograd.grad(found.output[:, -1].sum(), inputs)
    numbers = [found.output, gradient, *(found.state[name] for name in cell.states)]
    flat = torch.cat([(torch.view_as_real(n) if n.is_complex() else n).detach().flatten() for n in numbers]).abs()
    return float(((flat > 0) & (flat < torch.finfo(flat.dtype).tiny)).double().mean())


def _run(cell: Cell, x: Tensor, state: States | None = None, *, engine: str = "auto") -> Any:
    layer = RecurrentLayer(cell)
    layer.train(cell.training)
    initial = layer.init_state(x.shape[0], device=x.device, dtype=x.dtype) if state is None else state
    return layer(x, initial, Run(engine=engine))  # type: ignore[arg-type]
