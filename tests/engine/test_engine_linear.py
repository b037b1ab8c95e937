"""The linear engine against the loop: values, first and second derivatives, real and complex."""

from __future__ import annotations

import torch
from each import each
from exotic import EXOTIC, F_IN
from torch import Tensor

from zoo.engine.backends import linear
from zoo.engine.cell import Cell
from zoo.engine.names import Engine
from zoo.engine.recurrence import Run
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.engine.sequence import valid_steps

LINEAR = ("fresh", "complex")


def plain(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    steps = []
    for a_t, b_t in zip(a.unbind(1), b.unbind(1), strict=True):
        h = a_t * h + b_t
        steps.append(h)
    return torch.stack(steps, 1)


def operands(dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, dtype=dtype, generator=generator).requires_grad_()

    return draw(2, 5, 3), draw(2, 5, 3), draw(2, 3)


@each("dtype", [torch.float64, torch.complex128])
def test_the_recurrence_and_its_derivatives_to_second_order(dtype: torch.dtype) -> None:
    given = operands(dtype)
    torch.testing.assert_close(linear.recurrence(*given), plain(*given), atol=1e-14, rtol=0)
    assert torch.autograd.gradcheck(linear.recurrence, given)
    assert torch.autograd.gradgradcheck(linear.recurrence, given)


@each("name", EXOTIC)
def test_only_cells_that_say_so_are_linear(name: str) -> None:
    assert linear.is_linear(EXOTIC[name][0]()) == (name in LINEAR)


@each("name", LINEAR)
def test_gradients_equal_those_of_the_loop(name: str) -> None:
    """With resets, padding and both directions; the incoming state gets a gradient too."""
    torch.manual_seed(0)
    cells: list[Cell] = [EXOTIC[name][0]().double() for _ in range(2)]
    layer = RecurrentLayer(*cells)
    lengths = torch.tensor([7, 3, 5])
    reset = torch.rand(3, 7) < 0.3
    found = []
    for engine in ("linear", "loop"):
        x = torch.randn(3, 7, F_IN, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
        state = {
            key: torch.full_like(value, 0.5).requires_grad_()
            if value.is_floating_point() or value.is_complex()
            else value
            for key, value in layer.init_state(3, device=x.device, dtype=x.dtype).items()
        }
        layer.zero_grad()
        y = layer(x, state, _run(lengths, reset, engine))  # type: ignore[arg-type]
        (y.output.square().sum() + sum(value.abs().sum() for value in y.state.values())).backward()
        gradients = [x.grad, *(s.grad for s in state.values()), *(p.grad for p in layer.parameters())]
        found.append([y.output, *(g for g in gradients if g is not None)])
    assert len(found[0]) == len(found[1]) > 4
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, atol=1e-12, rtol=0)


def _run(lengths: Tensor, reset: Tensor, engine: Engine) -> Run:
    return Run(lengths=lengths, valid=valid_steps(lengths, 7), reset=reset, engine=engine)
