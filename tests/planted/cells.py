"""Bugs in cells, in how their parameters start, and in their closed forms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

import zoo.cells.options
import zoo.inits.schemes
import zoo.inspect.summary
from zoo.cells.gru import GRU
from zoo.cells.lstm import LSTM
from zoo.cells.rnn import RNN
from zoo.cells.weights import GatedCell
from zoo.engine.cell import StateSpec
from zoo.heads.linear import Linear

from .patching import Patch, around
from .suite import mutant


@mutant("lstm", "engines")
def gates_swapped_in_a_step(patch: Patch) -> None:
    def wrong(step: Any, self: LSTM, u: Tensor, state: Any, const: Any) -> Any:
        H = self.hidden_size
        kept, U, W_hr, mask = const
        order = [*range(H, 2 * H), *range(H), *range(2 * H, 4 * H)]
        return step(self, u[:, order], state, (kept, U[:, order], W_hr, mask))

    around(patch, LSTM, "step", wrong)


@mutant("gru", "engines")
def bias_of_the_candidate_outside_the_reset(patch: Patch) -> None:
    patch.setattr(GRU, "_candidate_bias", lambda self: None)


@mutant("gru", "engines")
def update_gate_the_other_way_round(patch: Patch) -> None:
    def wrong(step: Any, self: GRU, u: Tensor, state: Any, const: Any) -> Any:
        H = self.hidden_size
        kept, U, b_n, mask = const
        flip = torch.ones_like(u[0])
        flip[H : 2 * H] = -1
        return step(self, u * flip, state, (kept, U * flip, b_n, mask))

    around(patch, GRU, "step", wrong)


@mutant("relu", "engines")
def nonlinearity_ignored_by_the_kernel(patch: Patch) -> None:
    patch.setattr(torch, "rnn_relu", torch.rnn_tanh)


@mutant("lstm", "engines")
def kernel_with_a_wrong_gradient(patch: Patch) -> None:
    def wrong(kernel: Any, self: LSTM, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        return kernel(self, 0.5 * x + 0.5 * x.detach(), *args, **kwargs)

    around(patch, LSTM, "kernel", wrong)


@mutant("forget", "gradcheck")
def cell_state_detached_in_a_step(patch: Patch) -> None:
    def wrong(step: Any, self: LSTM, u: Tensor, state: Any, const: Any) -> Any:
        return step(self, u, {**state, "c": state["c"].detach()}, const)

    around(patch, LSTM, "step", wrong)


@mutant("gru", "gradient_flow")
def parameter_never_used(patch: Patch) -> None:
    def wrong(init: Any, self: GatedCell, *args: Any) -> None:
        init(self, *args)
        self.unused = nn.Parameter(torch.zeros(3))

    around(patch, GatedCell, "__init__", wrong)


@mutant("forget", "options")
def forget_bias_ignored(patch: Patch) -> None:
    patch.setattr(LSTM, "set_fixed_parameters", lambda self: None)


@mutant("forget", "options")
def range_of_the_init_ignored(patch: Patch) -> None:
    def wrong(uniform: Any, options: Any) -> Any:
        return uniform(options.model_copy(update={"range": 0.1}))

    around(patch, zoo.inits.schemes, "uniform", wrong)


@mutant("layers", "precision")
def state_in_the_dtype_of_the_parameters(patch: Patch) -> None:
    patch.setattr(StateSpec, "dtype", lambda self, *where: torch.bfloat16 if where[0] == torch.float32 else where[0])


@mutant("tied", "summary")
def summary_counts_shared_weights_twice(patch: Patch) -> None:
    def wrong(summarise: Any, *args: Any, **kwargs: Any) -> Any:
        found = summarise(*args, **kwargs)
        return replace(found, parameters=found.parameters + 11 * 30)

    around(patch, zoo.inspect.summary, "summarise", wrong)


@mutant("gru", "parameters")
def description_with_one_bias(patch: Patch) -> None:
    def wrong(describe: Any, *args: Any) -> Any:
        found = describe(*args)
        return replace(found, parameters=found.parameters - 33)

    around(patch, zoo.cells.options, "describe_gru", wrong)


@mutant("gru", "summary")
def description_counts_biases_as_multiply_adds(patch: Patch) -> None:
    def wrong(describe: Any, *args: Any) -> Any:
        found = describe(*args)
        return replace(found, macs_per_step=found.parameters)

    around(patch, zoo.cells.options, "describe_gru", wrong)


@mutant("gru", "shapes")
def last_feature_left_out(patch: Patch) -> None:
    def wrong(forward: Any, self: Linear, x: Tensor) -> Tensor:
        y: Tensor = forward(self, x)
        return y[..., :-1]  # a step left out is refused by the run itself

    around(patch, Linear, "forward", wrong)


@mutant("relu", "finite")
def output_grows_without_bound(patch: Patch) -> None:
    def wrong(kernel: Any, self: RNN, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        y, *after = kernel(self, x, *args, **kwargs)
        return torch.exp(y * torch.arange(y.shape[1], dtype=y.dtype).view(1, -1, 1)), *after

    around(patch, RNN, "kernel", wrong)
