"""The parameters that the built-in cells share: torch's names and layout, with two, one or no bias."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from zoo.cells.options import Biases
from zoo.components import Shape, features
from zoo.engine.cell import Cell, Context, Role, States
from zoo.engine.precision import widened
from zoo.engine.sequence import at_last, where_sequences


class GatedCell(Cell):
    """A cell of `gates` blocks, each with a product of x and one of h.

    Parameters: weight_ih (gates * H, I), weight_hh (gates * H, output), and bias_ih and bias_hh (gates * H each), or
    one bias (gates * H), or none.
    """

    gates: tuple[str, ...]
    forget: str | None = None
    uses = frozenset({"weight_dropout", "recurrent_dropout"})

    def __init__(self, input_shape: Shape, hidden_size: int, output_size: int, bias: Biases) -> None:
        super().__init__()
        self.input_shape = input_shape
        self.output_shape = (output_size,)
        self.hidden_size = hidden_size
        rows = len(self.gates) * hidden_size
        self.weight_ih = nn.Parameter(torch.empty(rows, features(input_shape)))
        self.weight_hh = nn.Parameter(torch.empty(rows, output_size))
        self.bias_names = {"two": ("bias_ih", "bias_hh"), "one": ("bias",), "none": ()}[bias]
        for name in self.bias_names:
            self.register_parameter(name, nn.Parameter(torch.empty(rows)))

        self.kernel_key = (type(self), hidden_size, output_size, bias != "none")

    def reset_parameters(self) -> None:
        """Initialise the parameters.

        Uniform in plus and minus 1/sqrt(hidden_size), as torch.nn starts its recurrent layers; a choice, but for
        those layers themselves and where the source of the cell says more.
        """
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters(recurse=False):
            nn.init.uniform_(parameter, -bound, bound)

    def roles(self) -> Mapping[str, Role]:
        return {
            "weight_ih": Role("input", self.gates, self.forget),
            "weight_hh": Role("recurrent", self.gates, self.forget),
            **{name: Role("bias", self.gates, self.forget) for name in self.bias_names},
        }

    def biases(self) -> tuple[Tensor | None, Tensor | None]:
        """The bias of the input's product and of the state's; None where there is none."""
        first, second = [*(getattr(self, name) for name in self.bias_names), None, None][:2]
        return first, second

    def bias_sum(self) -> Tensor | None:
        first, second = self.biases()
        return first if second is None or first is None else widened(first) + widened(second)

    def kernel_weights(self, weight_ih: Tensor, weight_hh: Tensor) -> list[Tensor]:
        """The weights as torch's kernels take them: with both biases or none."""
        first, second = self.biases()
        if first is None:
            return [weight_ih, weight_hh]
        return [weight_ih, weight_hh, first, torch.zeros_like(first) if second is None else second]

    def kernel(
        self, x: Tensor, state: Mapping[str, Tensor], weights: list[Tensor], *, biased: bool, layers: int, both: bool
    ) -> tuple[Tensor, ...]:
        """torch's kernel for this cell: the output (B, T, D), then each state (layers * directions, B, H)."""
        raise TypeError(f"{type(self).__name__} does not define kernel")

    @staticmethod
    def fused_stack(
        cells: Sequence[Cell], x: Tensor, state: Mapping[str, Tensor], *, layers: int
    ) -> tuple[Tensor, States]:
        weights: list[Tensor] = []
        for cell in cells:
            assert isinstance(cell, GatedCell)
            weights += cell.all_weights()
        first = cells[0]
        assert isinstance(first, GatedCell)
        before = {name: value if value.dtype == x.dtype else value.to(x.dtype) for name, value in state.items()}
        biased, both = bool(first.bias_names), len(cells) > layers
        y, *after = first.kernel(x, before, weights, biased=biased, layers=layers, both=both)
        return y, dict(zip(state, after, strict=True))

    def all_weights(self) -> list[Tensor]:
        """One direction's weights in the order of torch's kernels."""
        return self.kernel_weights(self.weight_ih, self.weight_hh)


def kernel_state(state: Tensor, x: Tensor) -> Tensor:
    """A state (B, H) as torch's kernels take it: (1, B, H), in the dtype of the input."""
    return state.to(x.dtype).unsqueeze(0)


def for_backward() -> bool:
    """What a kernel is told of training: cuDNN keeps what its backward needs only then, whatever the model's mode."""
    return torch.is_grad_enabled()


def last_output(y: Tensor, last: Tensor, state: Mapping[str, Tensor], ctx: Context) -> States:
    """h of a cell whose output is h, at each sequence's last valid step; the old one for a sequence without steps.

    Args:
        y: Output of the kernel, shape (B, T, H).
        last: What the kernel gives for the last step, padding or not, shape (1, B, H).
        state: The state before the first step.
        ctx: What is known of the run.
    """
    if ctx.lengths is None:
        return {"h": last.squeeze(0)}
    return {"h": where_sequences(ctx.lengths > 0, at_last(y, ctx.lengths), state["h"].to(y.dtype))}
